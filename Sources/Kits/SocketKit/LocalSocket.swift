import Glibc
import Synchronization
package import SystemKit

/// What a failed call says about the other side.
extension SystemError {
    /// Nobody listens there.
    package var isAbsent: Bool { number == ENOENT || number == ECONNREFUSED }

    /// Somebody listens, and did not answer in time.
    package var isTimeout: Bool { number == EAGAIN || number == EWOULDBLOCK }
}

/// One connection over a Unix domain socket. Both sides send lines of UTF-8, each at most 1 MiB. Blocking; for one thread at a
/// time.
package final class LocalConnection: Sendable {
    private let descriptor: CInt
    private let buffer = Mutex<[UInt8]>([])

    /// Longest line either side takes, in bytes.
    package static let lineBytesMax = 1 << 20

    init(descriptor: CInt) { self.descriptor = descriptor }

    /// Connects to the socket at `path`, at most 107 bytes. EAGAIN: no answer within `seconds`.
    package init(connectingTo path: String, seconds: Int = 60) throws(SystemError) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError(number: errno, call: "socket", path: path) }
        Self.setTimeout(descriptor, seconds: seconds)
        let result = try LocalAddress.with(path) { unsafe connect(descriptor, $0, $1) }
        guard result == 0 else {
            let code = errno
            System.close(descriptor)
            throw SystemError(number: code, call: "connect", path: path)
        }
        self.descriptor = descriptor
    }

    deinit { System.close(descriptor) }

    /// Waits at most this long for each read and write.
    package func setTimeout(seconds: Int) { Self.setTimeout(descriptor, seconds: seconds) }

    private static func setTimeout(_ descriptor: CInt, seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    /// The user id of the process at the other end.
    package var peerUser: UInt32? {
        // struct ucred of <sys/socket.h>, which the Glibc module hides: process, user, group.
        var credentials: (process: Int32, user: UInt32, group: UInt32) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return nil }
        return credentials.user
    }

    /// The next line without its newline; nil at the end, on a time-out, and when the line is too long.
    package func readLine() -> String? {
        buffer.withLock { buffer in readLine(&buffer) }
    }

    private func readLine(_ buffer: inout [UInt8]) -> String? {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeSubrange(...end)
                return line
            }
            guard buffer.count <= Self.lineBytesMax else { return nil }
            var chunk = [UInt8](repeating: 0, count: 16 << 10)
            // A time-out and an end are the same to the reader.
            guard let count = try? System.read(descriptor, into: &chunk, "socket"), count > 0 else { return nil }
            buffer.append(contentsOf: chunk[..<count])
        }
    }

    /// Writes the line and a newline; false when the other side is gone.
    package func write(line: String) -> Bool {
        var rest = Array(line.utf8)[...]
        rest.append(UInt8(ascii: "\n"))
        while !rest.isEmpty {
            guard let count = try? System.send(rest, to: descriptor, "socket") else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}

/// Listens on a Unix domain socket that only the owner and the group may use (mode 0660).
package final class LocalListener: Sendable {
    private let descriptor: CInt
    private let path: String

    /// Binds `path`, replacing a socket file that an earlier process left: the caller holds the home's lock.
    package init(at path: String) throws(SystemError) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        self.path = path
        guard descriptor >= 0 else { throw SystemError(number: errno, call: "socket", path: path) }
        unsafe unlink(path)
        let bound = try LocalAddress.with(path) { [descriptor] in unsafe bind(descriptor, $0, $1) }
        guard bound == 0, unsafe chmod(path, 0o660) == 0, listen(descriptor, 16) == 0 else {
            let code = errno
            System.close(descriptor)
            throw SystemError(number: code, call: "bind", path: path)
        }
    }

    deinit {
        System.close(descriptor)
        unsafe unlink(path)
    }

    /// Waits for the next caller; nil once `stop` was called.
    package func accept() -> LocalConnection? {
        while true {
            let connection = Glibc.accept(descriptor, nil, nil)
            if connection >= 0 {
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                return LocalConnection(descriptor: connection)
            }
            let code = errno
            // While descriptors or memory are short, callers wait.
            if SystemError.isShortage(code) {
                usleep(100_000)
            } else if code != EINTR && code != ECONNABORTED {
                return nil
            }
        }
    }

    /// Makes `accept` return nil, from any thread.
    package func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}

enum LocalAddress {
    /// Runs `body` with the address of `path`.
    @safe static func with(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) throws(SystemError) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError(number: ENAMETOOLONG, call: "bind", path: path)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        return unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, size) }
        }
    }
}
