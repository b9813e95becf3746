import DropCore
import ThreadKit

/// What a drop is among those of its source: an amendment of an earlier one, or one that comes too late
/// (docs/decisions/0025-amendments.md, 0026-order-and-lateness.md).
extension DropPipeline {
    /// Whether the drop amends another; `record` is linked with it, also where this ends in an error.
    func judge(_ record: inout DropRecord) throws(DropError) -> AmendmentJudge.Verdict {
        guard let book = ports.amendments else { return .ordinary }
        let judge = AmendmentJudge(register: ports.register, graph: ports.graph, book: book)
        let (spool, transformer) = (ports.spool, ports.transformer)
        var amended: DropID?
        let verdict = Result { [record] () throws(DropError) in
            try spool.withDescriptor(of: record.id) { (descriptor, bytes) throws(DropError) in
                try judge.judge(
                    record, descriptor: descriptor, bytes: bytes, at: spool.path(of: record.id), amended: &amended,
                    dialect: { () throws(DropError) in
                        _ = try transformer.epoch(of: record.source)
                        return transformer.dialect(of: record.source)
                    },
                    spooled: { spool.contains($0) ? spool.path(of: $0) : nil },
                    whenFound: { () throws(DropError) in
                        // A lone file is read before it lies in the spool.
                        guard waitForClaim(of: record.id) == .durable else { throw Self.cancelled(record) }
                    })
            }
        }
        guard let amended else { return try verdict.get() }
        if record.link?.kind != .retries { record.link = DropLink(kind: .amends, drop: amended) }
        let found = try verdict.get()
        guard state.quietly({ $0.uncommitted[record.source, default: 0] == 0 }) else {
            if case .amends(_, let file?) = found { book.remove(file) }
            throw DropError(
                .behind, "\(record.fileName) waits for the commit of drops before it.", hint: "It goes on by itself.",
                remedy: .retry(after: .milliseconds(50)))
        }
        return found
    }

    /// Runs `body` with the name and the bytes that are transformed: of an amendment, those of the file it completes.
    func withBytes<T>(
        of record: DropRecord, _ verdict: AmendmentJudge.Verdict,
        _ body: (FileName, CInt, UInt64) throws(DropError) -> T
    ) throws(DropError) -> T {
        if case .amends(let drop, let file?) = verdict, let book = ports.amendments {
            let name = try ports.register.drop(drop)?.fileName ?? record.fileName
            return try book.withDescriptor(of: file) { (descriptor) throws(DropError) in try body(name, descriptor, file.bytes) }
        }
        return try ports.spool.withDescriptor(of: record.id) { (descriptor, bytes) throws(DropError) in
            try body(record.fileName, descriptor, bytes)
        }
    }

    /// The delivery whose place a drop keeps that was released or retried, for older never overwrites newer; nil for one that is
    /// as new as it comes. Where names say what is newer, nobody can say otherwise.
    func origin(of record: DropRecord, _ source: PipelineSource) throws(DropError) -> DropID? {
        guard record.released || record.link?.kind == .retries, !record.forced || source.sequence != nil else { return nil }
        // What newer drops say is known once they are committed.
        guard state.quietly({ $0.uncommitted[record.source, default: 0] == 0 }) else {
            throw DropError(
                .behind, "\(record.fileName) waits for the commit of drops before it.", hint: "It goes on by itself.",
                remedy: .retry(after: .milliseconds(50)))
        }
        return try firstOfLine(record)
    }

    /// The delivery that a drop runs again; itself, where it is none that was retried.
    func firstOfLine(_ record: DropRecord) throws(DropError) -> DropID { try retried(by: record.id).last ?? record.id }

    /// Refuses to let an older list go on behind a newer one: it would undo that. `act` is what a person wants.
    func checkList(_ record: DropRecord, _ act: String) throws(DropError) {
        guard let source = sources[record.source], source.sequence == nil, record.link?.kind != .amends,
            source.policy.mode == .snapshot, let newest = state.with({ $0.newestApplied[record.source] }),
            try newest.id > firstOfLine(record)
        else { return }
        throw DropError(
            .olderSnapshot,
            "Drop \(record.id) is older than the newest applied snapshot of \(record.source) (\(newest.id)): to \(act) it would undo "
                + "that one.",
            hint: "Discard it, or \(act) it with --force if the older state is the right one.", remedy: .hold)
    }

    /// A source that is ordered by name, and does not say what in a name counts, takes nothing behind what it has applied.
    func checkName(_ record: DropRecord, _ source: PipelineSource) throws(DropError) {
        let judgement = DropJudgement(record, of: source)
        guard judgement.goesByName else { return }
        let (applied, handed) = state.quietly { state in
            let isEmpty = state.uncommitted[record.source, default: 0] == 0
            return (state.highestNames[record.source], isEmpty ? nil : state.handedNames[record.source])
        }
        if let late = judgement.lateness(behind: applied) { throw late }
        if let handed, record.fileName < handed {
            throw DropError(
                .behind, "\(record.fileName) waits for the commit of drops before it.", hint: "It goes on by itself.",
                remedy: .retry(after: .milliseconds(50)))
        }
    }
}
