import Glibc

/// Facts about this process, and its settings at the start.
extension System {
    /// The number of this process.
    package static var processID: Int32 { getpid() }

    /// The user it was started by, and the one whose rights it has.
    package static var userID: UInt32 { getuid() }
    package static var effectiveUserID: UInt32 { geteuid() }

    /// The name this machine has for a user; nil if it knows none.
    package static func userName(_ number: UInt32) -> String? {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        guard unsafe getpwuid_r(number, &entry, &buffer, buffer.count, &found) == 0, unsafe found != nil,
            let name = unsafe entry.pw_name
        else { return nil }
        return unsafe String(cString: name)
    }

    /// Bytes of a page of memory.
    package static var pageSize: Int { sysconf(CInt(_SC_PAGESIZE)) }

    /// Does nothing for so long, or a little longer.
    package static func pause(microseconds: UInt32) { usleep(microseconds) }

    /// Ends the process.
    package static func exit(_ code: CInt) -> Never { Glibc.exit(code) }

    /// The folder for temporary files: TMPDIR, else /tmp.
    package static var temporaryFolder: String { environment("TMPDIR") ?? "/tmp" }

    /// A variable of the environment; nil if it is not set.
    package static func environment(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

    // MARK: Standard streams

    package static let standardInput = STDIN_FILENO
    package static let standardOutput = STDOUT_FILENO
    package static let standardError = STDERR_FILENO

    package static func isTerminal(_ descriptor: CInt) -> Bool { isatty(descriptor) == 1 }

    /// How many characters a line of the terminal has; nil if there is no terminal.
    package static func columns(of descriptor: CInt) -> Int? {
        var size = winsize()
        return unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1 ? Int(size.ws_col) : nil
    }

    /// Opens standard streams that are closed at the start. Otherwise the first files opened here would get their numbers, and
    /// log lines would be written into them.
    package static func openStandardStreams() {
        for number in CInt(0)...2 where fcntl(number, F_GETFD) < 0 { _ = unsafe Glibc.open("/dev/null", O_RDWR) }
    }

    // MARK: Limits

    /// From now on only the process's user may use new files, whatever umask it was started with.
    package static func keepFilesToOwner() { _ = umask(0o077) }

    /// A crash leaves no image of the memory, with rows and tokens in it, on the disk.
    package static func forbidCoreDumps() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    }

    /// How many files the process may have open; 0 if that is not known.
    package static var openFilesMax: UInt64 {
        var limits = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 0 }
        return UInt64(limits.rlim_cur)
    }

    /// Takes as many open files as the process may have, up to 65,536: the usual soft limit of 1024 is for programs that use
    /// select(2). Gives the limit that is in force then.
    package static func raiseOpenFilesMax() -> UInt64 {
        var limits = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(resource, &limits) == 0 else { return openFilesMax }
        let wanted = min(limits.rlim_max, 1 << 16)
        if limits.rlim_cur < wanted {
            limits.rlim_cur = wanted
            _ = unsafe setrlimit(resource, &limits)
        }
        return openFilesMax
    }

    /// How many files the process has open now; nil if that is not known.
    package static var openFiles: Int? {
        // The folder itself is one of them.
        (try? names(in: "/proc/self/fd")).map { $0.count - 1 }
    }
}
