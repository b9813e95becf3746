import DropCore

/// The life of one drop while the flow has it. It decides; the stages act (docs/decisions/0038-one-life-cycle.md).
///
///     claimed ──▶ waiting ──▶ inWork ──▶ prepared ──▶ archiving ──▶ receipting ──▶ left
///        │         ▲   │        │            │            ▲
///        │         └───┼────────┴────────────┤ put back   │
///        └─────────────┴────────┬────────────┘            │
///                               └──▶ writing ─────────────┴──────────────────────▶ left
///
/// What happened to the drop goes in as a call; what is to be done comes out as a `DropAnswer`. Pure: it holds no thread, no
/// clock and no port. A call that the drop's phase does not allow (`Event.leads`) is an error of ours, and stops the program.
struct DropLifecycle: Sendable {
    /// What of an error's remedy depends on who asks, and when.
    struct Circumstances {
        let now: UInt64
        /// A daemon waits for as long as it takes; a command that ends leaves a source after a while.
        let isPatient: Bool
    }

    private(set) var record: DropRecord
    private(set) var phase: Phase
    private(set) var claim: Claim
    /// Its bytes lay in the spool for longer than its turn took: held, put back, or taken up from an earlier run.
    private(set) var hasWaited: Bool
    /// What it is tried again for.
    private(set) var trouble: Trouble?
    /// Since when a large drop is being read, in milliseconds since 1970.
    private(set) var readingSince: UInt64?
    /// False where a command that ends has given up waiting for its receipt.
    private(set) var isWaitedFor = true
    /// What follows once the writes of `writing` are durable.
    private var afterWrites: (phase: Phase, answer: DropAnswer)?

    private init(_ record: DropRecord, _ phase: Phase, _ claim: Claim = .durable, hasWaited: Bool = false) {
        (self.record, self.phase, self.claim, self.hasWaited) = (record, phase, claim, hasWaited)
    }

    /// Whether a stage, or the person who waits for all of them, still counts on it.
    var isInHand: Bool { phase != .left && (phase != .receipting || isWaitedFor) }

    /// Not at an end yet; or applied, and not in the archive.
    var isOnItsWay: Bool {
        switch phase {
        case .claimed, .waiting, .inWork, .prepared, .writing: true
        case .archiving: record.state.isApplied
        case .receipting, .left: false
        }
    }

    /// The only place where a drop comes into another phase.
    private mutating func go(to next: Phase, by event: Event) {
        precondition(event.leads(from: phase, to: next), "a drop that is \(phase) cannot become \(next) by \(event)")
        phase = next
    }
}

// MARK: - How a drop comes into the flow

extension DropLifecycle {
    /// Its file is in the spool.
    static func claimed(_ record: DropRecord, isDurable: Bool) -> DropLifecycle {
        DropLifecycle(record, .claimed, isDurable ? .durable : .underWay)
    }

    /// A lone small file that was read while its claim was being made (decision 0022).
    static func readEarly(_ record: DropRecord, _ digest: ContentDigest) -> DropLifecycle {
        DropLifecycle(record.registered(as: digest), .waiting, .underWay)
    }

    /// A start takes it up: it is read again.
    static func resumed(_ record: DropRecord) -> DropLifecycle { DropLifecycle(record, .claimed, hasWaited: true) }

    /// It ended, and goes into the archive.
    static func ended(_ record: DropRecord) -> DropLifecycle { DropLifecycle(record, .archiving) }

    /// The archive has it; its receipt is owed.
    static func archived(_ record: DropRecord) -> DropLifecycle { DropLifecycle(record, .receipting) }

    /// A person let the held drop go on.
    static func released(_ record: DropRecord) -> DropLifecycle { DropLifecycle(record, .waiting, hasWaited: true) }

    /// A person runs the bytes of another drop again.
    static func retrying(_ record: DropRecord) -> DropLifecycle { DropLifecycle(record, .claimed) }
}

// MARK: - S1 and S2

extension DropLifecycle {
    /// S1 is done.
    mutating func claimIsDurable() {
        precondition(claim != .void, "a claim that came to nothing is never durable")
        go(to: phase, by: .claimIsDurable)
        claim = .durable
    }

