import DropCore
import Evidence
import Foundation
import HomeConfiguration
import HomeReports
import TwinModel
import TwinStore

/// The file of rejects of a drop, made anew from the drop's bytes and from what the database knows of its refused records: those
/// that nobody has corrected, with their marks.
struct ExtractedRejects {
    private let home: Home
    private let record: DropRecord
    private let refusals: Refusals
    private let open: [RefusedRecord]

    /// - Parameter text: which drop a person means; of corrected rejects, the drop that they are of.
    init(of text: String, _ home: Home, _ store: TwinStore) throws(CommandFailure) {
        var record = try home.drop(text, in: store)
        let found = try reporting { [record] () throws(DropError) in
            let original =
                record.link?.kind == .amends
                ? try record.link.flatMap { link throws(DropError) in try store.register.drop(link.drop) } : nil
            return (original ?? record, try store.graph.refusals(of: (original ?? record).id))
        }
        record = found.0
        guard let refusals = found.1 else {
            throw CommandFailure(
                .negative, "No refused record of drop \(record.id) (\(record.fileName)) is known.",
                "`twindrop drops --open-rejects` lists the drops that have some.")
        }
        open = refusals.records.filter { refusals.corrections[$0.record] == nil }
        guard !open.isEmpty else {
            throw CommandFailure(
                .negative, "Every refused record of drop \(record.id) (\(record.fileName)) was corrected.",
                "`twindrop show \(record.id)` says by which drop.")
        }
        (self.home, self.record, self.refusals) = (home, record, refusals)
    }

    var drop: DropID { record.id }

    /// Writes the file, which must not be there yet; its path.
    func write(into folder: String) throws(CommandFailure) -> String {
        let name = RejectsFile(of: record, records: 0).name
        let path = folder + "/" + name
        guard !FileCalls.isTaken(path) else { throw FileCalls.taken(path) }
        let aside = folder + "/" + TemporaryName.of(name)
        try reporting { () throws(DropError) in try Folders.make([folder]) }
        defer { try? FileManager.default.removeItem(atPath: aside) }  // A leftover beside the file harms nobody.
        let bytes = DropBytes(record, in: home)
        let input = try bytes.open()
        defer { input.close() }
        let copy = try bytes.path == nil ? FileCalls.named(input) : nil
        defer { if let copy { FileCalls.remove(copy) } }
        let rejections = open.map {
            Rejection(record: $0.record, offset: $0.offset, length: $0.length, code: "refused", message: "It was refused.")
        }
        guard let source = copy ?? bytes.path else {
            throw CommandFailure(.storage, "The bytes of drop \(record.id) went away.", "Try again.")
        }
        try reporting { () throws(DropError) in
            try ReceiptPort(root: aside).writeRejects(
                rejections, spans: refusals.headers, of: record, marking: record.id,
                dialect: home.configuration.source(record.source)?.dialect, spooledAt: source)
        }
        try FileCalls.rename("\(aside)/\(record.source.text)/\(name)", to: path)
        return path
    }
}
