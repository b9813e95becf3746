import DropCore
import Glibc

/// What every process starts with.
enum ProcessStart {
    /// Opens standard streams that whoever started the process left closed: else the first files opened here get their numbers,
    /// and log lines are written into them.
    static func openStandardStreams() {
        for number in CInt(0)...2 where fcntl(number, F_GETFD) < 0 { _ = unsafe Glibc.open("/dev/null", O_RDWR) }
    }

    /// No image of the memory, with rows and tokens in it, is left on the disk by a crash.
    static func forbidCoreDumps() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    }
}

/// Who may do what with files and folders.
enum FileRights {
    /// Files made from now on are the process's user's alone, whatever umask it was started with.
    static func keepToOwner() { _ = umask(0o077) }

    /// Takes these bits from a file or folder; a link is not followed. What belongs to somebody else stays as it is.
    static func remove(_ bits: mode_t, from path: String) {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { Glibc.close(descriptor) }
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & bits != 0 else { return }
        _ = fchmod(descriptor, facts.st_mode & 0o7777 & ~bits)
    }

    /// Lets those pass through a new folder whom its parent lets pass.
    static func inheritPassage(_ path: String) {
        var facts = stat()
        var parent = stat()
        guard unsafe stat(path, &facts) == 0, unsafe stat(path + "/..", &parent) == 0 else { return }
        _ = unsafe chmod(path, facts.st_mode & 0o7777 | parent.st_mode & 0o011)
    }
}

/// The process's descriptor budget.
enum OpenFiles {
    static var limit: UInt64 {
        var limits = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 0 }
        return UInt64(limits.rlim_cur)
    }

    /// Takes what the process may have: the usual soft limit of 1024 is for programs that use select(2). Gives the limit that is
    /// in force then.
    static func raise() -> UInt64 {
        var limits = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard unsafe getrlimit(resource, &limits) == 0 else { return limit }
        let wanted = min(limits.rlim_max, 1 << 16)
        if limits.rlim_cur < wanted {
            limits.rlim_cur = wanted
            _ = unsafe setrlimit(resource, &limits)
        }
        return limit
    }

    /// How many files the process has open now; nil where that cannot be told.
    static var count: Int? {
        guard let folder = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(folder) }
        var count = 0
        while let entry = unsafe readdir(folder) {
            if unsafe entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
        }
        return count - 1  // The folder itself.
    }
}

/// The few file calls that the command line makes itself.
enum FileCalls {
    /// A file opened for reading.
    struct Opened {
        let descriptor: CInt
        let bytes: UInt64
        let inode: UInt64
        /// Nanoseconds since 1970.
        let changeTime: Int64

        func close() { _ = Glibc.close(descriptor) }

        /// Makes the bytes durable; false when that failed.
        func sync() -> Bool { fsync(descriptor) == 0 }

        /// Back to the start of a plain file, which always succeeds.
        func rewind() { lseek(descriptor, 0, SEEK_SET) }

        /// The file at its start, as long as it is now.
        func rewound() throws(CommandFailure) -> Opened {
            var facts = stat()
            rewind()
            guard unsafe fstat(descriptor, &facts) == 0 else {
                throw CommandFailure(.storage, "A temporary file cannot be read: \(FileCalls.reason).")
            }
            return Opened(
                descriptor: descriptor, bytes: UInt64(facts.st_size), inode: UInt64(facts.st_ino), changeTime: changeTime)
        }

