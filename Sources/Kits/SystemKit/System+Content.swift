import CLinuxFiles
import Glibc

/// Bytes of open files, and their durability.
extension System {
    /// One read(2) from the file's place on: up to `buffer.count` bytes; 0 is the end.
    package static func read(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer, _ path: @autoclosure () -> String
    ) throws(SystemError) -> Int {
        try make("read", path()) { unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// One read(2) from the file's place on: up to `buffer.count` bytes; 0 is the end.
    package static func read(
        _ descriptor: CInt, into buffer: inout [UInt8], _ path: @autoclosure () -> String
    ) throws(SystemError) -> Int {
        try make("read", path()) {
            unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        }
    }

    /// One read(2) from the file's place on: at most `count` bytes, in an array of their own; empty at the end.
    package static func read(
        _ descriptor: CInt, upTo count: Int, _ path: @autoclosure () -> String
    ) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(SystemError) {
                filled = try unsafe read(descriptor, into: UnsafeMutableRawBufferPointer(buffer), path())
            } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }

    /// One pread(2): up to `buffer.count` bytes at `offset`; 0 is the end.
    package static func read(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64, _ path: @autoclosure () -> String
    ) throws(SystemError) -> Int {
        try make("read", path()) { unsafe pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// One pread(2): up to `buffer.count` bytes at `offset`; 0 is the end.
    package static func read(
        _ descriptor: CInt, into buffer: inout [UInt8], at offset: UInt64, _ path: @autoclosure () -> String
    ) throws(SystemError) -> Int {
        try make("read", path()) {
            unsafe buffer.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
        }
    }

    /// Up to `count` bytes from `offset`, which fit the buffer; fewer only at the end of the file.
    package static func fill(
        _ buffer: inout [UInt8], count: Int, from descriptor: CInt, at offset: UInt64, _ path: @autoclosure () -> String
    ) throws(SystemError) -> Int {
        precondition(count <= buffer.count, "the buffer has room for what is read")
        var span = buffer.mutableSpan
        return try unsafe span.withUnsafeMutableBytes { bytes throws(SystemError) in
            try unsafe fill(UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]), from: descriptor, at: offset, path())
        }
    }

    /// Up to `buffer.count` bytes from `offset`; fewer only at the end of the file.
    package static func fill(
        _ buffer: UnsafeMutableRawBufferPointer, from descriptor: CInt, at offset: UInt64, _ path: @autoclosure () -> String
    ) throws(SystemError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = try unsafe read(
                descriptor, into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]), at: offset + UInt64(filled), path())
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// The whole of a small file; nil when it is larger than `bytesMax`.
    package static func contents(
        _ descriptor: CInt, bytesMax: Int, _ path: @autoclosure () -> String
    ) throws(SystemError) -> [UInt8]? {
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(bytesMax + 1, 65_536))
        while true {
            let count = try read(descriptor, into: &buffer, at: UInt64(out.count), path())
            if count == 0 { return out }
            out += buffer[..<count]
            if out.count > bytesMax { return nil }
        }
    }

    /// Writes all of `bytes` from the file's position on. A write may end early; only the next one reports why.
    package static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: CInt, _ path: @autoclosure () -> String
    ) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let count = try make("write", path()) {
                unsafe Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
            }
            guard count > 0 else { throw SystemError(number: EIO, call: "write", path: path()) }
            done += count
        }
    }

    /// Writes the first `count` of `bytes` from the file's position on; without `count`, all of them.
    package static func write(
        _ bytes: [UInt8], count: Int? = nil, to descriptor: CInt, _ path: @autoclosure () -> String
    ) throws(SystemError) {
        try unsafe bytes.span.withUnsafeBytes { bytes throws(SystemError) in
            try unsafe write(UnsafeRawBufferPointer(rebasing: bytes[..<(count ?? bytes.count)]), to: descriptor, path())
        }
    }

    /// Writes all of `bytes` at `offset`.
    package static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: CInt, at offset: UInt64, _ path: @autoclosure () -> String
    ) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let count = try make("write", path()) {
                unsafe pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset) + off_t(done))
            }
            guard count > 0 else { throw SystemError(number: EIO, call: "write", path: path()) }
            done += count
        }
    }

    /// Writes all of `bytes` at `offset`.
    package static func write(
        _ bytes: [UInt8], to descriptor: CInt, at offset: UInt64, _ path: @autoclosure () -> String
    ) throws(SystemError) {
        try unsafe bytes.span.withUnsafeBytes { bytes throws(SystemError) in
            try unsafe write(bytes, to: descriptor, at: offset, path())
        }
    }

    /// Sends one piece of `bytes` to a stream socket; a peer that is gone is EPIPE, and no signal.
    package static func send(
        _ bytes: ArraySlice<UInt8>, to socket: CInt, _ path: @autoclosure () -> String
    ) throws(SystemError)
        -> Int
    {
        try make("send", path()) {
            unsafe bytes.withUnsafeBytes { unsafe Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
        }
    }

    /// As fsync(2), or fdatasync(2) for data alone. After a failure the kernel is never asked again (`FailedSyncs`), so no caller
    /// can mistake a second try for a success (docs/failure-model.md, "Errors from storage").
    package static func sync(
        _ descriptor: CInt, dataOnly: Bool = false, _ path: @autoclosure () -> String
    ) throws(SystemError) {
        try make("fsync", path()) { FailedSyncs.sync(descriptor, dataOnly: dataOnly) }
    }

    /// As syncfs(2): everything on the descriptor's file system is durable, at the cost of one flush of the medium. It reports
    /// write errors since the descriptor was opened. Earlier errors were reported to callers who synced then.
    package static func syncFileSystem(_ descriptor: CInt, _ path: @autoclosure () -> String) throws(SystemError) {
        try make("syncfs", path()) { linux_sync_file_system(descriptor) }
    }

    /// Makes the names in a folder durable.
    package static func syncFolder(_ path: String) throws(SystemError) {
        let folder = Descriptor(try open(path, [.read, .folder]))
        try sync(folder.number, path)
    }

    /// Waits until the file's pages are written, and reports a write error that was not reported before. Makes nothing durable by
    /// itself.
    package static func finishWriting(_ descriptor: CInt) throws(SystemError) {
        try make("sync_file_range", name(of: descriptor)) { linux_finish_writing(descriptor) }
    }

    /// Starts writing the file's dirty pages and does not wait; a hint, whose failure `sync` reports.
    package static func startWriting(_ descriptor: CInt) { _ = linux_start_writing(descriptor) }

    /// Makes the next reads come from the medium, not from memory; a hint.
    package static func forgetCached(_ descriptor: CInt) { _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) }

    /// Puts the file's place `offset` bytes from its start.
    package static func seek(_ descriptor: CInt, to offset: UInt64, _ path: @autoclosure () -> String) throws(SystemError) {
        try make("lseek", path()) { lseek(descriptor, off_t(offset), SEEK_SET) }
    }

    /// The file's place, in bytes from its start.
    package static func position(_ descriptor: CInt, _ path: @autoclosure () -> String) throws(SystemError) -> UInt64 {
        UInt64(try make("lseek", path()) { lseek(descriptor, 0, SEEK_CUR) })
    }

    package static func setLength(_ descriptor: CInt, _ bytes: UInt64, _ path: @autoclosure () -> String) throws(SystemError) {
        try make("ftruncate", path()) { ftruncate(descriptor, off_t(bytes)) }
    }

    /// Takes the room for so many bytes from the start now, so that a later write there finds it (posix_fallocate(3)).
    package static func reserve(_ descriptor: CInt, _ bytes: UInt64, _ path: @autoclosure () -> String) throws(SystemError) {
        try make("fallocate", path()) {
            errno = posix_fallocate(descriptor, 0, off_t(bytes))
            return errno == 0 ? 0 : CInt(-1)
        }
    }

    /// The next piece of the file at or after `offset` that is not a hole; nil when only holes follow. On a file system without
    /// holes the whole file is one piece.
    package static func dataRange(
        _ descriptor: CInt, from offset: UInt64, bytes: UInt64
    ) throws(SystemError) -> Range<UInt64>? {
        guard offset < bytes else { return nil }
        let (seekData, seekHole): (CInt, CInt) = (3, 4)  // SEEK_DATA and SEEK_HOLE, which the Glibc module hides.
        do throws(SystemError) {
            let start = UInt64(try make("lseek", name(of: descriptor)) { lseek(descriptor, off_t(offset), seekData) })
            let end = UInt64(try make("lseek", name(of: descriptor)) { lseek(descriptor, off_t(start), seekHole) })
            return start < bytes ? start..<max(start, min(end, bytes)) : nil
        } catch {
            if error.number == ENXIO { return nil }
            guard error.number == EINVAL || error.number == EOPNOTSUPP else { throw error }
            return offset..<bytes
        }
    }
}
