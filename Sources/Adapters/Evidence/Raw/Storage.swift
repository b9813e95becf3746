import DropCore
import FileKit
import Glibc

/// One open file of the archive. Blocking; one thread at a time. `EINTR` is retried here and nowhere else in this target.
final class StorageFile {
    enum Access { case read, create, append }

    let descriptor: CInt
    let path: String

    /// Opens `path` without following a link at its end; `create` refuses a file that exists, `append` makes a missing one. What
    /// is no plain file is refused as `unsound`, and never waited for: whoever can write to the folder can put a FIFO there.
    init(_ path: String, _ access: Access) throws(DropError) {
        let flags: CInt =
            switch access {
            case .read: O_RDONLY | O_NONBLOCK
            case .create: O_RDWR | O_CREAT | O_EXCL
            case .append: O_RDWR | O_CREAT
            }
        var descriptor: CInt = -1
        repeat {
            descriptor = unsafe open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        } while descriptor < 0 && errno == EINTR
        guard descriptor >= 0 else {
            if errno == ELOOP || errno == ENXIO { throw .unsound("\(Escaping.visible(path)) is no plain file.") }
            throw .storage("opened", path, errno)
        }
        self.descriptor = descriptor
        self.path = path
        if access == .read { _ = try size() }
    }

    deinit { close(descriptor) }

    /// Up to `buffer.count` bytes from `offset`; fewer only at the end of the file.
    func read(into buffer: inout [UInt8], at offset: UInt64) throws(DropError) -> Int {
        try read(into: &buffer, count: buffer.count, at: offset)
    }

    /// Up to `bytes` bytes, which fit the buffer, from `offset`; fewer only at the end of the file.
    func read(into buffer: inout [UInt8], count bytes: Int, at offset: UInt64) throws(DropError) -> Int {
        precondition(bytes <= buffer.count, "the buffer has room for what is read")
        var filled = 0
        while filled < bytes {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe pread(descriptor, $0.baseAddress! + filled, bytes - filled, Int(offset) + filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .storage("read", path, errno) }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// The whole file, refused past `bytesMax`.
    func readAll(bytesMax: UInt64) throws(DropError) -> [UInt8] {
        let bytes = try size()
        guard bytes <= bytesMax else { throw .unsound("\(path) has \(bytes) bytes, more than the \(bytesMax) allowed.") }
        var buffer = [UInt8](repeating: 0, count: Int(bytes))
        let count = try read(into: &buffer, at: 0)
        buffer.removeLast(buffer.count - count)
        return buffer
    }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(DropError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe pwrite(descriptor, $0.baseAddress! + done, $0.count - done, Int(offset) + done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .storage("written", path, errno) }
            done += count
        }
    }

    func size() throws(DropError) -> UInt64 {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .storage("examined", path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unsound("\(Escaping.visible(path)) is no plain file.") }
        return UInt64(status.st_size)
    }

    func truncate(to bytes: UInt64) throws(DropError) {
        guard ftruncate(descriptor, Int(bytes)) == 0 else { throw .storage("cut", path, errno) }
    }

    /// Says to others, for the life of the file, that somebody writes to it. Where somebody says so already, or the file system
    /// knows no such thing, nothing is said.
    func markWritten() {
        var request = Self.wholeFile(F_WRLCK)
        _ = unsafe fcntl(descriptor, Self.setLock, &request)
    }

    /// Whether somebody writes to it. Where the file system cannot tell, it may be so.
    var isWritten: Bool {
        var request = Self.wholeFile(F_RDLCK)
        guard unsafe fcntl(descriptor, Self.getLock, &request) == 0 else { return true }
        return request.l_type != Int16(F_UNLCK)
    }

    // F_OFD_GETLK and F_OFD_SETLK of <fcntl.h>, which the Glibc module hides: such a lock belongs to the open file.
    private static let getLock: CInt = 36
    private static let setLock: CInt = 37

    private static func wholeFile(_ type: CInt) -> flock {
        var request = flock()
        request.l_type = Int16(type)
        request.l_whence = Int16(SEEK_SET)
        return request
    }

    /// Never retried: after a failure the kernel may have dropped the data (docs/failure-model.md, "Errors from storage").
    func sync() throws(DropError) {
        guard FailedSyncs.sync(descriptor, dataOnly: true) == 0 else { throw .storage("synced", path, errno) }
    }

    /// Lets those read the file who may read the folder. Where that cannot be done, it stays its owner's.
    func share(like folder: String) {
        var facts = stat()
        guard unsafe stat(folder, &facts) == 0, facts.st_mode & 0o044 != 0 else { return }
        _ = fchmod(descriptor, 0o600 | facts.st_mode & 0o044)
    }

    /// Makes the next reads come from the medium, not from memory.
    func forgetCached() { _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) }

