import DropCore
import Testing
import TwinModel

@testable import Pipeline

private let source = SourceName("s")!
private let digest = ContentDigest(bytes: [UInt8](repeating: 1, count: 32))

private func drop(_ number: UInt64, name: String = "x.csv") -> DropRecord {
    DropRecord(
        id: DropID(high: number, low: 0), source: source, fileName: FileName(name), bytes: 10, state: .claimed,
        claimedAt: 1, changedAt: 1, intake: FileIdentity(device: 1, inode: number, changeTime: 1))
}

@Suite struct `Tokens of what is in hand` {
    @Test func `are counted until they end, and keep their order`() {
        var tokens = Tokens()
        #expect(tokens.count == 0 && tokens.last == nil)
        let (first, second) = (tokens.issue(), tokens.issue())
        #expect(first < second && tokens.last == second && tokens.count == 2)
        tokens.end(first)
        #expect(tokens.count == 1)
        tokens.end(second)
        #expect(tokens.count == 0 && tokens.last == second)
    }

    @Test func `do not end twice`() async {
        await #expect(processExitsWith: .failure) {
            var tokens = Tokens()
            let token = tokens.issue()
            tokens.end(token)
            tokens.end(token)
        }
    }
}

@Suite struct `Live drops` {
    @Test func `keep the token of their file until nobody counts on them`() {
        var drops = LiveDrops()
        let token = drops.issue()
        #expect(drops.inHand == 1)
        drops.begin(.claimed(drop(1), isDurable: false), token)
        #expect(drops.inHand == 1 && drops.unread == 1 && drops.undurable == 1)
        drops.change(drop(1).id) { $0.claimIsDurable() }
        drops.change(drop(1).id) { _ = $0.read(digest) }
        #expect(drops.inHand == 1 && drops.unread == 0 && drops.undurable == 0)
        drops.change(drop(1).id) { $0.taken() }
        let row = drop(1).applied(at: 2)
        drops.change(drop(1).id) { $0.handedOn(as: row) }
        drops.change(drop(1).id) { _ = $0.committed(as: row, sequence: 1, isNewest: true) }
        #expect(drops.archiving == 1 && drops.beforeReceipt == 1)
        drops.change(drop(1).id) { $0.archived(as: row) }
        #expect(drops.archiving == 0 && drops.unreceipted == 1 && drops.beforeReceipt == 0 && drops.inHand == 1)
        drops.change(drop(1).id) { $0.receipted() }
        #expect(drops.unreceipted == 0 && drops.inHand == 0 && drops[drop(1).id] == nil)
    }

    /// Fails where a lone file is begun early although a drop before it is about to stop its source.
    @Test func `let a lone file begin early only where none before it is unread or about to end`() {
        var drops = LiveDrops()
        #expect(drops.mayBeginEarly)
        drops.begin(.claimed(drop(1), isDurable: true))
        #expect(!drops.mayBeginEarly)
        let unreadable = DropError(.unreadable, "It cannot be read.", hint: "Look at the disk.", remedy: .quarantine)
        drops.change(drop(1).id) { _ = $0.failed(unreadable, as: drop(1), .init(now: 1, isPatient: true)) }
        #expect(drops.unread == 0 && !drops.mayBeginEarly)
        drops.change(drop(1).id) { _ = $0.written() }
        #expect(drops.mayBeginEarly)
    }

    @Test func `are not waited for where their receipt is left, and end once with it`() {
        var drops = LiveDrops()
        drops.begin(.archived(drop(1).applied(at: 1)))
        #expect(drops.inHand == 1 && drops.unreceipted == 1)
        drops.change(drop(1).id) { $0.receiptIsLeft() }
        #expect(drops.inHand == 0 && drops.unreceipted == 0 && drops[drop(1).id] != nil)
        drops.change(drop(1).id) { $0.receipted() }
        #expect(drops.inHand == 0 && drops[drop(1).id] == nil)
    }

    @Test func `leave the token to their file where its claim comes to nothing`() {
        var drops = LiveDrops()
        let token = drops.issue()
        for _ in 0..<2 {  // A claim that finds no room is made again.
            drops.begin(.readEarly(drop(1), digest), token)
            drops.change(drop(1).id) { $0.claimCameToNothing() }
            #expect(drops[drop(1).id] == nil && drops.inHand == 1 && drops.undurable == 0)
        }
        drops.end(token)
        #expect(drops.inHand == 0)
    }

