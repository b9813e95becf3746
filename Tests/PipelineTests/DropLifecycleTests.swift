import DropCore
import Testing
import TwinModel

@testable import Pipeline

private let source = SourceName("s")!
private let digest = ContentDigest(bytes: [UInt8](repeating: 1, count: 32))
private let otherDigest = ContentDigest(bytes: [UInt8](repeating: 2, count: 32))

private func claimed(_ number: UInt64 = 1, digest: ContentDigest? = nil, reason: DropReason? = nil) -> DropRecord {
    DropRecord(
        id: DropID(high: number, low: 0), source: source, fileName: FileName("x.csv"), bytes: 3, digest: digest,
        state: .claimed, claimedAt: 1, changedAt: 1, intake: FileIdentity(device: 1, inode: number, changeTime: 1),
        reason: reason)
}

private func error(_ remedy: DropError.Remedy) -> DropError {
    DropError(.refused, "It is bad.", hint: "Mend it.", remedy: remedy)
}

private let daemon = DropLifecycle.Circumstances(now: 1000, isPatient: true)

/// The states of the rows that an answer writes, in order.
private func rows(_ answer: DropAnswer) -> [DropState] {
    answer.writes.compactMap { if case .row(let row, _) = $0 { row.state } else { nil } }
}

/// The words of what an answer has done after its writes.
private func words(_ effects: [DropAnswer.Effect]) -> [String] {
    effects.map { effect in
        switch effect {
        case .leaveHand: "leave hand"
        case .emit(let event): "tell \(event)".split(separator: "(").first.map(String.init) ?? ""
        case .acted: "acted"
        case .closeOthers: "close others"
        case .archive(let end): "archive \(end.record.state.rawValue)"
        }
    }
}

private func inPhase(_ phase: DropLifecycle.Phase, _ record: DropRecord = claimed()) -> DropLifecycle {
    .inPhase(phase, record)
}

@Suite struct `The life cycle of a drop` {
    @Test func `goes from claim to receipt, and is in hand until then`() {
        var life = DropLifecycle.claimed(claimed(), isDurable: true)
        #expect(life.phase == .claimed)
        guard case .inLine(let record) = life.read(digest) else {
            Issue.record("it does not wait for its turn")
            return
        }
        #expect(record.state == .registered && record.digest == digest)
        life.taken()
        life.handedOn(as: record)
        let row = record.applied(at: 9)
        let answer = life.committed(as: row, sequence: 7, isNewest: true)
        #expect(row.state == .applied && row.changedAt == 9)
        #expect(answer.writes.isEmpty, "the commit has written the row")
        #expect(answer.notes == [.applied(row, isNewest: true)])
        #expect(words(answer.then) == ["leave hand", "tell applied", "close others", "archive applied"])
        #expect(life.isOnItsWay && life.isInHand)
        let item = ArchivedItem(drop: row.id, container: "c", member: "m", leaf: 3)
        let archived = row.archived(in: item, at: 11)
        #expect(archived.state == .archived && archived.container == "c" && archived.member == "m")
        life.archived(as: archived)
        #expect(life.phase == .receipting && !life.isOnItsWay && life.isInHand)
        #expect(archived.done().state == .done)
        life.receipted()
        #expect(life.phase == .left && !life.isInHand)
    }

    @Test func `is not ended by a row that the archive has placed`() {
        let quarantined = claimed().quarantined(because: DropReason(error(.quarantine)), at: 2)
        let placed = quarantined.archived(in: ArchivedItem(drop: quarantined.id, container: "c", member: "m", leaf: 1), at: 3)
        #expect(placed.state == .quarantined && placed.container == "c" && placed.changedAt == 2)
        #expect(placed.done().state == .quarantined)
    }

    // MARK: - Claims

    @Test func `waits for its claim where it was begun early`() {
        var life = DropLifecycle.readEarly(claimed(), digest)
        #expect(life.phase == .waiting && life.claim == .underWay)
        #expect(life.record.state == .registered && life.record.digest == digest)
        life.claimIsDurable()
        #expect(life.claim == .durable)
    }

