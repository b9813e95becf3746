import DropCore
import Testing

@testable import Pipeline

private let digest = ContentDigest(bytes: [UInt8](repeating: 1, count: 32))
private let otherDigest = ContentDigest(bytes: [UInt8](repeating: 2, count: 32))
private let daemon = DropLifecycle.Circumstances(now: 1000, isPatient: true)

private func claimed(_ number: UInt64 = 1, digest: ContentDigest? = nil, reason: DropReason? = nil) -> DropRecord {
    DropRecord(
        id: DropID(high: number, low: 0), source: SourceName("s")!, fileName: FileName("x.csv"), bytes: 3, digest: digest,
        state: .claimed, claimedAt: 1, changedAt: 1, intake: FileIdentity(device: 1, inode: number, changeTime: 1),
        reason: reason)
}

private func error(_ remedy: DropError.Remedy) -> DropError {
    DropError(.refused, "It is bad.", hint: "Mend it.", remedy: remedy)
}

extension DropLifecycle {
    /// A drop in each phase, by the events that lead there.
    static func inPhase(_ phase: Phase, _ record: DropRecord) -> DropLifecycle {
        var life = DropLifecycle.claimed(record, isDurable: true)
        if phase == .claimed { return life }
        _ = life.read(digest)
        if phase == .waiting { return life }
        life.taken()
        if phase == .inWork { return life }
        if phase == .writing {
            _ = life.givenUp(by: nil, at: 5)
            return life
        }
        life.handedOn(as: life.record)
        if phase == .prepared { return life }
        _ = life.committed(as: life.record.applied(at: 5), sequence: 7, isNewest: true)
        if phase == .archiving { return life }
        life.archived(as: life.record)
        if phase == .receipting { return life }
        life.receipted()
        return life
    }
}

/// What each event does to a drop, in all its ways.
private func ways(_ event: DropLifecycle.Event) -> [(inout DropLifecycle) -> Void] {
    switch event {
    case .claimIsDurable: return [{ $0.claimIsDurable() }]
    case .claimCameToNothing: return [{ $0.claimCameToNothing() }]
    case .leftAsVoid: return [{ $0.leftAsVoid() }]
    case .read: return [{ _ = $0.read(digest) }]
    case .taken: return [{ $0.taken() }]
    case .handedOn: return [{ $0.handedOn(as: $0.record) }]
    case .setBack: return [{ _ = $0.setBack() }]
    case .committed: return [{ _ = $0.committed(as: $0.record.applied(at: 5), sequence: 7, isNewest: true) }]
    case .archived: return [{ $0.archived(as: $0.record) }]
    case .setAside: return [{ $0.setAside() }]
    case .leftToNextStart: return [{ $0.leftToNextStart() }]
    case .receipted: return [{ $0.receipted() }]
    case .receiptIsLeft: return [{ $0.receiptIsLeft() }]
    case .failed:
        return [DropError.Remedy.retry(after: .zero), .quarantine, .suspendSource, .hold].map { remedy in
            { _ = $0.failed(error(remedy), as: $0.record, daemon) }
        }
    case .quarantined: return [{ _ = $0.quarantined(because: DropReason(error(.quarantine)), at: 5) }]
    case .repeats: return [{ _ = $0.repeats(claimed(9), as: $0.record, at: 5) }]
    case .givenUp: return [{ _ = $0.givenUp(by: nil, at: 5) }]
    case .written: return [{ _ = $0.written() }]
    }
}

/// Drops in the phase, each by another way into it: with a claim that is durable, under way or void, doubted, changed, and about
/// to be held or archived.
private func drops(in phase: DropLifecycle.Phase, for event: DropLifecycle.Event) -> [DropLifecycle] {
    var early = DropLifecycle.readEarly(claimed(), digest)
    switch (event, phase) {
    case (.claimIsDurable, .claimed): return [.claimed(claimed(), isDurable: false)]
    case (.claimIsDurable, .waiting), (.claimCameToNothing, .waiting): return [early]
    case (.claimIsDurable, .inWork), (.claimCameToNothing, .inWork):
        early.taken()
        return [early]
    case (.leftAsVoid, .inWork):
        early.taken()
        early.claimCameToNothing()
        return [early]
    case (.read, .claimed):
        let reason = DropReason(TruncationRule.defect(of: FileName("x.csv")))
        return [
            DropLifecycle.inPhase(.claimed, claimed()), .claimed(claimed(reason: reason), isDurable: true),
            .resumed(claimed(digest: otherDigest)),
        ]
    case (.written, .writing):
        var held = DropLifecycle.inPhase(.inWork, claimed())
        _ = held.failed(error(.hold), as: held.record, daemon)
        return [DropLifecycle.inPhase(.writing, claimed()), held]
    default: return [DropLifecycle.inPhase(phase, claimed())]
    }
}

@Suite struct `The table of a drop's life` {
    private typealias Phase = DropLifecycle.Phase

    /// The picture at the head of `DropLifecycle`, written a second time: which events there are in each phase.
    private let events: [DropLifecycle.Phase: Set<DropLifecycle.Event>] = [
        .claimed: [.claimIsDurable, .read, .failed, .quarantined],
        .waiting: [.claimIsDurable, .claimCameToNothing, .taken, .givenUp],
        .inWork: [.claimIsDurable, .claimCameToNothing, .leftAsVoid, .handedOn, .failed, .repeats, .givenUp],
        .prepared: [.setBack, .committed, .failed, .repeats],
        .writing: [.written],
        .archiving: [.archived, .setAside, .leftToNextStart],
        .receipting: [.receipted, .receiptIsLeft],
        .left: [],
    ]

    /// Fails where the table has an entry too many or too few, and where a call goes another way than its entry says.
    @Test(arguments: DropLifecycle.Phase.allCases, DropLifecycle.Event.allCases)
    func `says where each event leads in each phase`(phase: DropLifecycle.Phase, event: DropLifecycle.Event) {
        let allowed = Phase.allCases.filter { event.leads(from: phase, to: $0) }
        guard events[phase]?.contains(event) == true else {
            #expect(allowed.isEmpty)
            return
        }
        var reached: [Phase] = []
        for drop in drops(in: phase, for: event) {
            #expect(drop.phase == phase)
            for way in ways(event) {
                var drop = drop
                way(&drop)
                reached.append(drop.phase)
            }
        }
        #expect(Phase.allCases.filter(reached.contains) == allowed)
    }
}