    @Test func `are in the flow once`() async {
        await #expect(processExitsWith: .failure) {
            var drops = LiveDrops()
            drops.begin(.resumed(drop(1)))
            drops.begin(.resumed(drop(1)))
        }
    }

    /// Whatever happens to many drops in whatever order, the numbers are those that a count of all of them gives.
    @Test(arguments: UInt64(0)..<16) func `are counted right at every step`(seed: UInt64) {
        var random = Seeded(seed)
        var drops = LiveDrops()
        var ids: [DropID] = []
        for step in 0..<400 {
            if ids.isEmpty || Int.random(in: 0..<5, using: &random) == 0 {
                let record = drop(UInt64(1000 + step))
                drops.begin([.claimed(record, isDurable: false), .resumed(record)].randomElement(using: &random)!)
                ids.append(record.id)
            } else if let id = ids.randomElement(using: &random) {
                let choice = Int.random(in: 0..<4, using: &random)
                drops.change(id) { $0.goOn(choice, at: UInt64(step)) }
            }
            let all = Array(drops.all)
            ids = all.map(\.record.id).sorted()
            #expect(drops.unread == all.count { $0.phase == .claimed }, "seed \(seed), step \(step)")
            #expect(drops.undurable == all.count { $0.claim != .durable }, "seed \(seed), step \(step)")
            #expect(drops.archiving == all.count { $0.phase == .archiving }, "seed \(seed), step \(step)")
            #expect(drops.unreceipted == all.count { $0.phase == .receipting && $0.isInHand }, "seed \(seed), step \(step)")
            #expect(drops.inHand == all.count(where: \.isInHand), "seed \(seed), step \(step)")
        }
    }

    @Test func `are given up by the first act that says so`() {
        var drops = LiveDrops()
        let acts = (1...2).map { number in
            Act(
                id: DropID(high: 5, low: UInt64(number)), kind: .discard, at: 1, by: .token("t"), reason: nil, drop: nil,
                source: nil)
        }
        for act in acts { drops.giveUp(drop(1).id, by: act) }
        #expect(drops.act(givingUp: drop(1).id) == acts[0] && drops.isGivenUp(drop(1).id))
        drops.forgetAct(drop(1).id)
        #expect(!drops.isGivenUp(drop(1).id))
    }
}

/// The same numbers for the same seed (SplitMix64).
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension DropLifecycle {
    /// One of the things that can happen to the drop in its phase.
    fileprivate mutating func goOn(_ choice: Int, at now: UInt64) {
        let errors: [DropError.Remedy] = [.hold, .quarantine, .suspendSource, .retry(after: .seconds(1))]
        let error = DropError(.refused, "It is bad.", hint: "", remedy: errors[choice])
        let around = Circumstances(now: now, isPatient: choice == 0)
        if claim == .underWay { return claimIsDurable() }
        switch phase {
        case .claimed: if choice == 0 { _ = failed(error, as: record, around) } else { _ = read(digest) }
        case .waiting: if choice == 0 { _ = givenUp(by: nil, at: now) } else { taken() }
        case .inWork: if choice < 2 { handedOn(as: record) } else { _ = failed(error, as: record, around) }
        case .prepared:
            switch choice {
            case 0: _ = setBack()
            case 1: _ = failed(error, as: record, around)
            case 2: _ = repeats(drop(1), as: record, at: now)
            default: _ = committed(as: record.applied(at: now), sequence: nil, isNewest: true)
            }
        case .writing: _ = written()
        case .archiving: if choice == 0 { setAside() } else { archived(as: record) }
        case .receipting: if choice == 0, isWaitedFor { receiptIsLeft() } else { receipted() }
        case .left: break
        }
    }
}

@Suite struct `The order of a source` {
    @Test func `knows what it said last, and what is on its way to the commit`() {
        var order = SourceOrder()
        #expect(!order.hasUncommitted(source))
        order.handOver(drop(1, name: "b"))
        order.handOver(drop(2, name: "a"))
        #expect(order.hasUncommitted(source) && order.lastNames(of: source).handed == FileName("b"))
        order.ended(source)
        #expect(order.hasUncommitted(source))
        order.ended(source)
        #expect(!order.hasUncommitted(source) && order.lastNames(of: source).handed == nil)
        order.applied(drop(1, name: "b"), isNewest: true, byName: true)
        order.applied(drop(2, name: "a"), isNewest: false, byName: true)
        #expect(order.newestApplied(of: source)?.id == drop(1).id)
        #expect(order.lastNames(of: source).applied == FileName("b"))
        var amendment = drop(3, name: "c")
        amendment.link = DropLink(kind: .amends, drop: drop(1).id)
        order.applied(amendment, isNewest: true, byName: true)
        #expect(order.newestApplied(of: source)?.id == drop(1).id && order.lastNames(of: source).applied == FileName("b"))
    }

    @Test func `remembers quarantined drops by their names`() {
        var order = SourceOrder()
        order.quarantined(drop(1))
        order.quarantined(drop(2))
        #expect(order.quarantined(named: FileName("x.csv"), of: source) == [drop(1).id, drop(2).id])
        order.forget(drop(1))
        order.forget(drop(2))
        #expect(order.quarantined(named: FileName("x.csv"), of: source).isEmpty)
    }
}

@Suite struct `The queue of the commit` {
    private func prepared(_ number: UInt64) -> Prepared {
        Prepared(changes: Changes(drop(number).id), record: drop(number), generation: 0)
    }

