import Crypto
import DropCore
import FileKit
import Glibc
import SystemPackage

/// The system calls of the spool, each checked, `EINTR` in one place.
extension SpoolFolder {
    /// Runs a call on `path` until it is not interrupted; an errno other than `allowing` is thrown.
    @discardableResult
    @safe static func call(
        _ name: String, _ path: FilePath, allowing allowed: CInt = 0, _ body: (UnsafePointer<CChar>) -> CInt
    ) throws(DropError) -> CInt {
        while true {
            let (result, code) = unsafe path.withPlatformString { unsafe (body($0), errno) }
            if result >= 0 { return result }
            if code == EINTR { continue }
            if code == allowed { return result }
            throw failure(name, path, code)
        }
    }

    /// What a failed call on `path` means.
    static func failure(_ call: String, _ path: FilePath, _ code: CInt) -> DropError {
        let why = unsafe String(cString: strerror(code))
        switch code {
        case ENOSPC, EDQUOT:
            return DropError(
                .diskFull, "\(call) \(path): \(why).", hint: "Make room; the work goes on by itself.",
                remedy: .retry(after: .seconds(1)))
        case EMFILE, ENFILE, ENOMEM:
            return DropError(
                .resources, "\(call) \(path): \(why).", hint: "Raise the limit of open files or memory for the service.",
                remedy: .retry(after: .seconds(1)))
        case EIO where call == "read":
            return DropError(
                .unreadable, "\(path) cannot be read: \(why).", hint: "Check the disk, then deliver the file again.",
                remedy: .quarantine)
        default:
            return DropError(
                .storage, "\(call) \(path): \(why).",
                hint: "Check the file system and the folder's permissions, then start again.",
                remedy: .stop)
        }
    }

    /// Removes a file; one that is not there is fine. A folder that somebody put there is none of ours, and stays.
    static func remove(_ path: FilePath) throws(DropError) {
        try call("unlink", path, allowing: ENOENT) { name in
            let result = unsafe unlink(name)
            return result < 0 && errno == EISDIR ? 0 : result
        }
    }

    static func move(_ from: FilePath, to path: FilePath) throws(DropError) {
        try call("rename", path) { to in unsafe from.withPlatformString { unsafe rename($0, to) } }
    }

    static func close(_ descriptor: CInt) { _ = Glibc.close(descriptor) }

    static func space(of path: FilePath) throws(DropError) -> FreeSpace {
        var facts = statvfs()
        try call("statvfs", path) { unsafe statvfs($0, &facts) }
        let block = UInt64(facts.f_frsize)
        return FreeSpace(bytesFree: UInt64(facts.f_bavail) * block, bytesTotal: UInt64(facts.f_blocks) * block)
    }

    static func exists(_ path: FilePath) -> Bool {
        unsafe path.withPlatformString { unsafe access($0, F_OK) } == 0
    }

    /// Whether a plain file has this name, and not a link, FIFO or folder that somebody put there.
    static func isFile(_ path: FilePath) -> Bool {
        var facts = stat()
        return unsafe path.withPlatformString { unsafe lstat($0, &facts) } == 0 && facts.st_mode & S_IFMT == S_IFREG
    }

    static func make(_ folder: FilePath) throws(DropError) {
        try call("mkdir", folder, allowing: EEXIST) { unsafe mkdir($0, 0o700) }
    }

    /// Opens a plain file, and never waits for what is none: whoever can write to the folder can put a FIFO there.
    static func openToRead(_ path: FilePath) throws(DropError) -> CInt {
        guard isFile(path) else { throw ByteLoss.missing(path.string, isOther: exists(path)) }
        let descriptor = try call("open", path, allowing: ENOENT) {
            unsafe open($0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        }
        guard descriptor >= 0 else { throw ByteLoss.missing(path.string) }
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw ByteLoss.missing(path.string, isOther: true)
        }
        return descriptor
    }

    /// Opens an open file again, with an offset of its own.
    static func reopen(_ descriptor: CInt) throws(DropError) -> CInt {
        try call("open", FilePath("/proc/self/fd/\(descriptor)")) { unsafe open($0, O_RDONLY | O_CLOEXEC) }
    }

    static func duplicate(_ descriptor: CInt) throws(DropError) -> CInt {
        try call("dup", FilePath("/proc/self/fd/\(descriptor)")) { _ in fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
    }

    static func size(of descriptor: CInt, _ path: FilePath) throws(DropError) -> UInt64 {
        var facts = stat()
        try call("fstat", path) { _ in unsafe fstat(descriptor, &facts) }
        return UInt64(facts.st_size)
    }

    /// SHA-256 of everything from the descriptor's offset on.
    static func hash(
        _ descriptor: CInt, _ path: FilePath, isCancelled: () -> Bool = { false }
    ) throws(DropError) -> ContentDigest {
        var hasher = SHA256()
        try eachBlock(of: descriptor, path) { (block) throws(DropError) in
            unsafe hasher.update(bufferPointer: block)
            guard !isCancelled() else {
                throw DropError(
                    .cancelled, "\(path) was being read when the pipeline ended.", hint: "It is read again at the next start.",
                    remedy: .retry(after: .zero))
            }
        }
        return ContentDigest(bytes: Array(hasher.finalize()))
    }

    @safe static func eachBlock(
        of descriptor: CInt, _ path: FilePath, _ body: (UnsafeRawBufferPointer) throws(DropError) -> Void
    ) throws(DropError) {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
        defer { unsafe block.deallocate() }
        while true {
            let count = unsafe read(descriptor, block.baseAddress, block.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("read", path, errno)
            }
            if count == 0 { return }
            try unsafe body(UnsafeRawBufferPointer(rebasing: block[..<count]))
        }
    }

    static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, _ path: FilePath) throws(DropError) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let count = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("write", path, errno)
            }
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Writes a small file whole and durable.
    static func write(_ text: String, to path: FilePath) throws(DropError) {
        let descriptor = try call("open", path) { unsafe open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600) }
        defer { close(descriptor) }
        let written = unsafe Array(text.utf8).withUnsafeBytes { bytes in
            Result { () throws(DropError) in try unsafe writeAll(bytes, to: descriptor, path) }
        }
        try written.get()
        try call("fsync", path) { _ in FailedSyncs.sync(descriptor) }
    }

    /// Copies a file, durable on return.
    static func copy(_ from: FilePath, to path: FilePath) throws(DropError) {
        let source = try openToRead(from)
        defer { close(source) }
        try write(to: path) { (target) throws(DropError) in
            try eachBlock(of: source, from) { (block) throws(DropError) in try unsafe writeAll(block, to: target, path) }
        }
    }

    /// Makes or empties a file that `body` writes, durable on return.
    static func write(to path: FilePath, _ body: (_ descriptor: CInt) throws(DropError) -> Void) throws(DropError) {
        let target = try call("open", path) { unsafe open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600) }
        defer { close(target) }
        try body(target)
        try call("fsync", path) { _ in FailedSyncs.sync(target) }
    }

    static func sync(folder: FilePath) throws(DropError) {
        let descriptor = try call("open", folder) { unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { close(descriptor) }
        try call("fsync", folder) { _ in FailedSyncs.sync(descriptor) }
    }

    /// The names in a folder of folders; none where it cannot be read or is not there.
    static func folders(in folder: FilePath) -> [String] { (try? FolderListing.names(in: folder.string)) ?? [] }

    /// The plain files of a folder; none where it cannot be read, which the next call on it reports.
    static func names(in folder: FilePath) -> [String] {
        (try? FolderListing.names(in: folder.string, plainOnly: true)) ?? []
    }
}
