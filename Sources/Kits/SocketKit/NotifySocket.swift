import Glibc

/// Reports the state of a service to a service manager: sd_notify(3) without its library. A notice is one datagram of lines
/// `NAME=value`. A notice that cannot be sent is lost, because nobody waits for a service manager.
package final class NotifySocket: Sendable {
    private let descriptor: CInt
    private let address: [UInt8]

    /// - Parameter name: what NOTIFY_SOCKET says: an absolute path, or `@` and the name of an abstract socket. Nil for anything
    ///   else.
    package init?(_ name: String) {
        var address = Array(name.utf8)
        guard address.count > 1, address.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
        if address[0] == UInt8(ascii: "@") { address[0] = 0 } else if address[0] != UInt8(ascii: "/") { return nil }
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        self.address = address
    }

    deinit { close(descriptor) }

    /// Sends one notice, without waiting.
    package func send(_ lines: [String]) {
        let text = Array(lines.joined(separator: "\n").utf8)
        var target = sockaddr_un()
        target.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &target.sun_path) { unsafe $0.copyBytes(from: address) }
        // An abstract name ends where its length says, a path with a zero.
        let start = MemoryLayout.size(ofValue: target) - MemoryLayout.size(ofValue: target.sun_path)
        let size = socklen_t(start + address.count + (address[0] == 0 ? 0 : 1))
        unsafe withUnsafePointer(to: &target) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
                _ = unsafe sendto(descriptor, text, text.count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT), target, size)
            }
        }
    }
}
