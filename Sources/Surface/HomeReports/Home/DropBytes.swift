import HomeConfiguration
package import DropCore
import DropSpooling
import Evidence
import Foundation
import TwinStore

/// The bytes of a drop as its sender gave them, wherever they are: in the spool, in quarantine, or in the archive.
package struct DropBytes {
    private let home: Home
    private let record: DropRecord

    package init(_ record: DropRecord, in home: Home) {
        self.record = record
        self.home = home
    }

    /// Opens them for reading, at their start; the caller closes. Of an archived drop this is a copy without a name. Other bytes
    /// than those that arrived are refused.
    ///
    /// - Parameter isChecked: false where a part of a large file is shown only.
    package func open(isChecked: Bool = true) throws(CommandFailure) -> FileCalls.Opened {
        guard let path else { return try copy() }
        if isChecked { try check() }
        return try FileCalls.open(path)
    }

    /// Errors: what lies in the home is not what arrived, by the SHA-256 that the register has.
    package func check() throws(CommandFailure) {
        guard let path, let known = record.digest else { return }
        try reporting { () throws(DropError) in
            let found = try SpoolFolder.digest(ofFile: path)
            guard found == known else { throw ByteLoss.changed(path, known: known, found: found) }
        }
    }

    /// The file that has them, of a drop that is not archived yet; nil otherwise.
    package var path: String? { unarchivedPaths().first(where: FileCalls.isFile) }

    private func copy() throws(CommandFailure) -> FileCalls.Opened {
        guard let archived = try archived() else {
            throw CommandFailure(
                .negative, "The bytes of drop \(record.id) are neither in the archive nor in the home.",
                "`twindrop show \(record.id)` has its facts, `twindrop doctor` says what else is amiss.")
        }
        let copy = try FileCalls.unnamed()
        do {
            try reporting { () throws(DropError) in
                try ArchiveCatalogue(root: home.paths.archive).cat(archived.drop, to: copy.descriptor)
            }
            return try copy.rewound()
        } catch {
            copy.close()
            throw error
        }
    }

    private func archived() throws(CommandFailure) -> ArchivedDrop? {
        guard Folders.exists(home.paths.archive + "/chain.log") else { return nil }
        return try reporting { () throws(DropError) in try ArchiveCatalogue(root: home.paths.archive).find(record.id) }
    }

    private func unarchivedPaths() -> [String] {
        let quarantine = home.paths.state + "/quarantine"
        // Where it cannot be listed, opening fails below, and says so.
        let days = (try? FileManager.default.contentsOfDirectory(atPath: quarantine)) ?? []
        return ["\(home.paths.state)/spool/in/\(record.id)"] + days.sorted().map { "\(quarantine)/\($0)/\(record.id)/content" }
    }
}