    /// The file went back. A drop that only waits is gone with that; one that is in work is gone as soon as its thread has seen
    /// it: `leftAsVoid`.
    mutating func claimCameToNothing() {
        precondition(claim == .underWay, "only a claim under way can come to nothing")
        claim = .void
        go(to: phase == .waiting ? .left : phase, by: .claimCameToNothing)
    }

    /// The thread that worked with it has let it go.
    mutating func leftAsVoid() {
        precondition(claim == .void, "a drop whose claim stands is not void")
        go(to: .left, by: .leftAsVoid)
    }

    /// It is so large that reading it is worth a word.
    mutating func readingBegan(at now: UInt64) { readingSince = now }

    mutating func readingEnded() { readingSince = nil }

    /// S2 is done.
    mutating func read(_ digest: ContentDigest) -> Reading {
        let isChanged = record.digest.map { $0 != digest } ?? false
        go(to: isChanged || record.reason != nil ? .claimed : .waiting, by: .read)
        readingSince = nil
        if let known = record.digest, isChanged { return .changed(known: known, found: digest) }
        if let reason = record.reason {
            record.digest = digest
            return .doubted(reason)
        }
        record = record.registered(as: digest)
        return .inLine(record)
    }
}

// MARK: - S3 and S4

extension DropLifecycle {
    /// It is its turn.
    mutating func taken() { go(to: .inWork, by: .taken) }

    /// The bytes that were just transformed are those that arrived.
    mutating func bytesAreThose() { hasWaited = false }

    /// Its changes wait for the commit.
    mutating func handedOn(as record: DropRecord) {
        go(to: .prepared, by: .handedOn)
        self.record = record
    }

    /// A drop before it failed at the commit: it is transformed again, in its place.
    mutating func setBack() -> DropRecord {
        go(to: .waiting, by: .setBack)
        return record
    }

    /// S4 is done; `row` is what the commit wrote. `isNewest` is false where newer drops of its source were applied before.
    mutating func committed(as row: DropRecord, sequence: UInt64?, isNewest: Bool) -> DropAnswer {
        precondition(row.state.isApplied, "a commit writes applied drops")
        go(to: .archiving, by: .committed)
        (record, trouble) = (row, nil)
        return DropAnswer(
            notes: [.applied(row, isNewest: isNewest)],
            then: [.leaveHand, .emit(.applied(row)), .closeOthers(row), .archive(Ended(record: row, commitSequence: sequence))])
    }
}

// MARK: - S5 to S7

extension DropLifecycle {
    /// S6 is done; `row` is what was written.
    mutating func archived(as row: DropRecord) {
        go(to: .receipting, by: .archived)
        record = row
    }

    /// The archive cannot take its bytes: it stays as it is until a person acts.
    mutating func setAside() { go(to: .left, by: .setAside) }

    /// S7 is done.
    mutating func receipted() { go(to: .left, by: .receipted) }

    /// A command that ends waits for it no longer; the next start writes the receipt.
    mutating func receiptIsLeft() {
        go(to: .receipting, by: .receiptIsLeft)
        isWaitedFor = false
    }

    /// No archive takes it any more.
    mutating func leftToNextStart() { go(to: .left, by: .leftToNextStart) }
}

// MARK: - Other ends

extension DropLifecycle {
    /// How long a command that ends tries again what fails in passing. Units: milliseconds.
    static let patienceAlone: UInt64 = 10_000

    /// Carries out an error's remedy, which is not `stop`. `record` is what was found out about the drop until then.
    mutating func failed(_ error: DropError, as record: DropRecord, _ around: Circumstances) -> DropAnswer {
        if phase == .claimed, let reason = record.reason, error.remedy == .quarantine {
            // The reason of its claim stands: a later run, which can read the bytes, must not process them.
            var answer = quarantined(record, because: reason, at: around.now, by: .failed)
            answer.first = [.emit(.failed(error))]
            return answer
        }
        let record = phase == .prepared ? record.notApplied() : record
        switch error.remedy {
        case .stop: preconditionFailure("what stops the flow is no end of a drop")
        case .quarantine: return quarantined(record, because: DropReason(error), at: around.now, by: .failed)
        case .hold:
            let row = record.held(because: DropReason(error), at: around.now)
            return writeFirst(
                [.row(row, by: nil), .receipt(row)], .left,
                DropAnswer(notes: [.block(row)], then: [.emit(.endedWithoutApply(row))]), by: .failed)
        case .suspendSource:
            putBack(record, nil)
            return DropAnswer(
                notes: [.putBack(record, notBefore: 0), .suspend(record.source, error, since: around.now)],
                then: [.emit(.sourceSuspended(record.source, error))])
        case .retry(let delay): return again(record, after: delay, error, around)
        }
    }

