import Glibc

/// Locks that belong to an open file, not to a process: they end when its last descriptor is closed (fcntl(2), "open file
/// description locks"; flock(2)).
package enum FileLock {
    // F_OFD_GETLK and F_OFD_SETLK of <fcntl.h>, which the Glibc module hides.
    private static let ask: CInt = 36
    private static let set: CInt = 37

    private static func wholeFile(_ type: CInt) -> flock {
        var request = flock()
        request.l_type = Int16(type)
        request.l_whence = Int16(SEEK_SET)
        return request
    }

    /// Locks the whole file for writing; false if somebody else has locked it, or the file system has no such locks.
    package static func takeForWriting(_ descriptor: CInt) -> Bool {
        var request = wholeFile(F_WRLCK)
        return unsafe fcntl(descriptor, set, &request) == 0
    }

    /// Whether a lock would be refused now. With `forWriting`, any lock refuses it; otherwise only a lock for writing does. Nil
    /// if the file system cannot say.
    package static func isRefused(_ descriptor: CInt, forWriting: Bool) -> Bool? {
        var request = wholeFile(forWriting ? F_WRLCK : F_RDLCK)
        guard unsafe fcntl(descriptor, ask, &request) == 0 else { return nil }
        return request.l_type != Int16(F_UNLCK)
    }

    /// Locks a folder, exclusively or shared, without waiting; false if the lock of somebody else prevents it. A file system
    /// without such locks never refuses.
    package static func takeFolder(_ descriptor: CInt, shared: Bool = false) -> Bool {
        flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 || errno != EWOULDBLOCK
    }
}
