import CodecKit
package import DropCore
import DropSpooling
import Evidence
import Foundation
package import HomeConfiguration
import TwinModel
package import TwinStore

/// Files of the spool that no drop accounts for.
package enum Strangers {
    /// Files of the spool that no drop accounts for.
    package static func all(_ home: Home, _ store: TwinStore) throws(DropError) -> [String] {
        let spool = try SpoolFolder(state: home.paths.state)
        // Files first, rows then: beside a daemon a row is there before its file.
        let files = spool.strangers(besides: [])
        let known = Set(try store.register.unfinished().map(\.id.description))
        return files.filter { file in FileManager.default.fileExists(atPath: file) && !known.contains { file.hasSuffix($0) } }
    }

    /// What to do about a file that no row accounts for, as after a restore: its name and source, where the archive or a receipt
    /// still tells them.
    package static func hint(_ file: String, _ paths: Configuration.Paths) -> String {
        let id = file.split(separator: "/").last.map(String.init) ?? ""
        guard let (name, source) = told(id, paths) else {
            return "Neither the archive nor a receipt tells its name: look into it, hand it over with "
                + "`twindrop drop \(file) --source NAME --as FILE`, then remove it."
        }
        return "It is \(name) of source \(source): hand it over again with "
            + "`twindrop drop \(file) --source \(source) --as '\(name)'`, then remove it."
    }

    private static func told(_ text: String, _ paths: Configuration.Paths) -> (name: String, source: String)? {
        guard let id = DropID(text) else { return nil }
        // Where archive or receipts cannot be read, other checks say so, and the name is not known.
        if let drop = try? ArchiveCatalogue(root: paths.archive).find(id) { return (drop.file, drop.source.text) }
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: paths.receipts)) ?? []
        for folder in folders.sorted() {
            guard let bytes = FileManager.default.contents(atPath: "\(paths.receipts)/\(folder)/\(id).receipt.json"),
                let receipt = try? JSON(parsing: Array(bytes)), let name = receipt["file"]?.string
            else { continue }
            return (name, folder)
        }
        return nil
    }
}
