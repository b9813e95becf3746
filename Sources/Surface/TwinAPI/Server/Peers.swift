import NIOCore
import Synchronization

/// The other end of one connection.
final class Peer: Sendable {
    /// A user of this machine, or the address of another machine: connections are counted for each.
    let place: String
    /// Runs as the user that runs this server, on this machine.
    let isOwnUser: Bool
    /// The client has closed the connection: nobody waits for the answer any more.
    private let gone = Atomic(false)

    var isGone: Bool { gone.load(ordering: .relaxed) }

    init(_ channel: any Channel) {
        let (client, server) = (channel.remoteAddress, channel.localAddress)
        let address = client?.ipAddress ?? "unknown"
        guard HostName.isLoopback(address), let client, let server, let user = PeerUser.user(of: client, to: server) else {
            place = address
            isOwnUser = false
            return
        }
        place = "user \(user)"
        // The machine's administrator may read and replace everything here anyway.
        isOwnUser = user == PeerUser.own || user == 0
    }

    func hangUp() { gone.store(true, ordering: .relaxed) }
}

/// The connected clients: it gives the client of a request, and prevents one client from using all connections.
final class Peers: Sendable {
    private struct State {
        var peers: [ObjectIdentifier: Peer] = [:]
        var counts: [String: Int] = [:]
    }

    private let state = Mutex(State())
    /// Of one place.
    private let connectionsMax: Int

    /// - Parameter connectionsMax: for all clients together. One client may have three quarters of them; the user that runs the
    ///   server may have all.
    init(connectionsMax: Int) { self.connectionsMax = max(1, connectionsMax - connectionsMax / 4) }

    /// Nil if the client has as many connections as one may have.
    fileprivate func enter(_ channel: any Channel) -> Peer? {
        let peer = Peer(channel)
        return state.withLock { state in
            guard peer.isOwnUser || state.counts[peer.place, default: 0] < connectionsMax else { return nil }
            state.counts[peer.place, default: 0] += 1
            state.peers[ObjectIdentifier(channel)] = peer
            return peer
        }
    }

    fileprivate func leave(_ channel: any Channel) {
        state.withLock { state in
            guard let peer = state.peers.removeValue(forKey: ObjectIdentifier(channel)) else { return }
            let count = state.counts[peer.place, default: 0] - 1
            state.counts[peer.place] = count > 0 ? count : nil
        }
    }

    /// The other end of a channel; nil once it has closed.
    func peer(of channel: ObjectIdentifier) -> Peer? { state.withLock { $0.peers[channel] } }
}

/// Adds a connection to the peers, and notes when its client closes it. Used on the connection's event loop only.
final class PeerHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let peers: Peers
    private var peer: Peer?

    init(_ peers: Peers) { self.peers = peers }

    func handlerAdded(context: ChannelHandlerContext) {
        do { try TargetHost.insert(context) } catch { return context.close(promise: nil) }
        if context.channel.isActive { enter(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        enter(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave(context) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { peer?.hangUp() }
        context.fireUserInboundEventTriggered(event)
    }

    private func enter(_ context: ChannelHandlerContext) {
        guard peer == nil else { return }
        peer = peers.enter(context.channel)
        if peer == nil { context.close(promise: nil) }
    }

    private func leave(_ context: ChannelHandlerContext) {
        peer?.hangUp()
        peers.leave(context.channel)
    }
}
