package import DropCore
package import SystemKit

/// Decides when one file is complete (docs/failure-model.md, "When a file is complete"). It holds no clock and no descriptor: the
/// caller says what it saw, and when.
///
/// 1. `look` takes the result of `stat`, and answers `probe` when the rule is met so far.
/// 2. The caller then opens the file, asks for the read lease and calls `probed`, which answers `ready` or what to wait for.
package struct Settling: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        /// Complete by the rule: open it and ask for the lease.
        case probe
        /// Complete: hand it over.
        case ready
        /// Not yet; look again no later than `until` (nil: only when something happens to it).
        case wait(Waiting, until: Instant?)
    }

    /// Why a file is not ready.
    package enum Waiting: Sendable, Equatable {
        /// It has not changed for `still`; it needs `needed`.
        case stable(since: Instant, needed: Duration)
        /// None of these files is beside it.
        case marker([FileName])
        /// Its manifest cannot be read yet, or does not agree with the file.
        case manifest(FileName, String)
        /// Somebody has it open for writing, since at least this instant.
        case writer(since: Instant)
        /// It was written under its own name, and only a rename completes it.
        case rename
        /// The last claim was not possible.
        case claim(WaitingReason)
    }

    /// How a file came to its name.
    package enum Arrival: Sendable, Equatable {
        /// Unknown: it was there before the watcher, or events do not arrive.
        case unknown
        case renamed
        /// Written under this name, and closed.
        case written
    }

    /// What was found beside a file of a `marker` source.
    package enum Vouching: Sendable, Equatable {
        /// The rule asks for none.
        case notAsked
        case missing([FileName])
        case unreadable(FileName, String)
        case present(FileName, Manifest)
    }

    private let rule: ReadinessRule
    private let settle: Duration
    private var last: FileFacts?
    /// Since when it has not changed, as far as the looks show.
    private(set) var stillSince: Instant
    private var writerSince: Instant?
    /// For a caller that looks only once: use the file's own times.
    private let isOneLook: Bool

    /// - Parameters:
    ///   - settle: how long an unchanged file counts as stable here; longer than in the rule if no events arrive.
    ///   - stillSince: nil: from the first look on.
    package init(rule: ReadinessRule, settle: Duration, at now: Instant, stillSince: Instant? = nil) {
        self.rule = rule
        self.settle = settle
        self.stillSince = stillSince ?? now
        isOneLook = stillSince != nil
    }

    /// How long the source itself asks a file to be still.
    var asked: Duration { rule.settle }

    /// For how long a writer has had the file open without changing it, as far as the looks show; nil when none has it open.
    package func heldStill(at now: Instant) -> Duration? { writerSince.map { now - max($0, stillSince) } }

    /// Takes one look at the file.
    package mutating func look(
        _ facts: FileFacts, vouching: Vouching, arrival: Arrival = .unknown, at now: Instant
    ) -> Verdict {
        if let last, last != facts { stillSince = now }
        if last == nil, !isOneLook { stillSince = now }
        last = facts
        switch rule.kind {
        case .marker: return vouched(facts, vouching, at: now)
        case .stable: return whenStable(at: now)
        case .close: return facts.bytes == 0 ? whenStable(at: now) : .probe
        case .rename:
            if arrival == .written { return .wait(.rename, until: nil) }
            // A rename changes only the change time. In the same tick of the kernel's clock as the last write, it leaves no
            // trace. Then, and when nobody saw the rename, the file must be still for some time (docs/decisions/0031).
            let isRenamed = arrival == .renamed || facts.changed > facts.modified
            return facts.bytes == 0 || !isRenamed ? whenStable(at: now) : .probe
        }
    }

    /// Takes the answer to the lease probe, and what `fstat` said of the opened file.
    package mutating func probed(_ answer: ReadLease.Answer, _ facts: FileFacts, at now: Instant) -> Verdict {
        if facts != last {
            last = facts
            stillSince = now
            // A rule with another proof looks again at once, a stable one after its time.
            return .wait(.stable(since: now, needed: settle), until: now + settle)
        }
        switch answer {
        case .writerHasIt:
            writerSince = writerSince ?? now
            return .wait(.writer(since: writerSince ?? now), until: now + max(settle, .milliseconds(500)))
        case .granted:
            writerSince = nil
            return .ready
        case .notPermitted:
            writerSince = nil
            // Without the lease only the rename, the marker or stillness proves that a file is closed.
            return rule.kind == .close ? readyWhenStable(at: now) : .ready
        }
    }

    private func vouched(_ facts: FileFacts, _ vouching: Vouching, at now: Instant) -> Verdict {
        switch vouching {
        case .notAsked: return .wait(.marker([]), until: nil)
        case .missing(let names): return .wait(.marker(names), until: nil)
        case .unreadable(let name, let why): return .wait(.manifest(name, why), until: now + max(settle, .seconds(1)))
        case .present(let name, let manifest):
            if let bytes = manifest.bytes, bytes != facts.bytes {
                let why = "it states \(bytes) bytes, the file has \(facts.bytes)"
                return .wait(.manifest(name, why), until: now + max(settle, .seconds(1)))
            }
            return .probe
        }
    }

    private func whenStable(at now: Instant) -> Verdict {
        readyWhenStable(at: now) == .ready ? .probe : readyWhenStable(at: now)
    }

    private func readyWhenStable(at now: Instant) -> Verdict {
        if now - stillSince >= settle { return .ready }
        return .wait(.stable(since: stillSince, needed: settle), until: stillSince + settle)
    }
}