    /// Puts the position `offset` bytes from the start, for a reader or writer that works by position.
    func seek(to offset: UInt64) throws(DropError) {
        guard lseek(descriptor, Int(offset), SEEK_SET) == Int(offset) else { throw .storage("examined", path, errno) }
    }

    /// Where a reader or writer that works by position has come to, in bytes from the start.
    func position() throws(DropError) -> UInt64 {
        let offset = lseek(descriptor, 0, SEEK_CUR)
        guard offset >= 0 else { throw .storage("examined", path, errno) }
        return UInt64(offset)
    }
}

/// Folders and names. All paths are absolute.
enum Storage {
    /// Makes `path` and what is missing above it, mode 0700, and syncs each folder that got a new entry.
    static func makeFolder(_ path: String) throws(DropError) {
        if unsafe mkdir(path, 0o700) == 0 {
            try syncFolder(parent(of: path))
            return
        }
        switch errno {
        case EEXIST: return
        case ENOENT:
            try makeFolder(parent(of: path))
            try makeFolder(path)
        default: throw .storage("made", path, errno)
        }
    }

    /// Makes a folder as `makeFolder` does; a new one gives the rights of reading and passing that its parent gives.
    static func makeSharedFolder(_ path: String) throws(DropError) {
        guard try !exists(path) else { return }
        try makeFolder(path)
        var facts = stat()
        guard unsafe stat(parent(of: path), &facts) == 0, facts.st_mode & 0o055 != 0 else { return }
        var own = stat()
        guard unsafe stat(path, &own) == 0 else { throw .storage("examined", path, errno) }
        // A service may be forbidden to set the bit that hands the group down; then the folder stays its owner's.
        _ = unsafe chmod(path, own.st_mode & 0o7777 | facts.st_mode & 0o055)
    }

    static func syncFolder(_ path: String) throws(DropError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .storage("opened", path, errno) }
        defer { close(descriptor) }
        guard FailedSyncs.sync(descriptor) == 0 else { throw .storage("synced", path, errno) }
    }

    /// Makes a file durable; a missing one is no error.
    static func syncFile(_ path: String) throws(DropError) {
        let descriptor = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return }
            throw .storage("opened", path, errno)
        }
        defer { close(descriptor) }
        guard FailedSyncs.sync(descriptor) == 0 else { throw .storage("synced", path, errno) }
    }

    /// Makes everything on the file system of a folder durable: one flush of the medium, where `syncFile` needs one a file.
    static func syncFileSystem(of path: String) throws(DropError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .storage("opened", path, errno) }
        defer { close(descriptor) }
        guard FailedSyncs.syncFileSystem(descriptor) == 0 else { throw .storage("synced", path, errno) }
    }

    /// Renames, replacing what has the new name.
    static func rename(_ old: String, to new: String) throws(DropError) {
        guard unsafe Glibc.rename(old, new) == 0 else { throw .storage("renamed", old, errno) }
    }

    /// Whether anything has this name; a link counts, wherever it points.
    static func exists(_ path: String) throws(DropError) -> Bool {
        var status = stat()
        if unsafe lstat(path, &status) == 0 { return true }
        if errno == ENOENT || errno == ENOTDIR { return false }
        throw .storage("examined", path, errno)
    }

    /// Removes a file; a missing one is no error.
    static func remove(_ path: String) throws(DropError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw .storage("removed", path, errno) }
    }

    /// Names in a folder, sorted by their bytes, without `.` and `..`; empty where there is no such folder. Names that are no
    /// UTF-8 come out with replacement characters: they are nothing of ours.
    static func names(in path: String) throws(DropError) -> [String] {
        do {
            return try FolderListing.names(in: path)
        } catch {
            if error.number == ENOENT || error.number == ENOTDIR { return [] }
            throw .storage("listed", path, error.number)
        }
    }

    /// Writes `bytes` under `path` in one step: readers see the old file or the new one. With `durable`, it survives a power cut;
    /// `shared`, it may be read by those who may read its folder.
    static func replace(_ path: String, with bytes: [UInt8], durable: Bool, shared: Bool = false) throws(DropError) {
        let temporary = path + ".tmp"
        try remove(temporary)
        let file = try StorageFile(temporary, .create)
        if shared { file.share(like: parent(of: path)) }
        try file.write(bytes, at: 0)
        if durable { try file.sync() }
        try rename(temporary, to: path)
        if durable { try syncFolder(parent(of: path)) }
    }

    /// Gives a file a second name (a hard link, which costs no inode), in place of what had it.
    static func link(_ path: String, to file: String) throws(DropError) {
        if unsafe Glibc.link(file, path) == 0 { return }
        guard errno == EEXIST else { throw .storage("linked", path, errno) }
        let temporary = path + ".tmp"
        try remove(temporary)
        guard unsafe Glibc.link(file, temporary) == 0 else { throw .storage("linked", path, errno) }
        try rename(temporary, to: path)
        try remove(temporary)  // rename(2) leaves it when both names are of one file already.
    }

    /// The first bytes of a file; empty where there is none.
    static func head(of path: String, bytes count: Int) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: count)
        let read = unsafe pread(descriptor, &buffer, count, 0)
        return Array(buffer[..<max(0, read)])
    }

    static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}

