import CLinuxFiles
import CodecKit
package import DropCore
import FileKit
import Glibc

/// A system call that failed: which, on what, and the kernel's number for why.
package struct SystemCallError: Error, Sendable, Equatable, CustomStringConvertible {
    package let number: CInt
    /// `open`, `fsync`, …
    package let call: String
    /// The thing it was about, shown safely.
    package let subject: String

    package var description: String { "\(call) \(subject): \(Self.text(number))" }

    /// The C library's sentence for `number`.
    package static func text(_ number: CInt) -> String {
        unsafe String(cString: strerror(number))
    }
}

/// The system calls this module makes, each with its return code checked and `EINTR` retried here and nowhere else.
///
/// Names are bytes, relative to the descriptor of the folder they lie in. Blocking; safe from any thread.
package enum SystemCall {
    /// Calls again while a signal interrupts; throws what else goes wrong.
    @discardableResult
    static func check<Result: SignedInteger>(
        _ call: String, _ subject: @autoclosure () -> String, _ body: () -> Result
    ) throws(SystemCallError) -> Result {
        while true {
            let result = body()
            if result >= 0 { return result }
            let number = errno
            if number != EINTR { throw SystemCallError(number: number, call: call, subject: subject()) }
        }
    }

    /// `bytes` with the NUL that C wants.
    static func terminated(_ name: FileName) -> [CChar] { name.bytes.map { CChar(bitPattern: $0) } + [0] }

    /// What has a folder's name now, links followed; nil: nothing that can be looked at.
    static func identity(ofFolder path: FolderPath) -> FolderIdentity? {
        var facts = stat()
        guard let text = path.text, unsafe stat(text, &facts) == 0 else { return nil }
        return FolderIdentity(
            device: UInt64(facts.st_dev), inode: UInt64(facts.st_ino), mode: facts.st_mode, owner: facts.st_uid)
    }

    /// Opens a folder, following symbolic links: its path comes from the configuration.
    package static func openFolder(_ path: String) throws(SystemCallError) -> Descriptor {
        Descriptor(try check("open", Escaping.visible(path)) { unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) })
    }

    /// Opens a subfolder without following a link.
    package static func openSubfolder(_ name: FileName, in folder: CInt) throws(SystemCallError) -> Descriptor {
        let path = terminated(name)
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        return Descriptor(try check("open", name.description) { unsafe openat(folder, path, flags) })
    }

    /// Opens a file for reading. Never follows a link, never waits for a FIFO's writer, never becomes a terminal.
    package static func openFile(_ name: FileName, in folder: CInt) throws(SystemCallError) -> Descriptor {
        let path = terminated(name)
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY
        return Descriptor(try check("open", name.description) { unsafe openat(folder, path, flags) })
    }

    /// Creates a file of mode 0600 that must not exist yet.
    package static func createFile(_ name: FileName, in folder: CInt) throws(SystemCallError) -> Descriptor {
        let path = terminated(name)
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        return Descriptor(try check("create", name.description) { unsafe openat(folder, path, flags, mode_t(0o600)) })
    }

    /// What the name stands for, itself when it is a link.
    package static func facts(of name: FileName, in folder: CInt) throws(SystemCallError) -> FileFacts {
        let path = terminated(name)
        var status = stat()
        try check("stat", name.description) { unsafe fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) }
        return FileFacts(status)
    }

    /// Whether anything has this name.
    package static func exists(_ name: FileName, in folder: CInt) throws(SystemCallError) -> Bool {
        do { _ = try facts(of: name, in: folder) } catch  where error.number == ENOENT { return false }
        return true
    }

    package static func facts(of descriptor: CInt) throws(SystemCallError) -> FileFacts {
        var status = stat()
        try check("fstat", "descriptor \(descriptor)") { unsafe fstat(descriptor, &status) }
        return FileFacts(status)
    }

    /// Renames; an existing target is an error (`EEXIST`), never replaced.
    package static func rename(
        _ name: FileName, in folder: CInt, to target: FileName, in targetFolder: CInt
    ) throws(SystemCallError) {
        let (from, to) = (terminated(name), terminated(target))
        try check("rename", name.description) { unsafe linux_rename_noreplace(folder, from, targetFolder, to) }
    }

    /// Renames, replacing what bears the target's name.
    package static func replace(_ target: FileName, with name: FileName, in folder: CInt) throws(SystemCallError) {
        let (from, to) = (terminated(name), terminated(target))
        try check("rename", name.description) { unsafe renameat(folder, from, folder, to) }
    }

    package static func unlink(_ name: FileName, in folder: CInt) throws(SystemCallError) {
        let path = terminated(name)
        try check("unlink", name.description) { unsafe unlinkat(folder, path, 0) }
    }

    /// Never retried by callers: after a failure the kernel may have dropped the data (docs/failure-model.md, "Errors from
    /// storage").
    package static func sync(_ descriptor: CInt, _ subject: @autoclosure () -> String) throws(SystemCallError) {
        try check("fsync", subject()) { FailedSyncs.sync(descriptor) }
    }

    /// Makes everything on the folder's file system durable. Costs one flush of the device, where `sync` costs one per file.
    static func syncFileSystem(_ folder: CInt) throws(SystemCallError) {
        try check("syncfs", "folder") { linux_sync_file_system(folder) }
    }

    /// Waits until the file's pages are written, and reports a write error nobody was told of yet. Makes nothing durable by
    /// itself.
    static func finishWriting(_ descriptor: CInt) throws(SystemCallError) {
        try check("sync_file_range", "descriptor \(descriptor)") { linux_finish_writing(descriptor) }
    }

    /// Starts writing the file's dirty pages and does not wait; a hint, whose failure `sync` reports.
    static func startWriting(_ descriptor: CInt) {
        _ = linux_start_writing(descriptor)
    }

    package static func setMode(_ descriptor: CInt, _ mode: UInt32) throws(SystemCallError) {
        try check("fchmod", "descriptor \(descriptor)") { fchmod(descriptor, mode_t(mode)) }
    }

    /// Reads up to `buffer.count` bytes at `offset`; 0 is the end.
    static func read(
        _ descriptor: CInt, into buffer: inout [UInt8], at offset: UInt64
    ) throws(SystemCallError) -> Int {
        let count = buffer.count
        return try check("read", "descriptor \(descriptor)") {
            unsafe buffer.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, count, off_t(offset)) }
        }
    }

    /// The next piece of the file at or behind `offset` that is no hole; nil when only holes follow. Where the file system keeps
    /// no holes, all is one piece.
    static func dataRange(_ descriptor: CInt, from offset: UInt64, bytes: UInt64) throws(SystemCallError) -> Range<UInt64>? {
        guard offset < bytes else { return nil }
        let (seekData, seekHole): (CInt, CInt) = (3, 4)  // SEEK_DATA and SEEK_HOLE, which the Glibc module hides.
        do throws(SystemCallError) {
            let start = UInt64(try check("lseek", "descriptor \(descriptor)") { lseek(descriptor, off_t(offset), seekData) })
            let end = UInt64(try check("lseek", "descriptor \(descriptor)") { lseek(descriptor, off_t(start), seekHole) })
            return start < bytes ? start..<max(start, min(end, bytes)) : nil
        } catch {
            if error.number == ENXIO { return nil }
            guard error.number == EINVAL || error.number == EOPNOTSUPP else { throw error }
            return offset..<bytes
        }
    }

    static func seek(_ descriptor: CInt, to offset: UInt64) throws(SystemCallError) {
        try check("lseek", "descriptor \(descriptor)") { lseek(descriptor, off_t(offset), SEEK_SET) }
    }

    static func setLength(_ descriptor: CInt, _ bytes: UInt64) throws(SystemCallError) {
        try check("ftruncate", "descriptor \(descriptor)") { ftruncate(descriptor, off_t(bytes)) }
    }

    /// Of the file system the descriptor is on, as an ordinary user may use it.
    static func freeSpace(of descriptor: CInt) throws(SystemCallError) -> FreeSpace {
        var status = statvfs()
        try check("fstatvfs", "descriptor \(descriptor)") { unsafe fstatvfs(descriptor, &status) }
        let unit = UInt64(status.f_frsize)
        return FreeSpace(bytesFree: UInt64(status.f_bavail) * unit, bytesTotal: UInt64(status.f_blocks) * unit)
    }

    /// Writes all of `bytes[..<count]` at the end of what was written so far.
    static func write(_ bytes: [UInt8], count: Int, to descriptor: CInt) throws(SystemCallError) {
        var done = 0
        while done < count {
            done += try check("write", "descriptor \(descriptor)") {
                unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress! + done, count - done) }
            }
        }
    }

    /// The whole of a small file; nil when it is larger than `bytesMax`.
    static func contents(_ descriptor: CInt, bytesMax: Int) throws(SystemCallError) -> [UInt8]? {
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(bytesMax + 1, 65_536))
        while true {
            let count = try read(descriptor, into: &buffer, at: UInt64(out.count))
            if count == 0 { return out }
            out += buffer[..<count]
            if out.count > bytesMax { return nil }
        }
    }

    /// The number of the mount the descriptor is on, as `/proc/self/fdinfo` tells it; nil where that cannot be read. Two folders
    /// of one file system have different numbers where one of them is a bind mount.
    static func mountNumber(of descriptor: CInt) -> UInt64? {
        guard let folder = try? openFolder("/proc/self/fdinfo"),
            let file = try? openFile(FileName(String(descriptor)), in: folder.number),
            let bytes = try? contents(file.number, bytesMax: 65_536)
        else { return nil }
        let line = bytes.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "mnt_id:".utf8) }
        return line.flatMap { UInt64(String(decoding: $0.dropFirst(7).filter { $0 > 0x20 }, as: UTF8.self)) }
    }

    /// Whether the process may do `mode` (`R_OK`, `W_OK`, `X_OK`) to the folder itself, as its effective user.
    static func mayAccess(_ path: String, _ mode: CInt) -> Bool {
        unsafe faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0
    }

    /// Whether the process may do `mode` to a name in the folder, not following links.
    static func mayAccess(_ name: FileName, in folder: CInt, _ mode: CInt) -> Bool {
        let path = terminated(name)
        return unsafe faccessat(folder, path, mode, AT_EACCESS | AT_SYMLINK_NOFOLLOW) == 0
    }
}

/// An open file, closed when this value ends. Its data is made durable by `SystemCall.sync` before, so that a failure to
/// close has nothing to report.
@safe package struct Descriptor: ~Copyable, Sendable {
    package let number: CInt

    package init(_ number: CInt) { self.number = number }

    deinit { close(number) }
}
