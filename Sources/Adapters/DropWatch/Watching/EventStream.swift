import DropCore
import SystemKit
import ThreadKit

/// Keeps `twindrop-watch` running and passes on its messages. When the helper ends, it is started again, after a pause that
/// doubles up to a minute. `down` is delivered first, and `ready` when it watches again. Both mean that events may have been
/// missed.
///
/// `deliver` is called on the stream's own thread and must not block for long, because the kernel queues at most 16,384 events.
package final class EventStream: Sendable {
    package enum Signal: Sendable, Equatable {
        case frame(HelperFrame)
        /// The helper ended or could not be started; the reason is a sentence. `failures` in a row, 0 when it asked to be
        /// renewed.
        case down(String, failures: Int)
    }

    private struct State {
        var helper: HelperProcess?
        var stopping = false
        var restarts = 0
    }

    private let path: String
    private let folders: [(path: FolderPath, recursive: Bool)]
    private let pause: Duration
    private let deliver: @Sendable ([Signal]) -> Void
    private let state = Monitor(State())
    private let thread = Monitor<NamedThread?>(nil)

    /// - Parameters:
    ///   - path: the program, absolute.
    ///   - pause: before the first new start.
    package init(
        path: String, folders: [(path: FolderPath, recursive: Bool)], pause: Duration,
        deliver: @escaping @Sendable ([Signal]) -> Void
    ) {
        self.path = path
        self.folders = folders
        self.pause = pause
        self.deliver = deliver
    }

    /// Once.
    package func start() {
        thread.with { $0 = NamedThread("drop-events") { [self] in run() } }
    }

    /// Ends the helper and the thread; returns when both are gone.
    package func stop() {
        state.with { state in
            state.stopping = true
            state.helper?.kill()
        }
        thread.with { $0 }?.join()
    }

    package var restarts: Int { state.with { $0.restarts } }

    /// The process id of the running helper, for tests that kill it.
    package var helperProcess: Int32? { state.with { $0.helper?.process } }

    private func run() {
        var failures = 0
        while !state.with({ $0.stopping }) {
            let end = runHelper()
            guard !state.with({ $0.stopping }) else { return }
            failures = end.wasReady ? (end.renewed ? 0 : 1) : failures + 1
            deliver([.down(end.reason, failures: failures)])
            let wait = min(pause * (1 << min(failures, 12)), .seconds(60))
            state.wait(until: { $0.stopping }, timeout: wait) { $0.restarts += 1 }
        }
    }

    private struct End {
        var reason: String
        var wasReady = false
        var renewed = false
    }

    private func runHelper() -> End {
        let helper: HelperProcess
        do { helper = try HelperProcess.start(path, folders: folders) } catch {
            return End(reason: "The watcher program cannot be started: \(error).")
        }
        let stopping = state.with { state in
            state.helper = helper
            return state.stopping
        }
        if stopping { helper.kill() }
        let end = read(helper)
        helper.kill()
        state.with { $0.helper = nil }  // From here on nobody may send it a signal, because another process may get its number.
        helper.reap()
        return end
    }

    private func read(_ helper: HelperProcess) -> End {
        var end = End(reason: "The watcher program ended.")
        var reader = HelperFrameReader()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = helper.read(into: &buffer)
            if count == 0 { return end }
            reader.append(buffer[..<count])
            var signals: [Signal] = []
            defer { if !signals.isEmpty { deliver(signals) } }
            frames: while true {
                switch reader.next() {
                case .incomplete: break frames
                case .malformed:
                    end.reason = "The watcher program sent a malformed frame."
                    return end
                case .frame(let frame):
                    if case .ready = frame { end.wasReady = true }
                    if case .renew = frame {
                        end.renewed = true
                        end.reason = "A watched folder was moved; the watches are set again."
                    }
                    if case .failed(let code) = frame { end.reason = "Watching is not possible: \(SystemError.text(code))." }
                    signals.append(.frame(frame))
                }
            }
        }
    }
}
