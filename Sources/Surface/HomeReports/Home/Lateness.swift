package import DropCore
import Foundation
package import HomeConfiguration
import ThreadKit
package import TwinStore

/// How the sources stand with the deliveries that are expected of them.
package final class Lateness: Sendable {
    private struct State {
        var last: [SourceName: UInt64] = [:]
        var since: [SourceName: UInt64]
        /// Drops that were claimed, and of which it is not known yet whether they are corrected rejects.
        var unjudged: [SourceName: [DropID: UInt64]] = [:]
        let start: UInt64
    }

    /// What a source needs after a start, because what came while nobody watched is claimed first. Units: milliseconds.
    private static let patienceMax: UInt64 = 60_000

    /// What one of a short rhythm has after a start besides that rhythm. Units: milliseconds.
    private static let claiming: UInt64 = 10_000

    /// A time further ahead is none: the clock was set back since. Units: milliseconds.
    private static let aheadMax: UInt64 = 300_000

    private let expected: [(source: SourceName, expectation: Expectation)]
    private let state: Monitor<State>

    /// Of a run that begins at `start`, in milliseconds since 1970.
    package convenience init(starting configuration: Configuration, _ store: TwinStore, at start: UInt64) throws(DropError) {
        let names = configuration.sources.filter { $0.expect != nil }.map(\.name)
        try self.init(configuration, store, since: try store.notices.expect(names, now: start), start: start)
    }

    /// Of a home at rest, at `now`.
    package convenience init(resting configuration: Configuration, _ store: TwinStore, at now: UInt64) throws(DropError) {
        try self.init(configuration, store, since: try store.notices.expectations(), start: 0)
    }

    private init(
        _ configuration: Configuration, _ store: TwinStore, since: [SourceName: UInt64], start: UInt64
    ) throws(DropError) {
        expected = configuration.sources.compactMap { source in source.expect.map { (source.name, $0) } }
        var state = State(since: since, start: start)
        for source in configuration.sources { state.last[source.name] = try store.notices.lastDelivery(of: source.name) }
        self.state = Monitor(state)
    }

    /// A drop was claimed. It counts at once; no longer, when it turns out to be none.
    package func note(_ record: DropRecord) {
        guard record.link == nil else { return }
        state.withoutWaking { $0.unjudged[record.source, default: [:]][record.id] = record.claimedAt }
    }

    /// It is known of a drop what it is: corrected rejects are no delivery, as `StoreNotices.lastDelivery` has it, too.
    package func judge(_ record: DropRecord) {
        state.withoutWaking { state in
            guard let time = state.unjudged[record.source]?.removeValue(forKey: record.id) else { return }
            guard record.link == nil || record.link?.kind == .duplicates else { return }
            state.last[record.source] = max(state.last[record.source] ?? 0, time)
        }
    }

    /// When each source's last delivery came.
    package var last: [SourceName: UInt64] { state.withoutWaking { Self.last($0) } }

    private static func last(_ state: State) -> [SourceName: UInt64] {
        state.last.merging(state.unjudged.compactMapValues { $0.values.max() }, uniquingKeysWith: max)
    }

    /// How the sources of which deliveries are expected stand, in the order of the configuration.
    package func standings(at now: UInt64) -> [(source: SourceName, standing: Punctuality)] {
        let (last, since, start) = state.withoutWaking { state in
            // From now on, then: else nothing would be expected before the clock has come to that time again.
            for (source, time) in state.last where time > now + Self.aheadMax { state.last[source] = now }
            for (source, time) in state.since where time > now + Self.aheadMax { state.since[source] = now }
            return (Self.last(state), state.since, state.start)
        }
        return expected.map { source, expectation in
            let zone = TimeZone(identifier: expectation.zone) ?? .gmt
            let due = expectation.due(after: last[source] ?? since[source] ?? now) { time in
                Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time) / 1000))) * 1000
            }
            let patience = start == 0 ? 0 : start + Self.patience(after: expectation)
            return (source, Punctuality(last: last[source], due: due, lateFrom: max(due, patience), at: now))
        }
    }

    /// How long after a start nobody is late, in milliseconds. A sender that delivers often begins anew with the start: the pause
    /// since its last delivery says nothing, because nobody took what came meanwhile.
    package static func patience(after expectation: Expectation) -> UInt64 {
        guard case .every(let pause) = expectation.rhythm else { return patienceMax }
        let rhythm =
            min(.milliseconds(patienceMax), max(.zero, pause)) + min(.milliseconds(patienceMax), max(.zero, expectation.grace))
        return min(patienceMax, UInt64(rhythm / .milliseconds(1)) + claiming)
    }
}

extension Punctuality {
    /// One sentence for people.
    package var sentence: String {
        let came = last.map { "the last came at \(Times.text($0))" } ?? "none ever came"
        return "A delivery was expected by \(Times.text(due)); \(came)."
    }
}
