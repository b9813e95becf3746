import DropCore
import GRDB

/// What newer drops deleted, and what a late drop is told of those whose word stands.
extension DropComparison {
    /// Keeps the name of what an operation deletes, whether it is there or not.
    func noteDelete(_ operation: Pending, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        switch operation.verb {
        case .deleteTwin: deletedNames += array(bytes, operation.head.id) + [0]
        case .deleteRelationship:
            deletedNames += array(bytes, operation.head.id) + [1] + (try relationshipID(operation.head, bytes)) + [0]
        case .upsertTwin, .replaceTwin, .patchTwin, .upsertRelationship, .replaceRelationship: break
        }
    }

    /// Who deleted the twin after what this drop says; nil: nobody did.
    func deleter(of twin: [UInt8], _ lateness: Lateness) throws(DropError) -> UInt64? {
        if let newer = lateness.deleter(of: twin) { return newer }
        return try gone(twin, lateness)
    }

    /// Who is newer and deleted the twin, or the relationship of `source`, when it was there: it may be there again.
    func gone(_ id: [UInt8], of source: [UInt8]? = nil, _ lateness: Lateness) throws(DropError) -> UInt64? {
        let owner = source.map { store.twins.number(of: store.hash.identity($0)) } ?? 0
        return try reading { (database) throws(DropError) in
            let query = try RawStatement.cached(
                """
                SELECT r.drop_no FROM gone g JOIN revision r ON r.no = g.last_revision
                WHERE g.id = ?1 AND g.kind = ?2 AND (g.kind = 0 OR g.source = ?3) ORDER BY g.last_revision DESC
                """, database)
            query.bind(text: 1, id)
            query.bind(2, source == nil ? Int64(0) : 1)
            query.bind(3, owner)
            var drops: [UInt64] = []
            while drops.count < Self.deletesMax, try query.step() { drops.append(UInt64(query.integer(0))) }
            query.reset()
            for drop in drops where try lateness.isNewer(drop, memory, store, database) { return drop }
            return nil
        }
    }

    /// So many times one thing may have been deleted and made again; of more only the newest are looked at.
    private static var deletesMax: Int { 4096 }

    /// Who is newer and stated the relationship of `source`, which waits for its ends.
    func waiting(_ id: [UInt8], of source: [UInt8], _ lateness: Lateness) throws(DropError) -> UInt64? {
        try reading { (database) throws(DropError) in
            let query = try RawStatement.cached("SELECT drop_no FROM pending WHERE source_id = ? AND id = ?", database)
            query.bind(text: 1, source)
            query.bind(text: 2, id)
            let drop = try query.step() ? UInt64(query.integer(0)) : nil
            query.reset()
            guard let drop, try lateness.isNewer(drop, memory, store, database) else { return nil }
            return drop
        }
    }

    /// Holds a late drop of which it cannot be told what became of it, and says of any other what was left.
    func settleLateness() throws(DropError) {
        guard lateness != nil else { return }
        if !undecided.isEmpty, !job.released {
            let name = try undecidedBy.flatMap { (number) throws(DropError) in try described(number) } ?? "A newer drop"
            let list = job.policy.mode == .snapshot
            throw DropError(
                .lateUndecided,
                list
                    ? "\(name), a newer list of \(job.source), was applied before, and has refused records of its own: what this drop "
                        + "says may be out of date."
                    : "\(name), which comes after this drop, was applied before. Of \(DropBooks.counted(undecided.count, "record")) "
                        + "it cannot be told whether it said otherwise (the first is record \(undecided.min() ?? 0)).",
                hint: list
                    ? "Correct the refused records of that drop, then discard this one. Released, it adds only twins that do not exist."
                    : "Released, the drop applies only what no newer drop spoke of; discard it to leave everything as it is.",
                remedy: .hold)
        }
        let sentences = try [overruledByDrops(), overruledByItsFile].compactMap { $0 }
        guard !sentences.isEmpty else { return }
        lateReason = DropReason(
            code: .superseded, message: sentences.joined(separator: " "),
            hint: "Nothing is to be done if the newer state is the right one.")
    }

    private var overruledByItsFile: String? {
        guard overruledByRecords > 0 else { return nil }
        return
            "\(overruledByRecords) of its operations \(overruledByRecords == 1 ? "was" : "were") not applied: a later record of the "
            + "same file says otherwise."
    }

    /// Of several, the drop whose statement stands most often is named.
    private func overruledByDrops() throws(DropError) -> String? {
        guard !overruled.isEmpty else { return nil }
        let count = overruled.values.reduce(0, +)
        var names: [(name: String, count: Int)] = []
        for (drop, count) in overruled.sorted(by: { ($0.value, $0.key) > ($1.value, $1.key) }) {
            if let name = try drop == 0 ? nil : described(drop) { names.append((name, count)) }
        }
        let left = "\(count) of its operations \(count == 1 ? "was" : "were") not applied:"
        guard let first = names.first else { return "\(left) what others changed since is newer." }
        let rest = names.count - 1 + (names.reduce(0) { $0 + $1.count } < count ? 1 : 0)
        guard rest > 0 else { return "\(left) \(first.name) is newer and was applied before." }
        return "\(left) \(first.name) and \(DropBooks.counted(rest, "other")) are newer and were applied before."
    }

    /// A drop for a sentence; nil for a call of the twin service.
    private func described(_ number: UInt64) throws(DropError) -> String? {
        try reading { (database) throws(DropError) in
            let query = try RawStatement.cached("SELECT id, file_name FROM drops WHERE no = ?", database)
            query.bind(1, Int64(number))
            defer { query.reset() }
            guard try query.step() else { return nil }
            return "drop \(query.text(0)) (\(FileName(bytes: query.bytes(1))))"
        }
    }
}