    @Test func `leaves with a void claim at once where it waits, and when its thread has seen it where it is in work`() {
        var waiting = DropLifecycle.readEarly(claimed(), digest)
        waiting.claimCameToNothing()
        #expect(waiting.phase == .left && waiting.claim == .void)
        var inWork = DropLifecycle.readEarly(claimed(), digest)
        inWork.taken()
        inWork.claimCameToNothing()
        #expect(inWork.phase == .inWork && inWork.claim == .void)
        inWork.leftAsVoid()
        #expect(inWork.phase == .left)
    }

    // MARK: - Reading

    @Test func `keeps the reason of its claim, with the digest of its bytes`() {
        let reason = DropReason(TruncationRule.defect(of: FileName("x.csv")))
        var life = DropLifecycle.claimed(claimed(reason: reason), isDurable: true)
        #expect(life.read(digest) == .doubted(reason))
        let answer = life.quarantined(because: reason, at: 4)
        guard case .row(let row, _)? = answer.writes.last else {
            Issue.record("no row is written")
            return
        }
        #expect(row.state == .quarantined && row.reason == reason && row.digest == digest)
    }

    @Test func `keeps the reason of its claim where its bytes cannot be read`() {
        let reason = DropReason(TruncationRule.defect(of: FileName("x.csv")))
        var life = DropLifecycle.claimed(claimed(reason: reason), isDurable: true)
        let answer = life.failed(error(.quarantine), as: life.record, daemon)
        #expect(words(answer.first) == ["tell failed"])
        #expect(answer.writes.count == 3, "bytes, row and receipt: without a digest there is no archive")
        #expect(rows(answer) == [.quarantined])
        let rest = life.written()
        #expect(life.phase == .left)
        #expect(words(rest.then) == ["leave hand", "tell endedWithoutApply"])
    }

    @Test func `is not registered with other bytes than those that arrived`() {
        var life = DropLifecycle.resumed(claimed(digest: otherDigest))
        #expect(life.read(digest) == .changed(known: otherDigest, found: digest))
        #expect(life.phase == .claimed && life.record.digest == otherDigest)
    }

    @Test func `says since when a large drop is being read`() {
        var life = DropLifecycle.claimed(claimed(), isDurable: true)
        life.readingBegan(at: 77)
        #expect(life.readingSince == 77)
        _ = life.read(digest)
        #expect(life.readingSince == nil)
    }

    // MARK: - Remedies

    @Test(arguments: [DropLifecycle.Phase.claimed, .inWork, .prepared])
    func `is held with its receipt, and blocks its source`(phase: DropLifecycle.Phase) {
        var life = inPhase(phase)
        let answer = life.failed(error(.hold), as: life.record, daemon)
        #expect(rows(answer) == [.held] && answer.notes.isEmpty && life.phase == .writing)
        #expect(answer.writes.count == 2)
        #expect(life.isInHand)
        let rest = life.written()
        #expect(words(rest.then) == ["tell endedWithoutApply"])
        guard case .block(let row)? = rest.notes.first else {
            Issue.record("its source is not blocked")
            return
        }
        #expect(row.state == .held && life.phase == .left && !life.isInHand)
    }

    @Test(arguments: [DropLifecycle.Phase.inWork, .prepared])
    func `is quarantined, and goes into the archive`(phase: DropLifecycle.Phase) {
        var life = inPhase(phase)
        let answer = life.failed(error(.quarantine), as: life.record, daemon)
        guard case .bytesIntoQuarantine? = answer.writes.first else {
            Issue.record("its bytes do not come first")
            return
        }
        #expect(rows(answer) == [.quarantined] && answer.writes.count == 2)
        let rest = life.written()
        #expect(rest.notes.count == 2)
        #expect(words(rest.then) == ["leave hand", "tell endedWithoutApply", "archive quarantined"])
        #expect(life.phase == .archiving && !life.isOnItsWay && life.isInHand)
    }

