import DropCore
import Synchronization
import ThreadKit

/// Looks at the warm workers ten times a second, so that the limits of a drop hold between drops, too: a plugin can leave a
/// thread or a timer behind. One thread for all of them, from the first drop on.
final class WorkerWatch: Sendable {
    private let sourceWorkers: [SourceWorker]
    private let emit: @Sendable (SourceName, String) -> Void
    private let isOver = Monitor(false)
    private let thread = Mutex<NamedThread?>(nil)

    private static let interval: Duration = .milliseconds(100)

    init(_ sourceWorkers: [SourceWorker], emit: @escaping @Sendable (SourceName, String) -> Void) {
        self.sourceWorkers = sourceWorkers
        self.emit = emit
    }

    /// Begins, if it has not. If no thread can be started, the next drop tries again.
    func start() {
        thread.withLock { thread in
            guard thread == nil else { return }
            thread = try? NamedThread(unlessShort: "td-workers") { [isOver, sourceWorkers, emit] in
                while !isOver.wait(until: { $0 }, timeout: Self.interval, { $0 }) {
                    for sourceWorker in sourceWorkers {
                        if let fault = sourceWorker.inspect() { emit(sourceWorker.name, fault) }
                    }
                }
            }
        }
    }

    /// Ends the thread. Blocking.
    func stop() {
        isOver.with { $0 = true }
        thread.withLock { $0 }?.join()
    }
}