extension DropError {
    /// A call of the operating system failed on `path`.
    static func storage(_ done: String, _ path: String, _ number: CInt) -> DropError {
        let reason = unsafe String(cString: strerror(number)!)
        let message = "\(Escaping.visible(path)) could not be \(done): \(reason)."
        switch number {
        case ENOSPC, EDQUOT:
            return DropError(
                .diskFull, message, hint: "Free space there; work goes on by itself.", remedy: .retry(after: .seconds(1)))
        case EMFILE, ENFILE:
            return DropError(.descriptors, message, hint: "Raise the limit on open files.", remedy: .retry(after: .seconds(1)))
        case EIO:
            return DropError(
                .medium, message, hint: "Check the medium: what it gave or took before may be wrong, too. Then start again.",
                remedy: .stop)
        case ENOENT:
            return DropError(.missing, message, hint: "Put the file back, or restore it from a backup.", remedy: .stop)
        default:
            return DropError(.storage, message, hint: "Check the medium and the permissions, then start again.", remedy: .stop)
        }
    }

    /// Bytes of the archive are not what they must be.
    static func unsound(
        _ message: String, hint: String = "Run `twindrop verify --full` and keep the archive as it is."
    ) -> DropError {
        DropError(.unsound, message, hint: hint, remedy: .stop)
    }
}

/// A descriptor of the caller's that takes bytes one after the other.
enum Output {
    static func write(_ bytes: RawSpan, to descriptor: CInt) throws(DropError) {
        var done = 0
        while done < bytes.byteCount {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .storage("written", "the output", errno) }
            done += count
        }
    }
}

/// Collects small writes to a new file.
struct BufferedOutput {
    private let file: StorageFile
    private var buffer: [UInt8] = []
    private var written: UInt64 = 0

    init(_ file: StorageFile) { self.file = file }

    mutating func write(_ bytes: [UInt8]) throws(DropError) {
        buffer += bytes
        if buffer.count >= 1 << 16 { try flush() }
    }

    mutating func flush() throws(DropError) {
        try file.write(buffer, at: written)
        written += UInt64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }
}

extension Storage {
    /// Writes a file piece by piece under a temporary name, syncs it, and renames it to `path`; the folder is left to the caller.
    /// Those may read it who may read the folder.
    static func fill(_ path: String, _ body: (inout BufferedOutput) throws(DropError) -> Void) throws(DropError) {
        let temporary = path + ".tmp"
        try remove(temporary)
        let file = try StorageFile(temporary, .create)
        file.share(like: parent(of: path))
        do throws(DropError) {
            var output = BufferedOutput(file)
            try body(&output)
            try output.flush()
            try file.sync()
            try rename(temporary, to: path)
        } catch {
            try remove(temporary)
            throw error
        }
    }
}
