import Glibc

/// What `stat` says about a file. Times are nanoseconds since 1970 by the file system's clock.
package struct FileFacts: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case file
        case folder
        case symbolicLink = "symbolic link"
        case fifo = "FIFO"
        case socket
        case device
    }

    package let kind: Kind
    package let device: UInt64
    package let inode: UInt64
    package let bytes: UInt64
    /// Space it takes, holes not counted.
    package let bytesAllocated: UInt64
    package let links: UInt64
    package let owner: UInt32
    /// Permission bits, with set-id and sticky bits.
    package let mode: UInt32
    package let modified: Int64
    package let changed: Int64

    package init(
        kind: Kind, device: UInt64, inode: UInt64, bytes: UInt64, bytesAllocated: UInt64, links: UInt64, owner: UInt32,
        mode: UInt32, modified: Int64, changed: Int64
    ) {
        self.kind = kind
        self.device = device
        self.inode = inode
        self.bytes = bytes
        self.bytesAllocated = bytesAllocated
        self.links = links
        self.owner = owner
        self.mode = mode
        self.modified = modified
        self.changed = changed
    }

    init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            case S_IFLNK: .symbolicLink
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            default: .device
            }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        bytes = UInt64(max(0, status.st_size))
        bytesAllocated = UInt64(max(0, status.st_blocks)) * 512
        links = UInt64(status.st_nlink)
        owner = status.st_uid
        mode = status.st_mode & 0o7777
        modified = Self.nanoseconds(status.st_mtim)
        changed = Self.nanoseconds(status.st_ctim)
    }

    /// Whether `other` is the same file and, as far as `stat` shows, has the same bytes. The change time is not compared, because
    /// a rename and a new mode also change it.
    package func hasSameContent(as other: FileFacts) -> Bool {
        device == other.device && inode == other.inode && bytes == other.bytes && modified == other.modified
    }

    /// Whether both are of one file, whatever its names.
    package func isSameFile(as other: FileFacts) -> Bool { device == other.device && inode == other.inode }

    package var version: FileVersion {
        FileVersion(device: device, inode: inode, bytes: bytes, modified: modified, changed: changed)
    }

    /// Seconds beyond what 64 bits of nanoseconds hold (a hostile file system's) are clamped.
    private static func nanoseconds(_ time: timespec) -> Int64 {
        let seconds = min(max(Int64(time.tv_sec), -9_000_000_000), 9_000_000_000)
        return seconds * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// The facts by which two versions of a file differ without reading them.
package struct FileVersion: Sendable, Equatable {
    package let device: UInt64
    package let inode: UInt64
    package let bytes: UInt64
    /// Nanoseconds since 1970.
    package let modified: Int64
    package let changed: Int64

    /// The file as it is now, links followed; nil if it cannot be examined.
    package init?(of path: String) {
        guard let facts = System.factsIfThere(path) else { return nil }
        self = facts.version
    }

    init(device: UInt64, inode: UInt64, bytes: UInt64, modified: Int64, changed: Int64) {
        self.device = device
        self.inode = inode
        self.bytes = bytes
        self.modified = modified
        self.changed = changed
    }

    /// Whether its bytes changed within the last second, so that its writer may not have finished. A file that was written
    /// elsewhere and renamed into place is as old as its bytes.
    package var isFresh: Bool { (0..<1_000_000_000).contains(SystemClock.wall() - modified) }

    /// The files as they are now, by path; missing ones are left out.
    package static func all(_ paths: [String]) -> [String: FileVersion] {
        var versions: [String: FileVersion] = [:]
        for path in paths { versions[path] = FileVersion(of: path) }
        return versions
    }
}
