package import SystemKit

/// Whether a file system tells this machine about every change made to it.
package enum FileSystemKind: Sendable, Equatable {
    /// A local one, whose changes all pass through this kernel.
    case local
    /// A network, user-space or unknown one, with its name or magic number: others can change it without an event here.
    case remote(String)

    /// By `statfs(2)`. Unknown ones count as remote: polling them costs little, missing a file costs more.
    package static func of(_ descriptor: CInt) throws(SystemError) -> FileSystemKind {
        of(magic: try System.fileSystemMagic(descriptor))
    }

    /// The magic numbers of `linux/magic.h` and of the file systems' own headers.
    static func of(magic: UInt32) -> FileSystemKind {
        switch magic {
        case 0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0xF2F5_2010, 0x2FC1_2FC1, 0x8584_58F6, 0x5265_4973,
            0x3153_464A, 0x4D44, 0x2011_BAB0, 0x5346_544E, 0x7366_746E, 0xCA45_1A4E:
            .local  // ext, XFS, btrfs, tmpfs, overlay, F2FS, ZFS, ramfs, ReiserFS, JFS, FAT, exFAT, NTFS (2), bcachefs
        case 0x6969: .remote("NFS")
        case 0xFF53_4D42, 0xFE53_4D42, 0x517B: .remote("SMB")
        case 0x6573_5546: .remote("FUSE")
        case 0x0102_1997: .remote("9P")
        case 0x00C3_6400: .remote("Ceph")
        case 0x0161_1970, 0x0116_1970: .remote("GFS2")
        case 0x7461_636F: .remote("OCFS2")
        case 0x5346_414F, 0x6B41_4653: .remote("AFS")
        default: .remote("file system 0x" + String(magic, radix: 16))
        }
    }
}
