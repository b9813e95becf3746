import Logging
import NIOCore
import SystemKit

/// Pauses a listener while the process is short of descriptors or memory, because `accept` would fail again and again. New
/// connections wait in the system's queue meanwhile. Used on the listener's event loop only.
final class AcceptRest: ChannelDuplexHandler {
    typealias InboundIn = NIOAny
    typealias InboundOut = NIOAny
    typealias OutboundIn = NIOAny

    private let log: Logger
    private var isResting = false
    private var isRead = false
    private var isTold = false

    static let pause: TimeAmount = .milliseconds(250)

    init(log: Logger) { self.log = log }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let code = (error as? IOError)?.errnoCode, SystemError.isShortage(code) else {
            return context.fireErrorCaught(error)
        }
        guard !isResting else { return }
        isResting = true
        if !isTold {
            isTold = true
            log.warning(
                "No connection can be accepted just now; they wait. Raise the service's limit of open files (LimitNOFILE=).",
                metadata: ["errno": "\(code)"])
        }
        let own = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.pause) {
            let (handler, context) = own.value
            handler.isResting = false
            guard handler.isRead else { return }
            handler.isRead = false
            context.read()
        }
    }

    func read(context: ChannelHandlerContext) {
        if isResting { isRead = true } else { context.read() }
    }
}
