import Glibc

/// One run of a program: no shell, a time limit, bounded output. Blocking.
///
/// The program is a process group of its own, which is killed as a whole when its time is over. It inherits nothing but what it
/// is given: its input, one pipe for both its output streams, and the environment passed in.
package enum ProgramRun {
    /// How it ended.
    package struct Ended: Sendable {
        /// The exit code; negative for a signal.
        package let code: CInt
        /// The first bytes it printed, on both streams.
        package let output: [UInt8]
    }

    /// Why there is no end to tell of.
    package struct Failure: Error, Sendable {
        /// In words: `/usr/local/bin/page cannot be started: No such file or directory`.
        package let message: String
    }

    /// How much of what it prints is kept. Unit: bytes.
    package static let outputBytesMax = 4096

    /// - Parameters:
    ///   - arguments: the program, as a path, and its arguments.
    ///   - input: what it reads on its standard input.
    ///   - environment: `NAME=value`, all of it.
    ///   - seconds: it is killed after so long.
    ///   - isCancelled: asked several times a second; true kills it.
    package static func run(
        _ arguments: [String], input: [UInt8], environment: [String], seconds: Double, isCancelled: () -> Bool
    ) throws(Failure) -> Ended {
        let file = try inputFile(input)
        defer { close(file) }
        var pipe: [CInt] = [-1, -1]
        guard unsafe Glibc.pipe(&pipe) == 0 else { throw Failure(message: "No pipe can be made: \(text(of: errno))") }
        for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(pipe[0]) }
        let process: pid_t
        do throws(Failure) { process = try spawn(arguments, environment, input: file, output: pipe[1]) } catch {
            close(pipe[1])
            throw error
        }
        close(pipe[1])
        return try wait(for: process, arguments[0], reading: pipe[0], seconds, isCancelled)
    }

    /// A file without a name that holds the input, at its start: no pipe, so that a program which does not read stops nobody.
    private static func inputFile(_ bytes: [UInt8]) throws(Failure) -> CInt {
        var template = Array("/tmp/twindrop-input-XXXXXX".utf8CString)
        let file = unsafe mkstemp(&template)
        guard file >= 0 else { throw Failure(message: "No temporary file can be made: \(text(of: errno))") }
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        unsafe unlink(template)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let why = text(of: errno)
                close(file)
                throw Failure(message: "The temporary file cannot be written: \(why)")
            }
            rest = rest.dropFirst(count)
        }
        lseek(file, 0, SEEK_SET)
        return file
    }

    private static func spawn(
        _ arguments: [String], _ environment: [String], input: CInt, output: CInt
    ) throws(Failure) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var values = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (words + values).forEach { unsafe free($0) } }
        var process = pid_t()
        let code = unsafe posix_spawn(&process, arguments[0], &actions, &attributes, &words, &values)
        guard code == 0 else { throw Failure(message: "\(arguments[0]) cannot be started: \(text(of: code))") }
        return process
    }

    /// Reads what it prints until it has ended; then its status.
    private static func wait(
        for process: pid_t, _ name: String, reading pipe: CInt, _ seconds: Double, _ isCancelled: () -> Bool
    ) throws(Failure) -> Ended {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var output: [UInt8] = []
        var status: CInt = 0
        _ = fcntl(pipe, F_SETFL, O_NONBLOCK)
        while true {
            read(pipe, into: &output)
            let ended = unsafe waitpid(process, &status, WNOHANG)
            if ended == process || ended < 0 && errno != EINTR {
                read(pipe, into: &output)
                kill(-process, SIGKILL)  // What it left behind.
                return Ended(code: status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F), output: output)
            }
            let isLate = ContinuousClock.now > deadline
            guard isLate || isCancelled() else {
                var waiting = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
                // At the end of its output the pipe is readable for ever.
                if unsafe poll(&waiting, 1, 50) > 0, waiting.revents & Int16(POLLIN) == 0 { usleep(20_000) }
                continue
            }
            kill(-process, SIGKILL)
            while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
            throw Failure(
                message: isLate ? "\(name) did not end within \(Int(seconds)) s, and was killed." : "\(name) was ended.")
        }
    }

    private static func read(_ pipe: CInt, into output: inout [UInt8]) {
        var block = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<64 {
            let count = unsafe Glibc.read(pipe, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            output += block[..<min(count, max(0, outputBytesMax - output.count))]
        }
    }

    private static func text(of code: CInt) -> String { unsafe String(cString: strerror(code)) }
}
