import DequeModule
import DropCore

/// Which drop is transformed next. Pure: it holds no thread and no clock; `DropPipeline` acts.
///
/// Drops of one source go one at a time, in the source's order, because a source has one warm worker. Different sources go side
/// by side; among those that are free, the one that was served longest ago goes first, so that no source starves another, however
/// many drops it has.
struct Scheduler {
    private struct Lane {
        var waiting: Deque<DropRecord> = []
        var isBusy = false
        /// Rises with each drop that is taken, over all lanes; 0: none of this one was.
        var served = 0
        var isSuspended = false
        /// Held or quarantined drops an ordered source waits for.
        var blockedBy: [DropID: DropRecord] = [:]
        /// Milliseconds since 1970 before which nothing of the source is tried again.
        var notBefore: UInt64 = 0
        /// A drop failed at its commit, and what becomes of it is not settled yet.
        var isSettingBack = false
        /// Rises when drops of the source are set back: what was transformed before is transformed again, in order.
        var generation = 0

        mutating func insert(_ drop: DropRecord, byName: Bool) {
            let at: Int
            if byName {
                at = waiting.firstIndex { Scheduler.precedes(drop, $0, .name) } ?? waiting.count
            } else {
                at = waiting.lastIndex { $0.id < drop.id }.map { $0 + 1 } ?? 0
            }
            waiting.insert(drop, at: at)
        }

        func canRun(now: UInt64, _ order: DropOrder) -> Bool {
            !waiting.isEmpty && !isBusy && !isSettingBack && !isSuspended && notBefore <= now && free(order) > 0
        }

        /// How many waiting drops come before every one that waits for a person.
        func free(_ order: DropOrder) -> Int {
            if blockedBy.isEmpty { return waiting.count }
            return waiting.prefix { drop in blockedBy.values.allSatisfy { Scheduler.precedes(drop, $0, order) } }.count
        }
    }

    private var lanes: [SourceName: Lane] = [:]
    private var orders: [SourceName: DropOrder] = [:]
    private var turns = 0

    init(orders: [SourceName: DropOrder]) { self.orders = orders }

    /// Drops that wait or are being transformed.
    var queued: Int { lanes.values.reduce(0) { $0 + $1.waiting.count + ($1.isBusy ? 1 : 0) } }

    /// Drops of sources that wait for a person.
    var stuck: Int {
        lanes.reduce(0) { sum, lane in
            sum + lane.value.waiting.count - (lane.value.isSuspended ? 0 : lane.value.free(order(of: lane.key)))
        }
    }

    /// Those drops, each with the one that it waits behind; nil where its source is suspended.
    var stuckDrops: [(drop: DropRecord, behind: DropRecord?)] {
        lanes.flatMap { source, lane -> [(drop: DropRecord, behind: DropRecord?)] in
            if lane.isSuspended { return lane.waiting.map { ($0, nil) } }
            let order = order(of: source)
            return lane.waiting.dropFirst(lane.free(order)).map { drop in
                (drop, lane.blockedBy.values.filter { !Self.precedes(drop, $0, order) }.min { $0.id < $1.id })
            }
        }
    }

    mutating func enqueue(_ drop: DropRecord) {
        lanes[drop.source, default: Lane()].insert(drop, byName: orders[drop.source] == .name)
    }

    /// Takes a waiting drop out again; false when it does not wait.
    mutating func remove(_ drop: DropID, of source: SourceName) -> Bool {
        guard let at = lanes[source]?.waiting.firstIndex(where: { $0.id == drop }) else { return false }
        lanes[source]?.waiting.remove(at: at)
        return true
    }

    /// Sources whose drop is being transformed.
    var busy: Int { lanes.values.count { $0.isBusy } }

    func hasNext(now: UInt64) -> Bool {
        lanes.contains { $0.value.canRun(now: now, order(of: $0.key)) }
    }

    /// The next drop to transform; its source is busy until `finished`.
    mutating func next(now: UInt64) -> DropRecord? {
        guard let source = firstFree(now: now) else { return nil }
        turns += 1
        lanes[source]?.served = turns
        lanes[source]?.isBusy = true
        return lanes[source]?.waiting.removeFirst()
    }

    /// The free source that was served longest ago. It keeps no lane: taking a drop out of one that is held elsewhere copies it.
    private func firstFree(now: UInt64) -> SourceName? {
        var first: (source: SourceName, turn: (Int, DropID))?
        for (source, lane) in lanes where lane.canRun(now: now, order(of: source)) {
            let turn = (lane.served, lane.waiting[0].id)
            if first.map({ turn < $0.turn }) ?? true { first = (source, turn) }
        }
        return first?.source
    }

    mutating func finished(_ source: SourceName) { lanes[source]?.isBusy = false }

    /// The drop goes back to its place in its source, which rests until `notBefore`. One before it may have been put back, too.
    mutating func putBack(_ drop: DropRecord, notBefore: UInt64) {
        enqueue(drop)
        let known = lanes[drop.source]?.notBefore ?? 0
        lanes[drop.source]?.notBefore = max(known, notBefore)
    }

    /// Tells a drop that was transformed in time from one that was set back.
    func generation(of source: SourceName) -> Int { lanes[source]?.generation ?? 0 }

    /// A drop failed at its commit: those of its source that were transformed behind it must not overtake it. Nothing of the
    /// source goes on until `finishedSettingBack`: by then the drop is put back, or blocks the others.
    mutating func setBack(_ source: SourceName) {
        lanes[source, default: Lane()].generation += 1
        lanes[source]?.isSettingBack = true
    }

    mutating func finishedSettingBack(_ source: SourceName) { lanes[source]?.isSettingBack = false }

    mutating func suspend(_ source: SourceName) { lanes[source, default: Lane()].isSuspended = true }

    mutating func resume(_ source: SourceName) {
        lanes[source]?.isSuspended = false
        lanes[source]?.notBefore = 0
    }

    /// An ordered source stops behind a drop that waits for a person; what comes before it goes on.
    mutating func block(behind drop: DropRecord) {
        guard order(of: drop.source) != .none, !Self.isPassed(drop) else { return }
        lanes[drop.source, default: Lane()].blockedBy[drop.id] = drop
    }

    /// Nobody waits for corrections of an earlier drop, or for a drop that came too late: those behind it were applied before.
    private static func isPassed(_ drop: DropRecord) -> Bool {
        drop.link?.kind == .amends || drop.reason?.code == .late || drop.reason?.code == .lateUndecided
    }

    mutating func unblock(_ source: SourceName, from drop: DropID) { lanes[source]?.blockedBy[drop] = nil }

    func order(of source: SourceName) -> DropOrder { orders[source] ?? .none }

    private static func precedes(_ one: DropRecord, _ other: DropRecord, _ order: DropOrder) -> Bool {
        if order == .name, one.fileName.bytes != other.fileName.bytes {
            return one.fileName.bytes.lexicographicallyPrecedes(other.fileName.bytes)
        }
        return one.id < other.id
    }

    /// Whether a waiting drop does not go on before a person acts.
    func isStuck(_ drop: DropID, of source: SourceName) -> Bool {
        guard let lane = lanes[source], let at = lane.waiting.firstIndex(where: { $0.id == drop }) else { return false }
        return lane.isSuspended || at >= lane.free(order(of: source))
    }

    func isSuspended(_ source: SourceName) -> Bool { lanes[source]?.isSuspended ?? false }

    var suspended: Set<SourceName> { Set(lanes.filter { $0.value.isSuspended }.keys) }

    var blocked: Set<SourceName> { Set(lanes.filter { !$0.value.blockedBy.isEmpty }.keys) }
}
