import DropCore
import FileKit
import Glibc

/// The little that the store asks of the file system beside SQLite.
enum StoreFiles {
    /// 0 where there is no such file.
    static func bytes(_ path: String) -> Int {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Bytes the file system has left for the file's owner; 0 where that cannot be said.
    static func free(_ path: String) -> UInt64 {
        var facts = statvfs()
        return unsafe statvfs(path, &facts) == 0 ? UInt64(facts.f_bavail) * UInt64(facts.f_frsize) : 0
    }

    /// Makes a finished file durable under its final name: fsync, rename, fsync of the folder.
    /// It is its owner's alone.
    static func publish(_ temporary: String, as path: String) throws(DropError) {
        guard unsafe chmod(temporary, 0o600) == 0 else { throw failure("protect", temporary) }
        try sync(temporary, O_RDWR)
        guard unsafe rename(temporary, path) == 0 else { throw failure("rename", temporary) }
        try syncFolder(of: path)
    }

    /// Makes the names in a file's folder durable.
    static func syncFolder(of path: String) throws(DropError) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try sync(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY)
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Whether two names are of one file.
    static func isSame(_ path: String, _ other: String) -> Bool {
        var one = stat()
        var two = stat()
        guard unsafe stat(path, &one) == 0, unsafe stat(other, &two) == 0 else { return false }
        return one.st_dev == two.st_dev && one.st_ino == two.st_ino
    }

    /// Gives a file a second name, or makes a synced copy where the file system has no links. What has the name already is
    /// replaced only when it is the same file.
    static func link(_ path: String, as other: String) throws(DropError) {
        if unsafe Glibc.link(path, other) == 0 || isSame(path, other) { return }
        guard [EPERM, EOPNOTSUPP, EMLINK, ENOSYS].contains(errno) else { throw failure("link", other) }
        try copy(path, to: other)
        try sync(other, O_RDWR)
    }

    /// Removes a file; one that is not there is fine.
    static func remove(_ path: String) throws(DropError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// Copies a file's bytes; not synced. Of a copy that fails nothing is left.
    static func copy(_ from: String, to path: String) throws(DropError) {
        let source = unsafe open(from, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw failure("open", from) }
        defer { close(source) }
        let target = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard target >= 0 else { throw failure("create", path) }
        defer { close(target) }
        do throws(DropError) { try copy(source, from, target, path) } catch {
            unsafe unlink(path)
            throw error
        }
    }

    private static func copy(_ source: CInt, _ from: String, _ target: CInt, _ path: String) throws(DropError) {
        var block = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = unsafe read(source, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", from) }
            if count == 0 { return }
            var done = 0
            while done < count {
                // A write may end early; only the next one says why.
                let written = unsafe block.withUnsafeBytes { unsafe write(target, $0.baseAddress! + done, count - done) }
                if written < 0, errno == EINTR { continue }
                guard written >= 0 else { throw failure("write", path) }
                done += written
            }
        }
    }

    private static func sync(_ path: String, _ flags: CInt) throws(DropError) {
        let descriptor = unsafe open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        guard FailedSyncs.sync(descriptor) == 0 else { throw failure("sync", path) }
    }

    private static func failure(_ what: String, _ path: String) -> DropError {
        let number = errno
        let reason = unsafe String(cString: strerror(number))
        return DropError(
            .storage, "Cannot \(what) \(path): \(reason).", hint: "Check the folder, its rights and its disk.",
            remedy: number == ENOSPC || number == EDQUOT ? .retry(after: .seconds(1)) : .stop)
    }
}
