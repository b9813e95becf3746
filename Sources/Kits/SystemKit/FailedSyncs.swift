import Glibc
import Synchronization

/// fsync(2) that is never retried. After a failure for a file or folder, the kernel may have marked its pages clean and dropped
/// the data. So a second call that succeeds proves nothing. Such a file counts as failed as long as the process runs.
///
/// A failed file is kept open. Otherwise a new file or folder could get its inode number and count as failed too: the copy that
/// replaces a failed file is often made where that file was removed a moment before. After `keptMax` files no more are kept open;
/// by then the process will end soon.
enum FailedSyncs {
    private struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    private static let known = Mutex<Set<Identity>>([])
    private static let isAny = Atomic(false)
    /// Descriptors of failed files that are kept open.
    private static let keptMax = 64

    /// As fsync(2), or fdatasync(2) for data alone: 0, or -1 with `errno`; EIO, without asking the kernel, if it failed before.
    /// Blocking; safe from any thread.
    static func sync(_ descriptor: CInt, dataOnly: Bool = false) -> CInt {
        if hasFailed(descriptor) { return failure() }
        let result = dataOnly ? fdatasync(descriptor) : fsync(descriptor)
        // Another thread's call may have failed meanwhile and taken the error that was meant for both.
        if result == 0 { return hasFailed(descriptor) ? failure() : 0 }
        if errno != EINTR {
            let reason = errno
            if let identity = identity(of: descriptor) {
                known.withLock { known in
                    guard known.insert(identity).inserted, known.count <= keptMax else { return }
                    _ = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
                }
            }
            isAny.store(true, ordering: .releasing)
            errno = reason
        }
        return result
    }

    private static func hasFailed(_ descriptor: CInt) -> Bool {
        guard isAny.load(ordering: .acquiring), let identity = identity(of: descriptor) else { return false }
        return known.withLock { $0.contains(identity) }
    }

    private static func failure() -> CInt {
        errno = EIO
        return -1
    }

    private static func identity(of descriptor: CInt) -> Identity? {
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0 else { return nil }
        return Identity(device: UInt64(facts.st_dev), inode: UInt64(facts.st_ino))
    }
}
