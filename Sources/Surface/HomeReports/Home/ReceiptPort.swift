import CodecKit
package import DropCore
import Evidence
import Foundation
import HomeConfiguration
import ThreadKit
package import TwinModel

/// Receipts and rejects in the receipts folder.
package final class ReceiptPort: ReceiptStore {
    private let root: String
    private let receipts: ReceiptWriter
    private let rejects: RejectsWriter
    /// What was written for drops that have no receipt yet, and the sources whose folders exist.
    private let known = Monitor<(rejects: [DropID: RejectsFile], sources: Set<SourceName>)>(([:], []))

    /// - Parameter root: the receipts folder, absolute.
    package init(root: String) {
        self.root = root
        receipts = ReceiptWriter(root: root)
        rejects = RejectsWriter(root: root)
    }

    package func write(_ record: DropRecord, leaf: UInt64?) throws(DropError) {
        try ofSource(record.source) { () throws(DropError) in try writeNow(record, leaf: leaf) }
    }

    private func writeNow(_ record: DropRecord, leaf: UInt64?) throws(DropError) {
        // A receipt that is written again keeps the leaf; one that cannot be read is written anew without it.
        let leaf = leaf ?? (try? receipt(of: record))?["archive"]?["leaf"]?.int.map { UInt64(max(0, $0)) }
        let item = record.container.flatMap { container in
            leaf.map { ArchivedItem(drop: record.id, container: container, member: record.member ?? "", leaf: $0) }
        }
        try receipts.write(record, archived: item, rejects: file(of: record))
        if record.state != .held { known.with { $0.rejects[record.id] = nil } }
    }

    package func sync(_ records: [DropRecord]) throws(DropError) {
        do throws(DropError) { try receipts.sync(records) } catch {
            let sources = Set(records.map(\.source))
            throw unusable(error, sources.count == 1 ? sources.first : nil)
        }
    }

    /// Whatever keeps receipts from being written is their source's affair: they are written when it is over, and nothing else
    /// waits. Not so a medium that fails: what it took before may be lost, too.
    private func ofSource(_ source: SourceName, _ body: () throws(DropError) -> Void) throws(DropError) {
        do throws(DropError) {
            do throws(DropError) {
                try prepare(source)
                try body()
            } catch {
                guard error.code == .missing else { throw error }
                // Somebody took the folder away: it is ours to make.
                known.with { _ = $0.sources.remove(source) }
                try prepare(source)
                try body()
            }
        } catch { throw unusable(error, source) }
    }

    private func unusable(_ error: DropError, _ source: SourceName?) -> DropError {
        let whose = source.map { "The receipts of source \($0)" } ?? "Receipts"
        let folder = source.map { root + "/" + $0.text } ?? root
        switch error.remedy {
        case .retry where error.code == .diskFull:
            return DropError(
                .receiptsFull, "\(whose) cannot be written: \(error.message)", hint: WaitingReason.Code.receiptsFull.step,
                remedy: error.remedy)
        case .stop where error.code != .medium:
            let why = isOtherThanFolder(folder) ? "\(Escaping.visible(folder)) is no folder." : error.message
            return DropError(
                .receiptsUnusable, "\(whose) cannot be written: \(why)", hint: WaitingReason.Code.receiptsUnusable.step,
                remedy: .retry(after: .seconds(1)))
        default: return error
        }
    }

    private func isOtherThanFolder(_ path: String) -> Bool {
        Folders.exists(path) && !FileCalls.isFolder(path)
    }

    /// What keeps receipts of a source from being written, as far as a look tells; nil: nothing does.
    package func defect(of source: SourceName) -> String? {
        let files = FileManager.default
        var folder = root + "/" + source.text
        if isOtherThanFolder(folder) { return "\(Escaping.visible(folder)) is no folder." }
        while !files.fileExists(atPath: folder), folder.count > 1 { folder = (folder as NSString).deletingLastPathComponent }
        if isOtherThanFolder(folder) { return "\(Escaping.visible(folder)) is no folder." }
        return files.isWritableFile(atPath: folder) && files.isExecutableFile(atPath: folder)
            ? nil : "this user may not make files in \(Escaping.visible(folder))."
    }

    package func writeRejects(
        _ rejections: [Rejection], spans: [FileSpan], of record: DropRecord, marking drop: DropID, dialect: TextDialect?,
        spooledAt path: String
    ) throws(DropError) {
        try ofSource(record.source) { () throws(DropError) in
            let written = try rejects.write(
                record, spans: spans, rejections: rejections, marking: drop, dialect: dialect, from: path)
            known.with { $0.rejects[record.id] = written }
        }
    }

    package func receipt(of record: DropRecord) throws(DropError) -> JSON? {
        guard let data = FileManager.default.contents(atPath: path(record, "receipt.json")) else { return nil }
        do { return try JSON(parsing: Array(data)) } catch {
            throw DropError(
                .receipt, "The receipt of drop \(record.id) is damaged: \(error.message) at byte \(error.offset).",
                hint: "`twindrop show \(record.id)` has its facts.", remedy: .quarantine)
        }
    }

    private func prepare(_ source: SourceName) throws(DropError) {
        guard known.with({ !$0.sources.contains(source) }) else { return }
        try receipts.prepare(source)
        known.with { _ = $0.sources.insert(source) }
    }

    /// The rejects of this run, or those an earlier run wrote.
    private func file(of record: DropRecord) -> RejectsFile? {
        if let written = known.with({ $0.rejects[record.id] }) { return written }
        guard let rejected = record.books?.recordsRejected, rejected > 0 else { return nil }
        return RejectsFile(of: record, records: rejected)
    }

    private func path(_ record: DropRecord, _ ending: String) -> String { "\(root)/\(record.source)/\(record.id).\(ending)" }
}

extension Home {
    package func receipts() -> ReceiptPort { ReceiptPort(root: paths.receipts) }
}
