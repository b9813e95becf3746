import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTPTypes

/// Ends a connection whose client takes too long to send a request's body or to read an answer. Otherwise a slow client could
/// hold a descriptor and a buffer for ever. The server's idle time limits pauses between requests, and the time for heads.
/// Clients that ask before they send a body (`Expect: 100-continue`) get an answer at once, because curl would wait a second
/// otherwise.
///
/// Used on the connection's event loop only.
final class ConnectionTimes: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let readTime: TimeAmount
    private let writeTime: TimeAmount
    private var reading: Scheduled<Void>?
    private var writing: Scheduled<Void>?
    /// Requests that have no answer yet.
    private var open = 0

    init(read: Duration, write: Duration) {
        readTime = TimeAmount(read)
        writeTime = TimeAmount(write)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            reading?.cancel()
            reading = closing(context, in: readTime)
            if open == 0, request.headerFields[.expect]?.lowercased() == "100-continue" {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
            open += 1
        case .body: break
        case .end:
            reading?.cancel()
            reading = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head:
            writing?.cancel()
            writing = closing(context, in: writeTime)
            context.write(data, promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            open -= 1
            let sent = promise ?? context.eventLoop.makePromise(of: Void.self)
            let deadline = writing
            writing = nil
            sent.futureResult.assumeIsolated().whenComplete { _ in deadline?.cancel() }
            context.write(data, promise: sent)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        reading?.cancel()
        writing?.cancel()
    }

    private func closing(_ context: ChannelHandlerContext, in time: TimeAmount) -> Scheduled<Void> {
        let channel = context.channel
        return context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }
}
