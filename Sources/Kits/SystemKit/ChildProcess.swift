import CodecKit
import Glibc

/// Starts programs and waits for them (posix_spawn(3)). A program inherits only the descriptors it is given. Its signals have
/// their default actions, whatever we ignore or block.
package enum ChildProcess {
    /// Starts a program; its number.
    ///
    /// - Parameters:
    ///   - arguments: with the program's own name first.
    ///   - environment: `NAME=value`, all of it.
    ///   - streams: descriptors of ours that become its 0, 1, 2, as far as they go.
    ///   - ownGroup: it leads a process group of its own.
    ///   - inPath: a name without a slash is looked for in PATH.
    package static func start(
        _ path: String, _ arguments: [String], environment: [String], streams: [CInt], ownGroup: Bool = false,
        inPath: Bool = false
    ) throws(SystemError) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        for (number, stream) in streams.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, stream, CInt(number))
        }
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (ownGroup ? POSIX_SPAWN_SETPGROUP : 0)
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var values = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (words + values).forEach { unsafe free($0) } }
        var process = pid_t()
        let code =
            unsafe inPath
            ? posix_spawnp(&process, path, &actions, &attributes, &words, &values)
            : posix_spawn(&process, path, &actions, &attributes, &words, &values)
        guard code == 0 else { throw SystemError(number: code, call: "posix_spawn", path: Escaping.visible(path)) }
        return process
    }

    /// Waits for its end, and does not reap it: until it is reaped, no other process gets its number.
    package static func waitForEnd(_ process: Int32) {
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
    }

    /// Waits for its end, and reaps it: its exit code, negative for a signal.
    @discardableResult
    package static func reap(_ process: Int32) throws(SystemError) -> CInt {
        var status: CInt = 0
        try System.make("waitpid", "process \(process)") { unsafe waitpid(process, &status, 0) }
        return code(of: status)
    }

    /// Reaps it if it has ended; nil while it runs. A process that we cannot wait for counts as ended, with code 0.
    package static func reapIfEnded(_ process: Int32) -> CInt? {
        var status: CInt = 0
        let ended = unsafe waitpid(process, &status, WNOHANG)
        return ended == process || ended < 0 && errno != EINTR ? code(of: status) : nil
    }

    /// Ends it now; with `group`, its whole process group.
    package static func kill(_ process: Int32, group: Bool = false) { _ = Glibc.kill(group ? -process : process, SIGKILL) }

    /// The exit code in a wait status, negative for a signal.
    static func code(of status: CInt) -> CInt { status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F) }
}
