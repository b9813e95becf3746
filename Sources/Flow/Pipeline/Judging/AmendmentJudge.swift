package import DropCore

/// Decides whether a file has the corrected records of an earlier drop, and of which (docs/decisions/0025-amendments.md).
package struct AmendmentJudge: Sendable {
    package enum Verdict: Sendable {
        /// A delivery like any other.
        case ordinary
        /// Corrected records of this drop; without a file where a person let rows pass that carry no marks.
        case amends(DropID, AmendedFile?)
    }

    private let register: any DropRegister
    private let graph: any TwinGraph
    private let book: any AmendmentStore

    package init(register: any DropRegister, graph: any TwinGraph, book: any AmendmentStore) {
        self.register = register
        self.graph = graph
        self.book = book
    }

    /// - Parameters:
    ///   - path: of the file's bytes, absolute.
    ///   - amended: the drop it amends, also where that ends in an error.
    ///   - whenFound: called once it is known to amend something, before `path` is opened.
    ///   - dialect: how the source's text is written now; asked where the file amends something.
    ///   - spooled: where the spool has a drop's bytes; nil where it has not.
    ///
    /// Errors: `amendment` (quarantine) where it can amend nothing; `amended-held`, `looks-like-rejects` (hold) where a person is
    /// to decide; retry while the amended drop is on its way.
    package func judge(
        _ record: DropRecord, descriptor: CInt, bytes: UInt64, at path: String, amended: inout DropID?,
        dialect: () throws(DropError) -> TextDialect?, spooled: (DropID) -> String?,
        whenFound: () throws(DropError) -> Void = { () throws(DropError) in }
    ) throws(DropError) -> Verdict {
        let marked = try book.amendedDrop(by: record.fileName, descriptor: descriptor, bytes: bytes)
        let named = FileName.amendedDrop(in: record.fileName)
        guard let drop = marked ?? named else { return .ordinary }
        amended = named ?? drop
        try whenFound()
        if let named, named != drop {
            // What an amendment left refused is given out under its name, with the marks of the drop it amends.
            let link = try self.original(named, of: record).link?.kind
            guard link == .amends || link == .retries else {
                throw unfit(
                    record, "corrects drop \(named) by its name and drop \(drop) by its rows.", hint: "Give it another name.")
            }
        }
        amended = drop
        let original = try self.original(drop, of: record)
        try checkState(of: original, record)
        guard let refusals = try graph.refusals(of: drop) else {
            guard marked == nil else { throw unfit(record, "corrects drop \(drop), of which no record was refused.") }
            if record.released { return .amends(drop, nil) }
            throw DropError(
                .looksLikeRejects,
                "\(record.fileName) is named like corrected rejects of drop \(drop), of which no refused record is known.",
                hint:
                    "Give the file another name if it is a delivery of its own. Released, the drop applies its rows as they stand "
                    + "and deletes nothing by absence.", remedy: .hold)
        }
        do throws(DropError) {
            return .amends(
                drop,
                try book.amended(
                    original, refusals, by: record, at: path, spooledAt: spooled(drop), dialect: try dialect()))
        } catch {
            guard record.released, error.remedy == .hold else { throw error }
            return .amends(drop, nil)
        }
    }

    /// The amended drop, which must be one of the same source.
    private func original(_ drop: DropID, of record: DropRecord) throws(DropError) -> DropRecord {
        guard let original = try register.drop(drop) else {
            throw unfit(record, "corrects drop \(drop), which does not exist here.")
        }
        guard original.source == record.source else {
            throw unfit(
                record, "corrects drop \(drop), which is one of source \(original.source), not of \(record.source).",
                hint: "Drop it in the folder of \(original.source).")
        }
        return original
    }

    private func checkState(of original: DropRecord, _ record: DropRecord) throws(DropError) {
        switch original.state {
        case .applied, .archived, .done: return
        case .claimed, .registered:
            throw DropError(
                .amendedOnItsWay, "\(record.fileName) corrects drop \(original.id), which is not applied yet.",
                hint: "It goes on by itself.", remedy: .retry(after: .milliseconds(200)))
        case .held:
            throw DropError(
                .amendedHeld,
                "\(record.fileName) corrects drop \(original.id) (\(original.fileName)), which is held itself: "
                    + (original.reason?.message ?? "it waits for a person."),
                hint:
                    "Release drop \(original.id): this one goes on behind it by itself. If that one is given up, this one has nothing "
                    + "to correct any more.",
                remedy: .hold)
        case .quarantined, .retried, .resolved, .discarded, .duplicate:
            throw unfit(
                record, "corrects drop \(original.id), which is \(original.state.rawValue): nothing of it was applied.",
                hint:
                    "Discard it. Its records belong in the file that comes in the place of that drop, or in a delivery of their own."
            )
        }
    }

    private func unfit(
        _ record: DropRecord, _ why: String, hint: String = "Deliver the records in a file of their own."
    ) -> DropError {
        DropError(.amendment, "\(record.fileName) \(why)", hint: hint, remedy: .quarantine)
    }
}
