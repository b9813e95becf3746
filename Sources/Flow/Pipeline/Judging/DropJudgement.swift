package import DropCore

/// What becomes of a drop by its name, its size and its bytes, before its plugin is asked: the pipeline acts on it, and `plan`
/// says it beforehand. Asks the register and the graph, and changes nothing.
package struct DropJudgement {
    private let record: DropRecord
    private let source: PipelineSource

    package init(_ record: DropRecord, of source: PipelineSource) {
        self.record = record
        self.source = source
    }

    /// The earlier drop that it repeats (docs/failure-model.md, "Repetition"); nil where it says something new.
    ///
    /// - Parameters:
    ///   - newest: the newest applied drop of the source; nil where there is none, or where that is not known yet.
    ///   - transformDigest: of the source's plugin, settings and tables as they are now. Asked for only where it decides.
    package func repeated(
        register: any DropRegister, graph: any TwinGraph, newest: DropRecord?,
        transformDigest: () throws(DropError) -> ContentDigest
    ) throws(DropError) -> DropRecord? {
        guard let digest = record.digest, !isAskedFor else { return nil }
        if let same = try register.drop(withIntake: record.intake, of: record.source, before: record.id),
            same.digest == digest, same.state != .claimed, same.state != .registered,
            same.reason?.code != SettledFile.stillOpen  // That was what it held then; now its writer has closed it.
        {
            return same
        }
        switch source.duplicates {
        case .process: return nil
        case .skipAny:
            // Itself, where a commit went through in part and is tried again.
            guard let same = try register.applied(with: digest, of: record.source), same.id != record.id else { return nil }
            return same
        case .newest:
            guard let newest, newest.digest == digest, try graph.isUntouched(since: newest.id, source: record.source),
                try isSaidAlike(newest, transformDigest), try !isSomethingSetAside(since: newest, register)
            else { return nil }
            return newest
        }
    }

    /// The applied amendment that has the same bytes and left nothing refused.
    package func sameAmendment(register: any DropRegister) throws(DropError) -> DropRecord? {
        guard let digest = record.digest, !isAskedFor, let same = try register.applied(with: digest, of: record.source),
            same.link?.kind == .amends, same.books?.recordsRejected == 0
        else { return nil }
        return same
    }

    /// What keeps a file without a byte from being applied; nil where nothing does.
    package var emptiness: DropError? { record.bytes > 0 || record.released ? nil : source.empty.error(about: record) }

    /// What a file without a byte says: it is recorded, no plugin is asked about it, and it deletes nothing.
    package func emptyJob(scratchFolder: String) -> ApplyJob {
        var policy = source.policy
        policy.mode = .incremental
        return ApplyJob(
            drop: record.id, source: record.source, policy: policy, bytes: 0,
            transformDigest: ContentDigest(bytes: [UInt8](repeating: 0, count: 32)), amends: nil, released: record.released,
            scratchFolder: scratchFolder)
    }

    /// Its place by the `sequence` of its source; nil where the source has none.
    package func place() throws(DropError) -> String? {
        guard let sequence = source.sequence else { return nil }
        if let place = sequence.place(of: record.fileName) { return place }
        let why = sequence.defect(of: record.fileName) ?? "it cannot be told which delivery it is"
        throw DropError(
            .noPlace, "\(record.fileName) does not fit \(sequence.text): \(why).",
            hint: "Deliver it under a name that fits, or correct `sequence` in the source.", remedy: .quarantine)
    }

    /// Whether its name alone decides if it comes too late: the source is ordered by name, and does not say what in a name
    /// counts.
    var goesByName: Bool {
        source.order == .name && source.sequence == nil && !isAskedFor
    }

    /// Why it comes too late by its name; nil where it does not. `applied` is the highest name that the source has applied.
    package func lateness(behind applied: FileName?) -> DropError? {
        guard goesByName, let applied, record.fileName < applied else { return nil }
        return DropError(
            .late,
            "\(record.fileName) comes too late: its name sorts before \(applied), which the source, ordered by name, has applied.",
            hint:
                "Discard it, or, if the older state is the right one, `twindrop release \(record.id) --force`. `sequence` in the source lets "
                + "late files be put in their place.", remedy: .hold)
    }

    /// What a release of the held drop undoes, and so must be forced; nil where nothing. `newest` as in `repeated`.
    ///
    /// - Parameter delivery: the drop that it runs again, and ran first (`DropRegister.firstOfLine`); nil: itself.
    package static func objection(
        toRelease record: DropRecord, of source: PipelineSource?, newest: DropRecord?, delivery: DropID? = nil
    ) -> DropError? {
        // It deletes nothing, whatever is newer.
        guard record.bytes > 0 else { return nil }
        let hint = "Discard it, or, if the older state is the right one, `twindrop release \(record.id) --force`."
        if record.reason?.code == .late {
            return DropError(
                .olderDrop, "Drop \(record.id) (\(record.fileName)) came too late: \(record.reason?.message ?? "")", hint: hint,
                remedy: .hold)
        }
        return undoing(newest, record, of: source, delivery ?? record.id, by: "releasing it", hint: hint)
    }

    /// The same of a quarantined drop that is to run again.
    static func objection(
        toRetry record: DropRecord, of source: PipelineSource?, newest: DropRecord?, delivery: DropID
    ) -> DropError? {
        undoing(
            newest, record, of: source, delivery, by: "to retry it",
            hint: "Discard it, or, if the older state is the right one, `twindrop retry \(record.id) --force`.")
    }

    /// The same of a held or quarantined drop in whose place a corrected file is to run.
    static func objection(
        toReplace record: DropRecord, of source: PipelineSource?, newest: DropRecord?, delivery: DropID
    ) -> DropError? {
        let hint =
            "Discard it, or, if what the corrected file says is newer than that, `twindrop retry \(record.id) --force --with FILE`."
        if record.state == .held, record.reason?.code == .late, record.bytes > 0 {
            return DropError(
                .olderDrop, "Drop \(record.id) (\(record.fileName)) came too late: \(record.reason?.message ?? "")", hint: hint,
                remedy: .hold)
        }
        return undoing(newest, record, of: source, delivery, by: "a file in its place", hint: hint)
    }

    /// An older list must not go on behind a newer one: it would undo that.
    private static func undoing(
        _ newest: DropRecord?, _ record: DropRecord, of source: PipelineSource?, _ delivery: DropID, by act: String, hint: String
    ) -> DropError? {
        guard let source, source.sequence == nil, record.bytes > 0, record.link?.kind != .amends, source.policy.mode == .snapshot,
            let newest,
            newest.id > delivery
        else { return nil }
        return DropError(
            .olderSnapshot,
            "Drop \(record.id) is older than the newest applied snapshot of \(record.source) (\(newest.id)): \(act) would undo that one.",
            hint: hint, remedy: .hold)
    }

    /// Whether a drop that came between waits for a person. It may go on yet, behind this one: then it counts that this delivery
    /// said the same once more.
    private func isSomethingSetAside(since newest: DropRecord, _ register: any DropRegister) throws(DropError) -> Bool {
        try register.drops(in: [.held, .quarantined]).contains { $0.source == record.source && $0.id > newest.id }
    }

    /// A person asked for these very bytes: they are neither a repetition nor late.
    private var isAskedFor: Bool { record.released || record.link?.kind == .retries }

    /// Whether the bytes would say today what they said as `newest`: by the same plugin, settings, mapping, lookups and rules. A
    /// mapping that was corrected is to be applied to the file that is dropped again because of it.
    private func isSaidAlike(
        _ newest: DropRecord, _ transformDigest: () throws(DropError) -> ContentDigest
    ) throws(DropError) -> Bool {
        guard newest.plugin?.rules == source.rules else { return false }
        // At the commit it is transformed already, and asking again could only fail.
        if let plugin = record.plugin { return plugin.transformDigest == newest.plugin?.transformDigest }
        return try transformDigest() == newest.plugin?.transformDigest
    }
}
