import DropCore
import Synchronization
import ThreadKit

/// Looks at the warm workers ten times a second, so that the limits of a drop hold between drops, too: a plugin can leave a
/// thread or a timer behind. One thread for all of them, from the first drop on.
final class WorkerWatch: Sendable {
    private let lanes: [SourceLane]
    private let tell: @Sendable (SourceName, String) -> Void
    private let isOver = Monitor(false)
    private let thread = Mutex<NamedThread?>(nil)

    private static let interval: Duration = .milliseconds(100)

    init(_ lanes: [SourceLane], tell: @escaping @Sendable (SourceName, String) -> Void) {
        self.lanes = lanes
        self.tell = tell
    }

    /// Begins, if it has not. If no thread can be started, the next drop tries again.
    func start() {
        thread.withLock { thread in
            guard thread == nil else { return }
            thread = try? NamedThread(unlessShort: "td-workers") { [isOver, lanes, tell] in
                while !isOver.wait(until: { $0 }, timeout: Self.interval, { $0 }) {
                    for lane in lanes {
                        if let fault = lane.inspect() { tell(lane.name, fault) }
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
