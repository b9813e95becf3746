import CLinuxFiles
import Glibc

/// Asks the kernel whether anybody has a file open for writing, by taking a read lease and dropping it at once (fcntl(2),
/// `F_SETLEASE`). A writer that opens the file in between waits for microseconds; one that opens or truncates a file whose lease
/// is held waits until it is dropped, at most `/proc/sys/fs/lease-break-time` (45 s).
package enum ReadLease {
    package enum Answer: Sendable, Equatable {
        /// Nobody has the file open for writing.
        case granted
        /// Somebody has.
        case writerHasIt
        /// We may not ask: we are not the file's owner and have no CAP_LEASE, or the file system has no leases.
        case notPermitted
    }

    /// Probes an open regular file. A lease that was held is dropped, too.
    package static func probe(_ descriptor: CInt) -> Answer {
        let answer = take(descriptor)
        if answer == .granted { _ = linux_set_lease(descriptor, CInt(F_UNLCK)) }  // Fails only when the kernel took it back.
        return answer
    }

    /// Takes the lease and keeps it, until `probe` or until every duplicate of the descriptor is closed.
    package static func take(_ descriptor: CInt) -> Answer {
        _ = signalIgnored
        while true {
            if linux_set_lease(descriptor, CInt(F_RDLCK)) == 0 { return .granted }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .writerHasIt
            default: return .notPermitted  // EACCES, EINVAL, ENOLCK, EOPNOTSUPP: all mean that copying is the way.
            }
        }
    }

    /// Whether a lease is still held and nobody waits to write. Then nobody has written since it was taken.
    package static func isUnbroken(_ descriptor: CInt) -> Bool { linux_get_lease(descriptor) == CInt(F_RDLCK) }

    /// The kernel sends SIGIO to a holder when it wants to break the lease, and SIGIO ends a process that does not expect it. So
    /// it is ignored, once, process-wide, before the first lease.
    private static let signalIgnored: Bool = linux_ignore_lease_signal() == 0
}
