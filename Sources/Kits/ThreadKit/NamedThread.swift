import Glibc
import Synchronization

/// One operating-system thread for work that blocks, with a name that `ps -L` and `perf` show.
package final class NamedThread: Sendable {
    private let ended = Monitor(false)

    /// No thread could be started: the machine, or this service, is short of them or of memory just now.
    package struct Shortage: Error, Sendable {
        /// The `errno` of the call.
        package let code: CInt

        package static let hint =
            "Raise the service's limit of tasks (TasksMax=, ulimit -u), or end what uses them up; it is tried again."
    }

    /// Starts `body` on a new thread, for the parts that a program needs from its start on. During a shortage it tries for ten
    /// seconds; then the program ends with the exit code 74 and a sentence. `name` is cut to 15 bytes.
    package init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let start = Start(name: name, ended: ended, body: body)
        var code = Self.launch(start)
        var waited = 0
        while code == EAGAIN, waited < 100 {
            usleep(100_000)
            waited += 1
            code = Self.launch(start)
        }
        guard code != 0 else { return }
        let text = Array(
            "twindrop: The thread \(name) cannot be started (errno \(code)).\n  Raise the service's limit of tasks or memory.\n"
                .utf8)
        _ = unsafe write(2, text, text.count)
        _exit(74)
    }

    /// Starts `body` on a new thread, for callers that can report a shortage. `name` is cut to 15 bytes.
    package init(unlessShort name: String, _ body: @escaping @Sendable () -> Void) throws(Shortage) {
        let code = Self.launch(Start(name: name, ended: ended, body: body))
        if code != 0 { throw Shortage(code: code) }
    }

    /// 0, or the `errno` of `pthread_create`.
    private static func launch(_ start: Start) -> CInt {
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setstacksize(&attributes, 1 << 20)
        unsafe pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
        let argument = unsafe Unmanaged.passRetained(start).toOpaque()
        let code = unsafe pthread_create(&thread, &attributes, run, argument)
        unsafe pthread_attr_destroy(&attributes)
        if code != 0 { unsafe Unmanaged<Start>.fromOpaque(argument).release() }
        return code
    }

    private static let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
        NamedThread.name(start.name)
        let run = {
            start.body()
            start.ended.with { $0 = true }
        }
        if let seat = start.seat { seat.run(run) } else { run() }
        return nil
    }

    /// Waits until the body has returned.
    package func join() { ended.wait(until: { $0 }) { _ in } }

    /// Waits at most `timeout`; true when the body has returned.
    package func join(timeout: Duration) -> Bool { ended.wait(until: { $0 }, timeout: timeout) { $0 } }

    /// Gives only the calling thread a lower priority from now on (on Linux nice 10 applies to the thread, not the process). For
    /// work that nobody waits for yet.
    package static func yieldToOthers() { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10) }

    /// The Glibc module hides `pthread_setname_np`; the kernel's file does the same for the calling thread.
    private static func name(_ name: String) {
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        let bytes = Array(name.utf8.prefix(15))
        _ = unsafe write(file, bytes, bytes.count)
        close(file)
    }

    private final class Start: Sendable {
        let name: String
        let ended: Monitor<Bool>
        let body: @Sendable () -> Void
        /// Where the thread that starts this one is conducted.
        let seat: Conductor.Seat?

        init(name: String, ended: Monitor<Bool>, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.ended = ended
            self.body = body
            seat = Conductor.seat?.conductor.enroll(name)
        }
    }
}