    @Test func `is never archived where its bytes are others than those that arrived`() {
        var life = inPhase(.inWork)
        let changed = ByteLoss.changed("p", known: digest, found: otherDigest)
        let answer = life.failed(changed, as: life.record, daemon)
        #expect(answer.writes.count == 3)
        #expect(words(life.written().then) == ["leave hand", "tell endedWithoutApply"])
        #expect(life.phase == .left)
    }

    @Test(arguments: [DropLifecycle.Phase.claimed, .inWork, .prepared])
    func `goes back in line with its source suspended`(phase: DropLifecycle.Phase) {
        var life = inPhase(phase)
        let answer = life.failed(error(.suspendSource), as: life.record, daemon)
        #expect(answer.writes.isEmpty && life.phase == .waiting && life.hasWaited)
        #expect(
            answer.notes == [.putBack(life.record, notBefore: 0), .suspend(source, error(.suspendSource), since: 1000)])
        #expect(words(answer.then) == ["tell sourceSuspended"])
    }

    @Test func `is tried again after its delay, which is told once`() {
        var life = inPhase(.inWork)
        let retry = error(.retry(after: .seconds(2)))
        let first = life.failed(retry, as: life.record, daemon)
        #expect(first.notes == [.putBack(life.record, notBefore: 3000)])
        #expect(words(first.then) == ["tell waiting"])
        #expect(life.trouble?.since == 1000 && life.hasWaited)
        life.taken()
        let second = life.failed(retry, as: life.record, .init(now: 20_000, isPatient: true))
        #expect(second.then.isEmpty && second.notes == [.putBack(life.record, notBefore: 22_000)])
        #expect(life.trouble?.since == 1000 && life.trouble?.attempts == 2)
    }

    @Test func `has its source left by a command that ends, after a while`() {
        var life = inPhase(.inWork)
        let retry = error(.retry(after: .zero))
        #expect(life.failed(retry, as: life.record, .init(now: 1000, isPatient: false)).notes.count == 1)
        life.taken()
        let late = life.failed(
            retry, as: life.record, .init(now: 1000 + DropLifecycle.patienceAlone, isPatient: false))
        #expect(late.notes.last == .suspend(source, retry, since: 1000))
        #expect(words(late.then) == ["tell sourceSuspended"])
    }

    @Test func `is registered again where its commit failed`() {
        var life = inPhase(.prepared)
        let answer = life.failed(error(.retry(after: .zero)), as: life.record.applied(at: 8), daemon)
        #expect(answer.notes == [.putBack(life.record, notBefore: 1000)])
        #expect(life.record.state == .registered && life.phase == .waiting)
    }

    @Test func `forgets its trouble with every end`() {
        for remedy in [DropError.Remedy.hold, .quarantine, .suspendSource] {
            var life = inPhase(.inWork)
            _ = life.failed(error(.retry(after: .zero)), as: life.record, daemon)
            life.taken()
            _ = life.failed(error(remedy), as: life.record, daemon)
            #expect(life.trouble == nil)
        }
    }

    @Test func `is set back to its place`() {
        var life = inPhase(.prepared)
        let record = life.setBack()
        #expect(record.state == .registered && life.phase == .waiting)
    }

    // MARK: - Other ends

    @Test(arguments: [DropLifecycle.Phase.inWork, .prepared], [DropState.applied, .quarantined])
    func `ends as a duplicate, and closes others where the first was applied`(
        phase: DropLifecycle.Phase, first: DropState
    ) {
        var life = inPhase(phase)
        var other = claimed(9)
        other.state = first
        let answer = life.repeats(other, as: life.record, at: 6)
        #expect(rows(answer) == [.duplicate])
        #expect(answer.writes.count == (first == .applied ? 2 : 1))
        let rest = life.written()
        #expect(words(rest.then) == ["leave hand", "tell endedWithoutApply", "archive duplicate"])
        #expect(life.phase == .archiving && life.record.link == DropLink(kind: .duplicates, drop: other.id))
    }

    @Test(arguments: [DropLifecycle.Phase.waiting, .inWork])
    func `is given up with the act of the person`(phase: DropLifecycle.Phase) {
        var life = inPhase(phase)
        let act = Act(
            id: DropID(high: 4, low: 4), kind: .discard, at: 1, by: .token("t"), reason: nil, drop: life.record.id,
            source: source)
        let answer = life.givenUp(by: act, at: 6)
        guard case .row(let row, let by)? = answer.writes.first else {
            Issue.record("no row is written")
            return
        }
        #expect(row.state == .discarded && by == act)
        #expect(words(life.written().then) == ["acted", "leave hand", "tell endedWithoutApply", "archive discarded"])
        #expect(life.phase == .archiving)
    }

    @Test func `is set aside by the archive, or left to the next start`() {
        var aside = inPhase(.archiving)
        aside.setAside()
        #expect(aside.phase == .left)
        var left = inPhase(.archiving)
        left.leftToNextStart()
        #expect(left.phase == .left)
    }

    @Test func `is waited for no longer where its receipt is left, and ends with it all the same`() {
        var life = inPhase(.receipting)
        life.receiptIsLeft()
        #expect(!life.isInHand && life.phase == .receipting)
        life.receipted()
        #expect(life.phase == .left)
    }

    @Test func `knows its bytes again once they were compared`() {
        var life = DropLifecycle.resumed(claimed())
        #expect(life.hasWaited)
        life.bytesAreThose()
        #expect(!life.hasWaited)
        #expect(DropLifecycle.released(claimed()).hasWaited && !DropLifecycle.retrying(claimed()).hasWaited)
    }

    // MARK: - What it does not allow

    @Test func `takes no drop that is not in line`() async {
        await #expect(processExitsWith: .failure) {
            var life = DropLifecycle.resumed(claimed())
            life.taken()
        }
    }

    @Test func `applies nothing that was not prepared`() async {
        await #expect(processExitsWith: .failure) {
            var life = inPhase(.inWork)
            _ = life.committed(as: life.record.applied(at: 1), sequence: nil, isNewest: true)
        }
    }

    @Test func `lets no drop end twice`() async {
        await #expect(processExitsWith: .failure) {
            var life = inPhase(.archiving)
            _ = life.failed(error(.quarantine), as: life.record, daemon)
        }
    }

    @Test func `makes no void claim durable`() async {
        await #expect(processExitsWith: .failure) {
            var life = DropLifecycle.readEarly(claimed(), digest)
            life.taken()
            life.claimCameToNothing()
            life.claimIsDurable()
        }
    }

    @Test func `has nothing written where nothing was to be`() async {
        await #expect(processExitsWith: .failure) {
            var life = inPhase(.waiting)
            _ = life.written()
        }
    }
}

