import Glibc

/// What tells one version of a file from another without reading it.
struct FileMark: Sendable, Equatable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    /// Nanoseconds since 1970.
    private let modified: Int64
    private let changed: Int64

    /// The file as it is now; nil where it cannot be examined.
    init?(_ path: String) {
        var facts = stat()
        guard unsafe stat(path, &facts) == 0 else { return nil }
        device = UInt64(facts.st_dev)
        inode = UInt64(facts.st_ino)
        size = Int64(facts.st_size)
        modified = Int64(facts.st_mtim.tv_sec) * 1_000_000_000 + Int64(facts.st_mtim.tv_nsec)
        changed = Int64(facts.st_ctim.tv_sec) * 1_000_000_000 + Int64(facts.st_ctim.tv_nsec)
    }

    /// Whether its bytes changed within the last second: its writer may not be done yet. One that was written elsewhere and
    /// renamed into place is as old as its bytes.
    var isFresh: Bool {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        let age = Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec) - modified
        return (0..<1_000_000_000).contains(age)
    }

    /// The files as they are now, by path; missing ones are left out.
    static func all(_ paths: [String]) -> [String: FileMark] {
        var marks: [String: FileMark] = [:]
        for path in paths { marks[path] = FileMark(path) }
        return marks
    }
}
