import FileKit
import Glibc

/// Why a file call failed, in the system's words.
struct FileFailure: Error, CustomStringConvertible {
    let code: CInt

    var description: String { unsafe String(cString: strerror(code)) }
    var isMissing: Bool { code == ENOENT }
}

/// What tells whether a file changed.
struct FileStamp: Equatable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    /// Nil where there is no such file.
    init?(of path: String) {
        var facts = stat()
        guard unsafe stat(path, &facts) == 0 else { return nil }
        device = UInt64(facts.st_dev)
        inode = UInt64(facts.st_ino)
        size = Int(facts.st_size)
        seconds = facts.st_mtim.tv_sec
        nanoseconds = facts.st_mtim.tv_nsec
    }
}

/// Files that are read and written whole. All calls block.
enum SmallFile {
    static func read(_ path: String, bytesMax: Int) throws(FileFailure) -> [UInt8] {
        let file = try OpenFile(reading: path)
        var bytes: [UInt8] = []
        while true {
            let chunk = try file.read(65_536)
            if chunk.isEmpty { return bytes }
            bytes += chunk
            guard bytes.count <= bytesMax else { throw FileFailure(code: EFBIG) }
        }
    }

    /// Beside, synced, renamed: the file has either its old content or `bytes`, whatever happens. Mode 0600.
    static func replace(_ path: String, with bytes: [UInt8]) throws(FileFailure) {
        let beside = path + ".new"
        do {
            let file = try OpenFile(creating: beside)
            try file.write(bytes)
            try file.sync()
        }
        try rename(beside, path)
    }

    /// Renames within a folder, durably.
    static func rename(_ old: String, _ path: String) throws(FileFailure) {
        guard unsafe Glibc.rename(old, path) == 0 else { throw FileFailure(code: errno) }
        let slash = path.lastIndex(of: "/")
        let folder = try OpenFile(reading: slash.map { String(path[...$0]) } ?? ".")
        try folder.sync()
    }

    /// Removing what is not there is no failure.
    static func remove(_ path: String) throws(FileFailure) {
        if unsafe unlink(path) != 0, errno != ENOENT { throw FileFailure(code: errno) }
    }

    /// The names in a folder, sorted by their bytes; empty where there is none.
    static func names(in folder: String) -> [String] {
        (try? FolderListing.names(in: folder)) ?? []
    }

    /// Makes a folder for the owner alone, where it is missing.
    static func makeFolder(_ path: String) throws(FileFailure) {
        if unsafe mkdir(path, 0o700) != 0, errno != EEXIST { throw FileFailure(code: errno) }
    }

    /// `path` with every symbolic link followed; it must exist.
    static func physical(_ path: String) throws(FileFailure) -> String {
        guard let resolved = unsafe realpath(path, nil) else { throw FileFailure(code: errno) }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// Microseconds since 1970.
    static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