@Suite struct `The rows of acts of people` {
    @Test func `say what was done to the drop`() {
        let held = claimed(digest: digest).held(because: DropReason(error(.hold)), at: 2)
        let released = held.released(force: true, at: 3)
        #expect(released.state == .registered && released.released && released.forced && released.reason == nil)
        let quarantined = claimed(digest: digest).quarantined(because: DropReason(error(.quarantine)), at: 2)
        let again = quarantined.retrying(as: DropID(high: 8, low: 0), force: false, at: 4)
        #expect(again.state == .claimed && again.claimedAt == 4 && again.digest == digest)
        #expect(again.link == DropLink(kind: .retries, drop: quarantined.id))
        let retried = quarantined.retried(by: again.id, at: 4)
        #expect(retried.state == .retried && retried.closedBy == DropClosing(drop: again.id, how: .retry))
        #expect(retried.reopened().state == .quarantined && retried.reopened().closedBy == nil)
        #expect(held.discarded(at: 5).state == .discarded && held.discarded(at: 5).changedAt == 5)
    }

    @Test func `take quarantined drops up again with the doubts about their claim`() {
        let doubt = DropReason(TruncationRule.defect(of: FileName("x.csv")))
        let doubted = claimed().quarantined(because: doubt, at: 2).takenUpAgain()
        #expect(doubted.state == .claimed && doubted.reason == doubt)
        let missing = claimed(digest: digest).quarantined(because: DropReason(ByteLoss.missing("p")), at: 2).takenUpAgain()
        #expect(missing.state == .registered && missing.reason == nil)
    }
}