        /// `count` bytes from `offset` on, fewer at the end; nil where they cannot be read.
        func bytes(at offset: UInt64, _ count: Int) -> [UInt8]? {
            guard let start = off_t(exactly: offset) else { return nil }
            var block = [UInt8](repeating: 0, count: count)
            let read = unsafe block.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, start) }
            return read < 0 ? nil : Array(block[..<read])
        }

        /// The lines, counted from 1, that the bytes at `offsets` stand in; nil where bytes do not tell lines: in UTF-16, and in
        /// files whose lines end otherwise. Reads up to the last of them.
        func lines(at offsets: [UInt64]) -> [Int]? {
            let end = offsets.max() ?? 0
            var (lines, number, returns) = ([UInt64: Int](), 1, 0)
            var wanted = Set(offsets).sorted()[...]
            var offset: UInt64 = 0
            while offset <= end {
                guard let block = bytes(at: offset, 1 << 16), !block.isEmpty else { break }
                if offset == 0, [[0xFF, 0xFE], [0xFE, 0xFF]].contains(Array(block.prefix(2))) { return nil }
                for (index, byte) in block.enumerated() {
                    while wanted.first == offset + UInt64(index) { lines[wanted.removeFirst()] = number }
                    if byte == 0x0A { number += 1 }
                    if byte == 0x0D { returns += 1 }
                }
                offset += UInt64(block.count)
            }
            guard number > 1 || returns == 0 else { return nil }
            let found = offsets.compactMap { lines[$0] }
            return found.count == offsets.count ? found : nil
        }

        /// Hands its bytes from its place on to `take`, block by block.
        func forEachBlock(_ take: ([UInt8]) throws(CommandFailure) -> Void) throws(CommandFailure) {
            var block = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = unsafe block.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw CommandFailure(.storage, "The bytes cannot be read: \(FileCalls.reason).") }
                if count == 0 { return }
                try take(Array(block[..<count]))
            }
        }
    }

    /// A file without a name, in the folder for temporary files; gone when it is closed.
    static func unnamed() throws(CommandFailure) -> Opened {
        let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array((folder + "/twindrop-XXXXXX").utf8CString)
        let descriptor = unsafe mkstemp(&template)
        guard descriptor >= 0 else { throw CommandFailure(.storage, "No file can be made in \(folder): \(reason).") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unsafe unlink(template)
        return Opened(descriptor: descriptor, bytes: 0, inode: 0, changeTime: 0)
    }

    /// Copies an open file into one with a name, in the folder for temporary files; its path.
    static func named(_ file: Opened) throws(CommandFailure) -> String {
        let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        let path = "\(folder)/twindrop-\(process)-\(file.descriptor).bytes"
        let copy = try created(path, mode: 0o600)
        defer { copy.close() }
        file.rewind()
        try file.forEachBlock { block throws(CommandFailure) in try write(block, to: copy.descriptor, path) }
        return path
    }

    /// Removes a file; one that is gone is no error.
    static func remove(_ path: String) { unsafe unlink(path) }

    /// Makes a file that must not exist, not even as a link that leads nowhere; the caller closes it.
    static func created(_ path: String, mode: mode_t = 0o644) throws(CommandFailure) -> Opened {
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw CommandFailure(errno == EEXIST ? .usage : .storage, "\(path) cannot be made: \(reason).")
        }
        return Opened(descriptor: descriptor, bytes: 0, inode: 0, changeTime: 0)
    }

    /// Writes all of `bytes`.
    static func write(_ bytes: [UInt8], to descriptor: CInt, _ what: String) throws(CommandFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw CommandFailure(.storage, "\(what) cannot be written: \(reason).") }
            rest = rest.dropFirst(count)
        }
    }

    static func open(_ path: String) throws(CommandFailure) -> Opened {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        var facts = stat()
        guard descriptor >= 0, unsafe fstat(descriptor, &facts) == 0 else {
            throw CommandFailure(.storage, "\(path) cannot be opened: \(reason).")
        }
        let changed = Int64(facts.st_ctim.tv_sec) * 1_000_000_000 + Int64(facts.st_ctim.tv_nsec)
        return Opened(descriptor: descriptor, bytes: UInt64(facts.st_size), inode: UInt64(facts.st_ino), changeTime: changed)
    }

    /// Whether something has this name, a link that leads nowhere included.
    static func isTaken(_ path: String) -> Bool {
        var facts = stat()
        return unsafe lstat(path, &facts) == 0
    }

    /// Whether it is certain that nothing has this name.
    static func isMissing(_ path: String) -> Bool {
        var facts = stat()
        return unsafe lstat(path, &facts) != 0 && (errno == ENOENT || errno == ENOTDIR)
    }

    /// Whether there is a plain file, or a link to one.
    static func isFile(_ path: String) -> Bool {
        var facts = stat()
        return unsafe stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
    }

    /// Whether there is a folder, or a link to one.
    static func isFolder(_ path: String) -> Bool {
        var facts = stat()
        return unsafe stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    /// The room on the file system that holds `path`; nil where it cannot be told.
    static func space(of path: String) -> FreeSpace? {
        var facts = statvfs()
        guard unsafe statvfs(path, &facts) == 0 else { return nil }
        let block = UInt64(facts.f_frsize)
        return FreeSpace(bytesFree: UInt64(facts.f_bavail) * block, bytesTotal: UInt64(facts.f_blocks) * block)
    }

    static func rename(_ from: String, to path: String) throws(CommandFailure) {
        guard unsafe Glibc.rename(from, path) == 0 else {
            throw CommandFailure(.storage, "\(path) cannot be written: \(reason).")
        }
    }

    /// The process's number.
    static var process: Int32 { getpid() }

    fileprivate static var reason: String { unsafe String(cString: strerror(errno)) }
}
