import DropCore
import ThreadKit

/// What a drop is among those of its source: a repetition, an amendment of an earlier one, or one that comes too late
/// (docs/decisions/0025-amendments.md, 0026-order-and-lateness.md). Asks, and changes nothing.
struct Placing: Sendable {
    let shared: Shared
    let register: any DropRegister
    let graph: any TwinGraph
    let transformer: any Transformer
    let spool: any DropSpool
    /// Nil where no file amends another.
    let amendments: (any AmendmentStore)?

    /// The drop that `record` repeats (docs/failure-model.md, "Repetition"), as far as committed drops tell.
    func repeated(by record: DropRecord, _ source: PipelineSource, knowsNewest: Bool = true) throws(DropError) -> DropRecord? {
        let newest = knowsNewest ? shared.ledger.withoutWaking { $0.order.newestApplied(of: record.source) } : nil
        return try DropJudgement(record, of: source).repeated(register: register, graph: graph, newest: newest) {
            () throws(DropError) in try transformer.transformDigest(of: record.source)
        }
    }

    /// Whether the drop amends another; `record` is linked with it, also where this ends in an error.
    ///
    /// The offset of `spooled` stays as it is.
    func amendment(in record: inout DropRecord, _ spooled: SpooledBytes) throws(DropError) -> AmendmentJudge.Verdict {
        guard let book = amendments else { return .ordinary }
        let judge = AmendmentJudge(register: register, graph: graph, book: book)
        var amended: DropID?
        let verdict = Result { [record] () throws(DropError) in
            try judge.judge(
                record, descriptor: spooled.descriptor, bytes: spooled.count, at: spool.path(of: record.id), amended: &amended,
                dialect: { () throws(DropError) in
                    _ = try transformer.transformDigest(of: record.source)
                    return transformer.dialect(of: record.source)
                },
                spooled: { spool.contains($0) ? spool.path(of: $0) : nil },
                whenFound: { () throws(DropError) in
                    // A lone file is read before it lies in the spool.
                    guard shared.ledger.waitForClaim(of: record.id) == .durable else { throw DropError.cancelled(record) }
                })
        }
        guard let amended else { return try verdict.get() }
        if record.link?.kind != .retries { record.link = DropLink(kind: .amends, drop: amended) }
        let found = try verdict.get()
        do throws(DropError) { try waitForCommits(of: record) } catch {
            if case .amends(_, let file?) = found { book.remove(file) }
            throw error
        }
        return found
    }

    /// Runs `body` with the name and the bytes that are transformed: of an amendment, those of the file it completes; else its
    /// own.
    func withBytes<T>(
        of record: DropRecord, _ verdict: AmendmentJudge.Verdict, _ spooled: SpooledBytes,
        _ body: (FileName, CInt, UInt64) throws(DropError) -> T
    ) throws(DropError) -> T {
        if case .amends(let drop, let file?) = verdict, let book = amendments {
            let name = try register.drop(drop)?.fileName ?? record.fileName
            return try book.withDescriptor(of: file) { (descriptor) throws(DropError) in try body(name, descriptor, file.bytes) }
        }
        return try body(record.fileName, spooled.descriptor, spooled.count)
    }

    /// What was made for an amendment goes when its drop is compared.
    func remove(_ verdict: AmendmentJudge.Verdict) { if case .amends(_, let file?) = verdict { amendments?.remove(file) } }

    /// The delivery whose place a drop keeps that was released or retried, for older never overwrites newer; nil for one that is
    /// as new as it comes. Where names say what is newer, nobody can say otherwise.
    func origin(of record: DropRecord, _ source: PipelineSource) throws(DropError) -> DropID? {
        guard record.released || record.link?.kind == .retries, !record.forced || source.sequence != nil else { return nil }
        // What newer drops say is known once they are committed.
        try waitForCommits(of: record)
        return try register.firstOfLine(record)
    }

    /// A source that is ordered by name, and does not say what in a name counts, takes nothing behind what it has applied.
    func checkName(_ record: DropRecord, _ source: PipelineSource) throws(DropError) {
        let judgement = DropJudgement(record, of: source)
        guard judgement.goesByName else { return }
        let last = shared.ledger.withoutWaking { $0.order.lastNames(of: record.source) }
        if let late = judgement.lateness(behind: last.applied) { throw late }
        if let handed = last.handed, record.fileName < handed { throw DropError.behind(record) }
    }

    private func waitForCommits(of record: DropRecord) throws(DropError) {
        if shared.ledger.withoutWaking({ $0.order.hasUncommitted(record.source) }) { throw DropError.behind(record) }
    }
}

extension DropError {
    /// What decides about the drop is known once the drops before it are committed.
    static func behind(_ record: DropRecord) -> DropError {
        DropError(
            .behind, "\(record.fileName) waits for the commit of drops before it.", hint: "It goes on by itself.",
            remedy: .retry(after: .milliseconds(50)))
    }

    static func cancelled(_ record: DropRecord) -> DropError {
        DropError(
            .cancelled, "\(record.fileName) was being transformed when the pipeline ended.",
            hint: "It runs again at the next start.", remedy: .retry(after: .zero))
    }
}
