import FileKit
import Glibc

/// One open file, closed when this value ends. Used by one thread at a time; all calls block.
///
/// `@unchecked Sendable`: the descriptor never changes, and its users take turns (a job's one thread).
final class OpenFile: @unchecked Sendable {
    private let descriptor: CInt

    /// A regular file or a folder, symbolic links followed.
    init(reading path: String) throws(FileFailure) {
        descriptor = try Self.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    }

    /// A regular file for reading, whose last component must be no symbolic link: what was checked is what is opened.
    init(readingRegular path: String) throws(FileFailure) {
        descriptor = try Self.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0 else { throw FileFailure(code: errno) }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw FileFailure(code: EINVAL) }
    }

    /// A new file, or one emptied; mode 0600; no symbolic link is followed at the end.
    init(creating path: String) throws(FileFailure) {
        descriptor = try Self.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW)
    }

    deinit { close(descriptor) }

    /// At most `count` bytes; empty at the end.
    func read(_ count: Int) throws(FileFailure) -> [UInt8] {
        while true {
            var code: CInt = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                let result = unsafe Glibc.read(descriptor, buffer.baseAddress, count)
                if result < 0 { code = errno }
                filled = max(0, result)
            }
            if code == 0 { return bytes }
            guard code == EINTR else { throw FileFailure(code: code) }
        }
    }

    func write(_ bytes: [UInt8]) throws(FileFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let result = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if result >= 0 { rest = rest.dropFirst(result) } else if errno != EINTR { throw FileFailure(code: errno) }
        }
    }

    func sync() throws(FileFailure) {
        guard FailedSyncs.sync(descriptor) == 0 else { throw FileFailure(code: errno) }
    }

    private static func open(_ path: String, _ flags: CInt) throws(FileFailure) -> CInt {
        while true {
            let descriptor = unsafe Glibc.open(path, flags, 0o600)
            if descriptor >= 0 { return descriptor }
            guard errno == EINTR else { throw FileFailure(code: errno) }
        }
    }
}
