import DropCore
import Foundation

/// The folders of a home.
enum Folders {
    /// Makes what is missing: for the owner alone (0700), or as the umask says where senders are to write.
    static func make(_ paths: [String], forSenders: Bool = false) throws(DropError) {
        for path in paths {
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true, attributes: forSenders ? nil : [.posixPermissions: 0o700])
            } catch {
                throw DropError(
                    "storage", "The folder \(path) cannot be made: \(error.localizedDescription)",
                    hint: "Check its parent's permissions.",
                    remedy: .stop)
            }
        }
    }
}

extension Folders {
    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