    private mutating func again(
        _ record: DropRecord, after delay: Duration, _ error: DropError, _ around: Circumstances
    ) -> DropAnswer {
        let trouble = Trouble.noting(error, in: trouble, at: around.now)
        putBack(record, trouble)
        var answer = DropAnswer(notes: [.putBack(record, notBefore: around.now + UInt64(delay / .milliseconds(1)))])
        if trouble.isToBeTold { answer.then = [.emit(.waiting(record, error))] }
        // A command that ends does not wait for what may never come: its source is left, with the reason.
        if !around.isPatient, trouble.since + Self.patienceAlone <= around.now {
            answer.notes.append(.suspend(record.source, error, since: trouble.since))
            answer.then.append(.emit(.sourceSuspended(record.source, error)))
        }
        return answer
    }

    private mutating func putBack(_ record: DropRecord, _ trouble: Trouble?) {
        go(to: .waiting, by: .failed)
        (self.record, self.trouble, hasWaited) = (record, trouble, true)
    }

    /// Its claim said why it is not to be processed.
    mutating func quarantined(because reason: DropReason, at now: UInt64) -> DropAnswer {
        quarantined(record, because: reason, at: now, by: .quarantined)
    }

    /// Bytes and reason into quarantine, then the state, then its leaf.
    private mutating func quarantined(
        _ record: DropRecord, because reason: DropReason, at now: UInt64, by event: Event
    ) -> DropAnswer {
        let row = record.quarantined(because: reason, at: now)
        var writes: [DropAnswer.Write] = [.bytesIntoQuarantine(row, reason), .row(row, by: nil)]
        var then: [DropAnswer.Effect] = [.leaveHand, .emit(.endedWithoutApply(row))]
        // Bytes that cannot be read cannot be archived: the next start tries again. Others than those that arrived never are.
        let isArchived = row.digest != nil && !row.hasLostBytes
        if isArchived { then.append(.archive(Ended(record: row, commitSequence: nil))) } else { writes.append(.receipt(row)) }
        return writeFirst(
            writes, isArchived ? .archiving : .left, DropAnswer(notes: [.block(row), .remember(row)], then: then),
            by: event)
    }

    /// It says what `first` said.
    mutating func repeats(_ first: DropRecord, as record: DropRecord, at now: UInt64) -> DropAnswer {
        let row = record.repeating(first, at: now)
        var writes: [DropAnswer.Write] = [.row(row, by: nil)]
        if first.state.isApplied { writes.append(.closeOthers(row)) }
        return writeFirst(writes, .archiving, DropAnswer(then: Self.toArchive(row)), by: .repeats)
    }

    /// A person gave it up before it was applied.
    mutating func givenUp(by act: Act?, at now: UInt64) -> DropAnswer {
        let row = record.givenUp(at: now)
        let acted: [DropAnswer.Effect] = act.map { [.acted($0)] } ?? []
        return writeFirst([.row(row, by: act)], .archiving, DropAnswer(then: acted + Self.toArchive(row)), by: .givenUp)
    }

    private static func toArchive(_ row: DropRecord) -> [DropAnswer.Effect] {
        [.leaveHand, .emit(.endedWithoutApply(row)), .archive(Ended(record: row, commitSequence: nil))]
    }

    private mutating func writeFirst(
        _ writes: [DropAnswer.Write], _ next: Phase, _ answer: DropAnswer, by event: Event
    ) -> DropAnswer {
        go(to: .writing, by: event)
        trouble = nil
        afterWrites = (next, answer)
        return DropAnswer(writes: writes)
    }

    /// What was to be made durable is.
    mutating func written() -> DropAnswer {
        guard let afterWrites else { preconditionFailure("of a drop that is \(phase) nothing is being written") }
        self.afterWrites = nil
        go(to: afterWrites.phase, by: .written)
        if case .archive(let end)? = afterWrites.answer.then.last { record = end.record }
        return afterWrites.answer
    }
}
