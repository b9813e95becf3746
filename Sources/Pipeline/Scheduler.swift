import DequeModule
import DropCore

/// Which drop is transformed next. Pure: it holds no thread and no clock; `DropPipeline` acts.
///
/// Drops of one source go one at a time, in the source's order, because a source has one warm worker. Different sources go side
/// by side; among those that are free, the one whose first drop has waited longest goes first, so that no source starves another.
struct Scheduler {
    private struct Lane {
        var waiting: Deque<DropRecord> = []
        var isBusy = false
        var isSuspended = false
        /// Held or quarantined drops an ordered source waits for.
        var blockedBy: Set<DropID> = []
        /// Milliseconds since 1970 before which nothing of the source is tried again.
        var notBefore: UInt64 = 0

        mutating func insert(_ drop: DropRecord, byName: Bool) {
            let at: Int
            if byName {
                at = waiting.firstIndex { drop.fileName.bytes.lexicographicallyPrecedes($0.fileName.bytes) } ?? waiting.count
            } else {
                at = waiting.lastIndex { $0.id < drop.id }.map { $0 + 1 } ?? 0
            }
            waiting.insert(drop, at: at)
        }

        func canRun(now: UInt64) -> Bool {
            !waiting.isEmpty && !isBusy && !isSuspended && blockedBy.isEmpty && notBefore <= now
        }
    }

    private var lanes: [SourceName: Lane] = [:]
    private var orders: [SourceName: DropOrder] = [:]

    init(orders: [SourceName: DropOrder]) { self.orders = orders }

    /// Drops that wait or are being transformed.
    var pending: Int { lanes.values.reduce(0) { $0 + $1.waiting.count + ($1.isBusy ? 1 : 0) } }

    /// Drops of sources that wait for a person.
    var stuck: Int {
        lanes.values.reduce(0) { $0 + ($1.isSuspended || !$1.blockedBy.isEmpty ? $1.waiting.count : 0) }
    }

    mutating func enqueue(_ drop: DropRecord) {
        lanes[drop.source, default: Lane()].insert(drop, byName: orders[drop.source] == .name)
    }

    /// Sources whose drop is being transformed.
    var busy: Int { lanes.values.count { $0.isBusy } }

    func hasNext(now: UInt64) -> Bool {
        lanes.values.contains { $0.canRun(now: now) }
    }

    /// The next drop to transform; its source is busy until `finished`.
    mutating func next(now: UInt64) -> DropRecord? {
        let free = lanes.filter { $0.value.canRun(now: now) }
        guard let source = free.min(by: { $0.value.waiting[0].id < $1.value.waiting[0].id })?.key else { return nil }
        lanes[source]?.isBusy = true
        return lanes[source]?.waiting.removeFirst()
    }

    mutating func finished(_ source: SourceName) { lanes[source]?.isBusy = false }

    /// The drop goes back to the head of its source, which rests until `notBefore`.
    mutating func putBack(_ drop: DropRecord, notBefore: UInt64) {
        lanes[drop.source, default: Lane()].waiting.insert(drop, at: 0)
        lanes[drop.source]?.notBefore = notBefore
    }

    mutating func suspend(_ source: SourceName) { lanes[source, default: Lane()].isSuspended = true }

    mutating func resume(_ source: SourceName) {
        lanes[source]?.isSuspended = false
        lanes[source]?.notBefore = 0
    }

    /// An ordered source stops behind a drop that waits for a person.
    mutating func block(_ source: SourceName, behind drop: DropID) {
        guard let order = orders[source], order != .none else { return }
        lanes[source, default: Lane()].blockedBy.insert(drop)
    }

    mutating func unblock(_ source: SourceName, from drop: DropID) { lanes[source]?.blockedBy.remove(drop) }

    var suspended: Set<SourceName> { Set(lanes.filter { $0.value.isSuspended }.keys) }

    var blocked: Set<SourceName> { Set(lanes.filter { !$0.value.blockedBy.isEmpty }.keys) }
}
