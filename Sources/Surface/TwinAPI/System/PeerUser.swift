import CLinuxFiles
import NIOCore
import SystemKit

/// Which user of this machine is at the other end of a connection.
enum PeerUser {
    /// The user that runs this process.
    static var own: UInt32 { System.effectiveUserID }

    /// The owner of the client's end of a TCP connection within this machine; nil if that is not known. Takes some 20 µs.
    static func user(of client: SocketAddress, to server: SocketAddress) -> UInt32? {
        var user: UInt32 = 0
        let isFound = unsafe client.withSockAddr { client, _ in
            unsafe server.withSockAddr { server, _ in unsafe linux_peer_user(client, server, &user) }
        }
        return isFound == 1 ? user : nil
    }
}
