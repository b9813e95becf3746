import DropCore
import ThreadKit

/// Calls of the twin service that wait for the writer. Whoever finds nobody at it takes all that wait into one transaction
/// (a group commit): under load, many calls share one sync of the disk; a lone call waits for nobody.
final class CallQueue: Sendable {
    /// One call: what it does, and what came of it. `@unchecked Sendable`: `work` is run by the leading thread; `outcome` is
    /// touched only under the queue's monitor.
    final class Entry: @unchecked Sendable {
        let caller: Caller
        /// What was called, for the journal: `put twin`.
        let what: String
        /// Runs with no other call in its transaction.
        let isAlone: Bool
        /// Throws `ServiceError` to have no effect, storage errors to end the transaction.
        let work: (CallWriter) throws -> Void
        /// Nil while it is under way.
        fileprivate(set) var outcome: Result<Void, any Error>?

        init(_ caller: Caller, _ what: String, isAlone: Bool, _ work: @escaping (CallWriter) throws -> Void) {
            self.caller = caller
            self.what = what
            self.isAlone = isAlone
            self.work = work
        }
    }

    private struct State {
        var waiting: [Entry] = []
        var isLed = false
    }

    static let groupMax = 128

    private let monitor = Monitor(State())

    /// Puts a call in line, and returns when it is done: durable and known to everybody, or without effect.
    ///
    /// - Parameter lead: runs `take` on the writer, and gives what came of each call it took.
    func run(_ entry: Entry, lead: (_ take: () -> [Entry]) -> [(Entry, Result<Void, any Error>)]) -> Result<Void, any Error> {
        monitor.with { $0.waiting.append(entry) }
        while true {
            let leads = monitor.wait(until: { entry.outcome != nil || !$0.isLed }) { state in
                guard entry.outcome == nil else { return false }
                state.isLed = true
                return true
            }
            guard leads else { return entry.outcome! }
            let done = lead(take)
            monitor.with { state in
                for (entry, outcome) in done { entry.outcome = outcome }
                state.isLed = false
            }
        }
    }

    private func take() -> [Entry] {
        monitor.withoutWaking { state in
            if let first = state.waiting.first, first.isAlone {
                state.waiting.removeFirst()
                return [first]
            }
            let count = min(state.waiting.firstIndex(where: \.isAlone) ?? state.waiting.count, Self.groupMax)
            let taken = Array(state.waiting[..<count])
            state.waiting.removeFirst(count)
            return taken
        }
    }
}

extension ServiceError {
    /// What a caller is told of an error that is not the service's own.
    init(_ error: any Error) {
        if let known = error as? ServiceError {
            self = known
            return
        }
        let error = StorageFailure.error(error)
        let passes = if case .retry = error.remedy { true } else { false }
        self.init(passes ? .unavailable : .failed, "\(error.message) \(error.hint)")
    }
}
