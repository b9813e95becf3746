import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Sees to it that the host in a request's target counts. The server's own codec drops it, and keeps the path alone.
///
/// It leaves to the responder one `Host` line where a request is plain, none where HTTP/1.1 wants one and it is missing, and a
/// second one where target and line name different hosts (RFC 9112, sections 3.2 and 3.2.2). Used on the connection's event loop
/// only.
final class TargetHost: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    /// Puts one in front of the codec of the connection that `context` is of.
    static func insert(_ context: ChannelHandlerContext) throws {
        let pipeline = context.pipeline.syncOperations
        try pipeline.addHandler(TargetHost(), position: .before(pipeline.handler(type: HTTP1ToHTTPServerCodec.self)))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        let said = head.headers["Host"].first
        let isOld = (head.version.major, head.version.minor) < (1, 1)
        if let meant = Self.host(of: head.uri), said?.lowercased() != meant.lowercased(), said != nil || isOld {
            head.headers.add(name: "Host", value: meant)
        } else if said == nil, isOld {
            // HTTP/1.0 asks for none.
            head.headers.add(name: "Host", value: "")
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// The host, and the port, of a target that is a whole URL; nil of a path.
    static func host(of target: String) -> String? {
        guard !target.hasPrefix("/"), let scheme = target.firstRange(of: "://") else { return nil }
        let authority = target[scheme.upperBound...].prefix { !"/?#".contains($0) }
        // A name and a password are no part of a Host line, and nobody has a reason to send them here.
        return String(authority)
    }
}