    @Test func `gives out batches by number and by bytes, and at least one drop`() {
        var queue = CommitQueue()
        for number: UInt64 in 1...5 { queue.append(prepared(number)) }
        #expect(queue.bytes == 50 && queue.count == 5)
        let batches = [(2, 100), (9, 15), (9, 1)].map { queue.takeBatch(dropsMax: $0, bytesMax: $1).map(\.record.id) }
        #expect(batches == [[drop(1).id, drop(2).id], [drop(3).id], [drop(4).id]])
        #expect(queue.bytes == 10 && !queue.isIdle)
        let left = queue.removeAll()
        #expect(left.map(\.record.id) == [drop(5).id])
        #expect(queue.isIdle && queue.bytes == 0)
    }

    @Test func `is not idle while a batch is in hand`() {
        var queue = CommitQueue()
        queue.append(prepared(1))
        _ = queue.takeBatch(dropsMax: 1, bytesMax: 1)
        #expect(queue.count == 0 && !queue.isIdle)
        queue.finished()
        #expect(queue.isIdle)
    }
}

@Suite struct `The ledger` {
    private func makeLedger(_ order: DropOrder = .none) -> Ledger { Ledger(orders: [source: order]) }

    @Test func `is idle when all that is left waits for a person`() {
        var ledger = makeLedger(.arrival)
        #expect(ledger.isIdle)
        ledger.begin(.resumed(drop(2)))
        #expect(!ledger.isIdle)
        ledger.take([.block(drop(1))])
        _ = ledger.read(drop(2).id, digest)
        #expect(ledger.isIdle && ledger.drops.inHand == 1)
        ledger.forget(drop(1))
        #expect(!ledger.isIdle)
    }

    @Test func `takes a drop whose claim came to nothing out of the line, or tells its thread`() {
        var ledger = makeLedger()
        ledger.begin(.readEarly(drop(1), digest), ledger.drops.issue())
        let isGone = ledger.void(drop(1).id, of: source)
        let none = ledger.takeNext(now: 0)
        #expect(isGone && ledger.drops[drop(1).id] == nil && none == nil)
        ledger.begin(.readEarly(drop(2), digest), ledger.drops.issue())
        let taken = ledger.takeNext(now: 0)
        let isGoneAtOnce = ledger.void(drop(2).id, of: source)
        #expect(taken?.record.id == drop(2).id && !isGoneAtOnce)
        #expect(ledger.drops[drop(2).id]?.claim == .void && ledger.isUnwanted(drop(2).id))
    }

    @Test func `puts a drop that was set back in line again`() {
        var ledger = makeLedger()
        ledger.begin(.released(drop(1)))
        _ = ledger.takeNext(now: 0)
        ledger.handOver(Prepared(changes: Changes(drop(1).id), record: drop(1), generation: 0))
        ledger.scheduler.finished(source)
        let none = ledger.takeNext(now: 0)
        ledger.setBack(drop(1).id)
        let again = ledger.takeNext(now: 0)
        #expect(none == nil && again?.record.id == drop(1).id)
    }

    @Test func `keeps since when a source is suspended`() {
        var ledger = makeLedger()
        let error = DropError(.refused, "It is bad.", hint: "", remedy: .suspendSource)
        ledger.take([.suspend(source, error, since: 5)])
        ledger.take([.suspend(source, error, since: 9)])
        #expect(ledger.suspensions[source]?.since == 5 && ledger.scheduler.isSuspended(source))
        ledger.restate(source, DropError(.settings, "It is worse.", hint: "", remedy: .suspendSource))
        #expect(ledger.suspensions[source]?.error.code == .settings && ledger.suspensions[source]?.since == 5)
        ledger.resume(source)
        #expect(ledger.suspensions.isEmpty && !ledger.scheduler.isSuspended(source))
    }

    @Test func `counts the first failure only`() {
        var run = RunState()
        let first = run.fail(DropError(.storage, "", hint: "", remedy: .stop))
        let second = run.fail(DropError(.resources, "", hint: "", remedy: .stop))
        #expect(first && !second && run.failure?.code == .storage && run.isStopping && run.isCancelled)
    }
}

@Suite struct `Receipts that are owed` {
    @Test func `keep the leaf and the weight of what was owed before`() {
        var owed = ReceiptsOwed()
        let error = DropError(.receiptsUnusable, "No.", hint: "", remedy: .retry(after: .zero))
        let isNew = owed.owe([Receipted(record: drop(1), leaf: 4)], error, isLast: true, at: 10)
        let isNewAgain = owed.owe([Receipted(record: drop(1), leaf: nil)], error, isLast: false, at: 20)
        #expect(isNew && !isNewAgain)
        #expect(owed.all.first?.receipt.leaf == 4 && owed.all.first?.isLast == true && owed.all.first?.trouble.since == 10)
        owed.outdate(drop(1).id)
        #expect(!owed.isEmpty, "the last word is never out of date")
        let again = owed.noteAgain(source, error, at: 30)
        #expect(again.map(\.trouble.attempts) == [2])
        owed.paid(drop(1).id)
        #expect(owed.isEmpty)
    }
}
