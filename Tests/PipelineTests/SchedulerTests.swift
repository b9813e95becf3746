import DropCore
import Testing

@testable import Pipeline

@Suite struct `The scheduler` {
    let one = SourceName("one")!
    let two = SourceName("two")!

    private func drop(_ number: UInt64, _ source: SourceName, name: String = "x.csv") -> DropRecord {
        DropRecord(
            id: DropID(high: number, low: 0), source: source, fileName: FileName(name), bytes: 1, state: .registered,
            claimedAt: 1,
            changedAt: 1, intake: FileIdentity(device: 1, inode: number, changeTime: 1))
    }

    @Test func `runs one drop of a source at a time, in the order they were claimed`() {
        var scheduler = Scheduler(orders: [:])
        for number: UInt64 in [3, 1, 2] { scheduler.enqueue(drop(number, one)) }
        #expect(scheduler.next(now: 0)?.id.high == 1)
        #expect(scheduler.next(now: 0) == nil)
        scheduler.finished(one)
        #expect(scheduler.next(now: 0)?.id.high == 2)
    }

    @Test func `lets another source pass a busy one`() {
        var scheduler = Scheduler(orders: [:])
        for number: UInt64 in 1...3 { scheduler.enqueue(drop(number, one)) }
        scheduler.enqueue(drop(9, two))
        #expect(scheduler.next(now: 0)?.source == one)
        #expect(scheduler.next(now: 0)?.source == two)
    }

    @Test func `serves a source with few drops before one with many`() {
        var scheduler = Scheduler(orders: [:])
        for number: UInt64 in 1...100 { scheduler.enqueue(drop(number, one)) }
        #expect(scheduler.next(now: 0)?.source == one)
        scheduler.finished(one)
        scheduler.enqueue(drop(999, two))
        #expect(scheduler.next(now: 0)?.id.high == 999)
    }

    @Test func `names the drop that one waits behind, and no drop of a free source`() {
        var scheduler = Scheduler(orders: [one: .arrival])
        scheduler.block(behind: drop(7, one))
        for number: UInt64 in [6, 8] { scheduler.enqueue(drop(number, one)) }
        scheduler.enqueue(drop(9, two))
        #expect(scheduler.stuckDrops.map { [$0.drop.id.high, $0.behind?.id.high ?? 0] } == [[8, 7]])
        scheduler.suspend(two)
        #expect(scheduler.stuckDrops.count == 2)
    }

    @Test func `takes drops by the bytes of their names where the source says so`() {
        var scheduler = Scheduler(orders: [one: .name])
        scheduler.enqueue(drop(1, one, name: "b.csv"))
        scheduler.enqueue(drop(2, one, name: "a.csv"))
        scheduler.enqueue(drop(3, one, name: "B.csv"))
        #expect(scheduler.next(now: 0)?.fileName == FileName("B.csv"))
    }

    @Test func `stops an ordered source behind a drop that waits for a person, and no other`() {
        var scheduler = Scheduler(orders: [one: .arrival, two: .none])
        scheduler.block(behind: drop(7, one))
        scheduler.block(behind: drop(8, two))
        scheduler.enqueue(drop(9, one))
        scheduler.enqueue(drop(9, two))
        #expect(scheduler.next(now: 0)?.source == two)
        #expect(scheduler.next(now: 0) == nil)
        #expect(scheduler.stuck == 1)
        scheduler.unblock(one, from: DropID(high: 7, low: 0))
        #expect(scheduler.next(now: 0)?.source == one)
    }

    @Test(arguments: [DropOrder.arrival, .name])
    func `goes on with what comes before a drop that waits for a person`(order: DropOrder) {
        var scheduler = Scheduler(orders: [one: order])
        scheduler.block(behind: drop(5, one, name: "m.csv"))
        scheduler.enqueue(drop(4, one, name: "a.csv"))
        scheduler.enqueue(drop(6, one, name: "z.csv"))
        #expect(scheduler.next(now: 0)?.id.high == 4)
        scheduler.finished(one)
        #expect(scheduler.next(now: 0) == nil)
        #expect(scheduler.stuck == 1)
    }

    @Test func `tries a drop that was put back first, and not before its time`() {
        var scheduler = Scheduler(orders: [:])
        scheduler.enqueue(drop(1, one))
        scheduler.enqueue(drop(2, one))
        let first = scheduler.next(now: 0)!
        scheduler.putBack(first, notBefore: 100)
        scheduler.finished(one)
        #expect(scheduler.next(now: 99) == nil)
        #expect(scheduler.next(now: 100)?.id == first.id)
    }

    @Test(arguments: [DropOrder.none, .arrival, .name])
    func `tries drops that were put back one after the other in their order`(order: DropOrder) {
        var scheduler = Scheduler(orders: [one: order])
        let drops = (1...3).map { drop($0, one, name: "\($0).csv") }
        for drop in drops { scheduler.enqueue(drop) }
        for _ in drops {
            _ = scheduler.next(now: 0)
            scheduler.finished(one)
        }
        for drop in drops { scheduler.putBack(drop, notBefore: 0) }
        for drop in drops {
            #expect(scheduler.next(now: 0)?.id == drop.id)
            scheduler.finished(one)
        }
    }

    @Test func `lets nothing pass a drop that failed at its commit until it is settled what becomes of it`() {
        var scheduler = Scheduler(orders: [one: .name])
        let first = drop(1, one, name: "1.csv")
        scheduler.setBack(one)
        scheduler.enqueue(drop(2, one, name: "2.csv"))
        #expect(scheduler.next(now: 0) == nil)
        scheduler.putBack(first, notBefore: 0)
        scheduler.finishedSettingBack(one)
        #expect(scheduler.next(now: 0)?.id == first.id)
    }

    @Test func `keeps the files of a suspended source until it is resumed`() {
        var scheduler = Scheduler(orders: [:])
        scheduler.enqueue(drop(1, one))
        scheduler.suspend(one)
        #expect(scheduler.next(now: 0) == nil)
        #expect(scheduler.suspended == [one])
        scheduler.resume(one)
        #expect(scheduler.next(now: 0) != nil)
    }
}
