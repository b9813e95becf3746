import DropCore
import TwinStore
extension TwinStore {
    static func openReader(folder: String) throws(DropError) -> TwinStore { try TwinStore.open(folder: folder) }
    static func openRehearsal(folder: String) throws(DropError) -> TwinStore { try TwinStore.open(folder: folder) }
    var instanceID: String { "temp" }
    func newestLabel() throws(DropError) -> UInt64 { 0 }
    static func restore(from: String, folder: String) throws(DropError) {}
}
