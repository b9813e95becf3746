import DropCore

/// What somebody newer said of the twins and relationships that a late drop speaks of, told from the graph and its history.
struct NewerWord {
    let context: ComparisonContext
    let lateness: Lateness

    init(_ context: ComparisonContext, _ lateness: Lateness) { (self.context, self.lateness) = (context, lateness) }

    /// The parts of a record that somebody newer changed.
    struct Parts {
        var keys: [UInt32: UInt64] = [:]
        /// One of those who did.
        var drop: UInt64?
    }

    /// So many revisions of a record are looked at, the newest.
    private static let revisionsMax = 4096
    func parts(of base: TwinRecord) throws(DropError) -> Parts {
        try context.reading { (database) throws(DropError) in
            var known: [UInt64: Bool] = [:]
            var parts = Parts()
            func isNewer(_ drop: UInt64) throws(DropError) -> Bool {
                let answer: Bool
                if let cached = known[drop] {
                    answer = cached
                } else {
                    answer = try self.isNewer(drop, database)
                    known[drop] = answer
                }
                if answer, parts.drop == nil { parts.drop = drop }
                return answer
            }
            _ = try isNewer(base.ownerDrop)
            for property in base.properties where try isNewer(property.stamp.drop) {
                parts.keys[property.key] = property.stamp.drop
            }
            // Of what somebody removed only the revisions know.
            let history = HistoryLookups(database)
            var number = base.revision
            for _ in 0..<Self.revisionsMax where number != 0 {
                guard let revision = try history.revision(number) else { break }
                if try isNewer(revision.drop) {
                    for property in try ReverseDelta(revision.patch).record.properties {
                        parts.keys[property.key] = revision.drop
                    }
                }
                number = revision.previous
            }
            return parts
        }
    }

    /// The newest drop of the source that stated a relationship which is there, or found it as it is; nil: none that is newer.
    func speaker(ofRelationship number: UInt32, _ base: TwinRecord) -> UInt64? {
        if let newer = lateness.speaker(ofRelationship: number) { return newer }
        guard context.isOwn(base.ownerDrop) else { return nil }
        // A list keeps no word of each: what is there, and of its scope, it has.
        if let newer = lateness.list(of: context.store.sources.scope(ofDrop: base.ownerDrop)) { return newer }
        return lateness.isLater(base.ownerDrop) ? base.ownerDrop : nil
    }

    /// True when somebody newer had a part in a record.
    func touches(_ base: TwinRecord) throws(DropError) -> Bool { try parts(of: base).drop != nil }

    /// Who deleted the twin after what this drop says; nil: nobody did.
    func deleter(of twin: [UInt8]) throws(DropError) -> UInt64? {
        if let newer = lateness.deleter(of: twin) { return newer }
        return try gone(twin)
    }

    /// Who is newer and deleted the twin when it was there: it may be there again.
    private func gone(_ twin: [UInt8]) throws(DropError) -> UInt64? {
        try context.reading { (database) throws(DropError) in
            for drop in try HistoryLookups(database).deleters(of: twin) where try isNewer(drop, database) { return drop }
            return nil
        }
    }

    /// Who is newer and ended the relationship of `source`, or stated it before it went with the twin it led to. That one went
    /// with its twin says nothing of one that leads elsewhere.
    func ended(_ id: [UInt8], of source: [UInt8]) throws(DropError) -> UInt64? {
        for life in try lives(id, of: source) {
            if let newer = lateness.speaker(ofRelationship: life.number) { return newer }
            guard life.isEndedByNewer else { continue }
            if let newer = try parts(of: life.last.record).drop { return newer }
            if try !wentWithTarget(life) { return life.endedBy }
        }
        return nil
    }

    /// A relationship that is gone.
    private struct Life {
        let number: UInt32
        let endedBy: UInt64
        let isEndedByNewer: Bool
        /// What it was.
        let last: ReverseDelta
    }

    /// The relationships of the twin `source` that had this id and are gone, newest first.
    private func lives(_ id: [UInt8], of source: [UInt8]) throws(DropError) -> [Life] {
        let owner = context.store.identities.twins.number(of: context.store.identities.hash.identity(source))
        return try context.reading { (database) throws(DropError) in
            var lives: [Life] = []
            for row in try HistoryLookups(database).ended(id, of: owner) {
                lives.append(
                    Life(
                        number: row.number, endedBy: row.drop, isEndedByNewer: try isNewer(row.drop, database),
                        last: try ReverseDelta(row.patch)))
            }
            return lives
        }
    }

    /// True where who ended a relationship deleted the twin it led to, which may be there again, or have gone on.
    private func wentWithTarget(_ life: Life) throws(DropError) -> Bool {
        guard let target = life.last.ends?.target else { return false }
        return try context.reading { (database) throws(DropError) in
            guard let end = try HistoryLookups(database).end(ofTwin: target) else { return false }
            return end.drop == life.endedBy || lateness.deletes(life.endedBy, twin: end.id)
        }
    }

    /// Who is newer and stated the relationship of `source`, which waits for its ends.
    func waiting(_ id: [UInt8], of source: [UInt8]) throws(DropError) -> UInt64? {
        try context.reading { (database) throws(DropError) in
            guard let drop = try WaitingStatements.speaker(id, of: source, database), try isNewer(drop, database) else {
                return nil
            }
            return drop
        }
    }

    private func isNewer(_ drop: UInt64, _ database: StoreTransaction) throws(DropError) -> Bool {
        try lateness.isNewer(drop, context.cache, context.store, database)
    }

    /// Where newer drops are snapshots, they have said everything of the scope; where none of them is whole, nobody knows.
    ///
    /// - Returns: whose word stands; nil: the operation is to be looked at.
    func leftBehind(_ exists: Bool, in scope: String, record: UInt64, _ late: inout LateOutcome) -> UInt64? {
        switch lateness.snapshot(of: scope) {
        case .none: return nil
        case .superseded(let newer): return newer
        case .undecided(let newer):
            late.leaveOpen(record, because: newer)
            return exists || !context.job.released ? newer : nil
        }
    }

    /// Leaves an operation without effect.
    ///
    /// - Parameter newer: the drop whose statement stands; 0: somebody who is no drop.
    func leave(_ operation: RecordOperation, because newer: UInt64, _ drop: inout ComparisonProgress) {
        drop.account.books.superseded += 1
        drop.late.overrule(by: newer)
        if operation.number != 0 { drop.said.markNamed(operation) }
    }
}
