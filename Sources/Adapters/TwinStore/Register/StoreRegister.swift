package import DropCore
import Synchronization
import TwinModel

/// The register of drops: what the flow writes of them and asks about them.
///
/// Any thread. Each change is one durable transaction on the writer; what the process keeps of it (`Numbers`, `SourceCache`)
/// changes after COMMIT, under the locks that those name.
package struct StoreRegister: DropRegister {
    let store: StoreEngine

    /// Also looks, while the rows are at hand, whether an earlier drop was the same intake: see `drop(withIntake:)`.
    package func recordIntents(_ drops: [DropRecord]) throws(DropError) {
        var fresh: [DropID] = []
        // The numbers stay known until the commit, which asks for them.
        try write(drops, forgettingNumbers: false) { (drop, database) throws(DropError) in
            if try DropLookups(database).earlier(withIntake: drop.intake, of: drop.source, before: drop.id) == nil {
                fresh.append(drop.id)
            }
        }
        store.numbers.state.withLock { $0.freshIntakes.formUnion(fresh) }
    }

    package func update(_ drops: [DropRecord], by act: Act?) throws(DropError) {
        try write(drops, act, forgettingNumbers: true) { _, _ in }
        store.numbers.state.withLock { $0.freshIntakes.subtract(drops.map(\.id)) }
    }

    private func write(
        _ drops: [DropRecord], _ act: Act? = nil, forgettingNumbers: Bool,
        before: (DropRecord, StoreTransaction) throws(DropError) -> Void
    ) throws(DropError) {
        guard !drops.isEmpty || act != nil else { return }
        try store.transaction { database in
            if let act { try ActRows.insert(act, database) }
            for drop in drops {
                try before(drop, database)
                try DropRows.upsert(drop, number: store.dropNumber(of: drop.id, database), scope: nil, database)
            }
        }
        // What is applied from here on may be newer than what such a drop says when it goes on.
        for drop in drops where drop.state.needsPerson { store.sources.cache(of: drop.source).tracking.noteSetAside() }
        guard forgettingNumbers else { return }
        store.numbers.state.withLock { counters in
            for drop in drops { counters.reservedDrops[drop.id] = nil }
        }
    }

    package func noteArchived(_ drops: [DropRecord], done: [DropID], head: ArchiveHead?) throws(DropError) {
        guard !drops.isEmpty || !done.isEmpty || head != nil else { return }
        try store.transaction { database in
            if let head { try StoreFact.archiveHead.write(head.text, database) }
            let ends = DropEnds(database)
            try ends.noteArchived(drops)
            try ends.noteDone(done)
        }
    }

    package func close(
        _ drops: [DropID], by closing: DropClosing, at milliseconds: UInt64
    ) throws(DropError) -> [DropRecord] {
        guard !drops.isEmpty else { return [] }
        var closed: [DropRecord] = []
        try store.transaction { database in
            for id in drops {
                guard var drop = try DropLookups(database).drop(id),
                    drop.state == .quarantined || drop.state == .retried || drop.state.isApplied && drop.closedBy == nil
                else { continue }
                drop.closedBy = closing
                if !drop.state.isApplied {
                    drop.state = .resolved
                    drop.changedAt = max(drop.changedAt, milliseconds)
                }
                try DropRows.upsert(drop, number: store.dropNumber(of: id, database), scope: nil, database)
                closed.append(drop)
            }
        }
        store.numbers.state.withLock { counters in
            for drop in drops { counters.reservedDrops[drop] = nil }
        }
        return closed
    }

    package func withdraw(_ drops: [DropID]) throws(DropError) {
        guard !drops.isEmpty else { return }
        try store.transaction { database in try DropEnds(database).withdraw(drops) }
        store.numbers.state.withLock { counters in
            counters.freshIntakes.subtract(drops)
            for drop in drops { counters.reservedDrops[drop] = nil }
        }
    }

    private func reading<T>(_ body: (DropLookups) throws(DropError) -> T) throws(DropError) -> T {
        try store.reading { (database) throws(DropError) in try body(DropLookups(database)) }
    }

    package func drop(_ id: DropID) throws(DropError) -> DropRecord? {
        try reading { (rows) throws(DropError) in try rows.drop(id) }
    }

    package func drops(in states: Set<DropState>) throws(DropError) -> [DropRecord] {
        try reading { (rows) throws(DropError) in try rows.drops(in: states) }
    }

    package func unfinished() throws(DropError) -> [DropRecord] {
        try reading { (rows) throws(DropError) in try rows.unfinished() }
    }

    package func blocking(_ source: SourceName, _ order: DropOrder) throws(DropError) -> [DropRecord] {
        guard order != .none else { return [] }
        return try reading { (rows) throws(DropError) in try rows.blocking(source, byName: order == .name) }
    }

    package func page(
        source: SourceName?, states: Set<DropState>?, before: DropID?, limit: Int
    ) throws(DropError) -> [DropRecord] {
        try page(source: source, states: states, outcomes: nil, before: before, limit: limit)
    }

    /// The same, of drops with one of some outcomes only, or of those with refused records that nobody has corrected.
    package func page(
        source: SourceName?, states: Set<DropState>?, outcomes: Set<DropOutcome>?, openRejects: Bool = false, before: DropID?,
        limit: Int
    ) throws(DropError) -> [DropRecord] {
        let filter = DropLookups.Filter(
            source: source, states: states, outcomes: outcomes, openRejects: openRejects, before: before)
        return try reading { (rows) throws(DropError) in try rows.page(filter, limit: limit) }
    }

    package func find(_ prefix: String, limit: Int) throws(DropError) -> [DropRecord] {
        try reading { (rows) throws(DropError) in try rows.find(prefix, limit: limit) }
    }

    package func drops(named name: FileName, limit: Int) throws(DropError) -> [DropRecord] {
        try reading { (rows) throws(DropError) in try rows.drops(named: name, limit: limit) }
    }

    package func newestApplied(of source: SourceName) throws(DropError) -> DropRecord? {
        try reading { (rows) throws(DropError) in try rows.newestApplied(of: source) }
    }

    package func openAmendments(of drop: DropID, source: SourceName) throws(DropError) -> [DropID] {
        try reading { (rows) throws(DropError) in try rows.openAmendments(of: drop, source: source) }
    }

    package func highestName(of source: SourceName) throws(DropError) -> FileName? {
        try reading { (rows) throws(DropError) in try rows.highestName(of: source) }
    }

    package func commitSequence(of id: DropID) throws(DropError) -> UInt64? {
        try reading { (rows) throws(DropError) in try rows.commitSequence(of: id) }
    }

    package func applied(with digest: ContentDigest, of source: SourceName) throws(DropError) -> DropRecord? {
        try reading { (rows) throws(DropError) in try rows.applied(with: digest, of: source) }
    }

    package func hasApplied(_ name: FileName, of source: SourceName, before id: DropID) throws(DropError) -> Bool {
        try reading { (rows) throws(DropError) in try rows.hasApplied(name, of: source, before: id) }
    }

    package func archived(with digest: ContentDigest) throws(DropError) -> DropID? {
        try reading { (rows) throws(DropError) in try rows.archived(with: digest) }
    }

    package func drop(
        withIntake identity: FileIdentity, of source: SourceName, before id: DropID
    ) throws(DropError) -> DropRecord? {
        // Asked for every drop, and almost never true. Earlier drops have earlier rows, so what was so at the intent stays so.
        if store.numbers.state.withLock({ $0.freshIntakes.contains(id) }) { return nil }
        return try reading { (rows) throws(DropError) in
            guard let number = try rows.earlier(withIntake: identity, of: source, before: id) else { return nil }
            return try rows.drop(number: number)
        }
    }

    // MARK: Acts

    /// Writes down an act that changes no drop.
    package func record(_ act: Act) throws(DropError) { try update([], by: act) }

    package func unrecordedActs() throws(DropError) -> [Act] {
        try store.reading { (database) throws(DropError) in try ActRows.unrecorded(database) }
    }

    package func noteRecorded(_ acts: [(act: DropID, leaf: UInt64)]) throws(DropError) {
        guard !acts.isEmpty else { return }
        try store.transaction { database in
            for (act, leaf) in acts { try ActRows.noteRecorded(act, leaf: leaf, database) }
        }
    }
}
