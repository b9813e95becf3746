package import DropCore
import Synchronization
package import TwinModel

/// How many of what the store has.
package struct StoreCounts: Sendable, Equatable {
    package let twins: Int
    package let relationships: Int
    package let revisions: Int
    /// Relationships that wait for their ends.
    package let pending: Int
    package let drops: Int
    package let commits: UInt64
}

extension StoreHistory {
    /// The twin as the twin service shows it: `$dtId`, `$etag`, `$metadata` (model, and for each property when it was last set),
    /// then
    /// its properties; a property `component/name` stands inside the object `component`. Nil when there is (or was) no such twin.
    ///
    /// Errors: `pruned` (quarantine is not meant: the caller tells the person) where the history before `moment` is gone.
    package func twin(_ id: String, asOf moment: Moment = .now) throws(DropError) -> JSON? {
        try store.reading { (database) throws(DropError) in
            let sequence = try store.states.resolve(moment, database)
            guard let entity = try store.states.twinEntity(id, asOf: sequence, database) else { return nil }
            return try twinJSON(entity, database)
        }
    }

    /// The relationships that start at a twin, as the twin service shows them; in the order of their ids.
    package func relationships(of id: String, asOf moment: Moment = .now) throws(DropError) -> [JSON] {
        try store.reading { (database) throws(DropError) in
            let sequence = try store.states.resolve(moment, database)
            guard let twin = try store.states.twinEntity(id, asOf: sequence, database) else { return [] }
            var result: [(String, JSON)] = []
            for entity in try store.states.relationshipEntities(from: twin.number, asOf: sequence, database) {
                result.append((entity.id, try relationshipJSON(entity, source: id, database)))
            }
            return result.sorted { Array($0.0.utf8).lexicographicallyPrecedes(Array($1.0.utf8)) }.map(\.1)
        }
    }

    /// Calls `body` with every twin of a moment, those deleted since included, in no promised order. The callback must not use
    /// the store.
    package func forEachTwin(asOf moment: Moment = .now, _ body: (JSON) -> Void) throws(DropError) {
        try store.reading { (database) throws(DropError) in
            let sequence = try store.states.resolve(moment, database)
            for gone in sequence == nil ? [false] : [false, true] {
                try ServiceLookups(database).forEachID(gone: gone) { (number, id) throws(DropError) in
                    guard let entity = try store.states.state(ofTwin: number, id: id, asOf: sequence, database) else { return }
                    body(try twinJSON(entity, database))
                }
            }
        }
    }

    package func pending(limit: Int = 1000) throws(DropError) -> [PendingRelationship] {
        try StoreWaiting(store: store).pending(limit: limit)
    }

    @discardableResult
    package func expirePending(now milliseconds: UInt64) throws(DropError) -> Int {
        try StoreWaiting(store: store).expirePending(now: milliseconds)
    }

    package func counts() throws(DropError) -> StoreCounts {
        try store.reading { (database) throws(DropError) in
            let lookups = ServiceLookups(database)
            return StoreCounts(
                twins: try lookups.count(.twin), relationships: try lookups.count(.relationship),
                revisions: try lookups.count(.revision), pending: try lookups.count(.pending), drops: try lookups.count(.drops),
                commits: UInt64(try lookups.count(.commits)))
        }
    }

    /// The newest commit: its number and its time in milliseconds since 1970; both 0 before the first. A store that only reads
    /// tells how it was when it was opened.
    package var newestCommit: (sequence: UInt64, time: UInt64) { store.numbers.state.withLock { ($0.sequence, $0.lastTime) } }

    /// Which of `ids` are twins, or were. One look through the table of twins, for all of them.
    package func known(_ ids: [String]) throws(DropError) -> Set<String> {
        try store.reading { (database) throws(DropError) in
            let lookups = ServiceLookups(database)
            var known: Set<String> = []
            for (id, number) in try lookups.numbers(of: ids) {
                known.insert(id)
                store.states.remember(id, number)
            }
            for id in ids where !known.contains(id) { if try lookups.wasTwin(id) { known.insert(id) } }
            return known
        }
    }

    /// A sum over all twins, and how many of them had a number.
    package struct Total: Sendable, Equatable {
        package var twins = 0
        /// Exact for integers; of others as exact as a double can be, whatever the order.
        package var sum: JSON = .int(0)
    }

    /// For comparing with another count: how many twins there are, and the sum of each property over all of them. Looks through
    /// the whole table.
    package func totals(of properties: [String]) throws(DropError) -> (twins: Int, sums: [Total]) {
        try store.reading { (database) throws(DropError) in
            let lookups = ServiceLookups(database)
            var sums: [Total] = []
            for property in properties {
                var sum = LongSum()
                try lookups.forEachNumber(in: store.keys.number(of: property)) { sum.add($0) }
                sums.append(Total(twins: sum.count, sum: sum.value))
            }
            return (try lookups.count(.twin), sums)
        }
    }

    // MARK: JSON

    private func twinJSON(_ entity: StoredEntity, _ database: StoreTransaction) throws(DropError) -> JSON {
        try TwinRenderer(store, database, store.catalog.keyed).document(twin: entity)
    }

    private func relationshipJSON(_ entity: StoredEntity, source: String, _ database: StoreTransaction) throws(DropError) -> JSON
    {
        try TwinRenderer(store, database, store.catalog.keyed).document(relationship: entity, source: source)
    }
}

/// A sum of many numbers: integers apart, and doubles with what each addition lost (Neumaier).
private struct LongSum {
    private(set) var count = 0
    private var whole = 0.0
    private var integers: Int64 = 0
    private var overflowed = false
    private var rest = 0.0
    private var hasDoubles = false

    mutating func add(_ number: StoredNumber) {
        count += 1
        switch number {
        case .integer(let value):
            let (sum, overflow) = integers.addingReportingOverflow(value)
            if overflow {
                add(Double(integers))
                integers = value
                overflowed = true
            } else {
                integers = sum
            }
        case .double(let value):
            hasDoubles = true
            add(value)
        }
    }

    private mutating func add(_ value: Double) {
        let sum = whole + value
        rest += abs(whole) >= abs(value) ? (whole - sum) + value : (value - sum) + whole
        whole = sum
    }

    var value: JSON {
        guard hasDoubles || overflowed else { return .int(integers) }
        var all = self
        all.add(Double(integers))
        return .double(all.whole + all.rest)
    }
}
