package import DropCore
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

    package var identity: FileIdentity { FileIdentity(device: device, inode: inode, changeTime: changed) }

    /// Whether `other` is the same file with, as far as `stat` can tell, the same bytes. The change time is left out:
    /// a rename and a new mode move it too.
    func hasSameContent(as other: FileFacts) -> Bool {
        device == other.device && inode == other.inode && bytes == other.bytes && modified == other.modified
    }

    /// Seconds beyond what 64 bits of nanoseconds hold (a hostile file system's) are clamped.
    private static func nanoseconds(_ time: timespec) -> Int64 {
        let seconds = min(max(Int64(time.tv_sec), -9_000_000_000), 9_000_000_000)
        return seconds * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
