import Glibc
import Synchronization

/// fsync(2) that is never retried: after it failed once for a file or folder, the kernel may have marked its pages clean and
/// dropped the data, so a second call that succeeds would prove nothing. Such a file counts as failed for the life of the
/// process.
package enum FailedSyncs {
    private struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    private static let known = Mutex<Set<Identity>>([])
    private static let isAny = Atomic(false)

    /// As fsync(2), or fdatasync(2) for data alone: 0, or -1 with `errno`; EIO without asking the kernel for what failed before.
    /// Blocking; safe from any thread.
    package static func sync(_ descriptor: CInt, dataOnly: Bool = false) -> CInt {
        if isAny.load(ordering: .acquiring), let identity = identity(of: descriptor), known.withLock({ $0.contains(identity) }) {
            errno = EIO
            return -1
        }
        let result = dataOnly ? fdatasync(descriptor) : fsync(descriptor)
        if result != 0, errno != EINTR {
            let reason = errno
            if let identity = identity(of: descriptor) { known.withLock { _ = $0.insert(identity) } }
            isAny.store(true, ordering: .releasing)
            errno = reason
        }
        return result
    }

    private static func identity(of descriptor: CInt) -> Identity? {
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0 else { return nil }
        return Identity(device: UInt64(facts.st_dev), inode: UInt64(facts.st_ino))
    }
}
