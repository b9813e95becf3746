package import DropCore
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import ThreadKit

/// `TwinAPI` on a port, over HTTP/1.1, with or without TLS.
///
/// The two event loops only move bytes; every call of the service runs on the threads of `Lanes`.
package final class TwinServer: Sendable {
    private enum State: Sendable {
        case starting
        case running(port: Int)
        case ended(StartError?)
    }

    private struct Running: Sendable {
        let group: ServiceGroup
        let loops: MultiThreadedEventLoopGroup
        let lanes: Lanes
        let certificate: CertificateFiles?
    }

    private let settings: ServerSettings
    private let state = Monitor<State>(.starting)
    private let running: Running

    /// Listens, and answers until `stop`. Blocking; not from the cooperative pool.
    ///
    /// - Parameters:
    ///   - log: called when a new certificate is used, or cannot be.
    ///   - makeAPI: gives the API, told the counters of this server, for its metrics. Errors: `listen` if the address cannot be
    /// used, `tls` if the certificate files cannot be used.
    package init(
        _ settings: ServerSettings, authorizer: Authorizer, log: Logger,
        makeAPI: (_ own: @escaping @Sendable () -> [MetricFamily]) -> TwinAPI
    ) throws(StartError) {
        self.settings = settings
        let certificate = try settings.tls.map { files throws(StartError) in try CertificateFiles(files, log: log) }
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let lanes = Lanes(settings)
        let counters = RequestCounters()
        let api = makeAPI { counters.families + [Self.queueDepths(lanes)] + Self.ends(of: certificate) }
        let peers = Peers(connectionsMax: settings.connectionsMax)
        let responder = Responder(
            api: api, authorizer: authorizer, lanes: lanes, requests: counters, peers: peers, failed: FailedSignIns(log: log))
        let state = state
        do {
            var configuration = ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port), serverName: nil, backlog: 1024,
                reuseAddress: true)
            configuration.availableConnectionsDelegate = MaximumAvailableConnections(settings.connectionsMax)
            let application = Application(
                responder: responder, server: try Self.builder(settings, certificate, peers), configuration: configuration,
                onServerRunning: { channel in
                    await Self.restWhenShort(channel, log)
                    state.with { $0 = .running(port: channel.localAddress?.port ?? settings.port) }
                },
                eventLoopGroupProvider: .shared(loops), logger: Self.quiet)
            var lifecycle = ServiceGroupConfiguration(services: [application], logger: Self.quiet)
            lifecycle.maximumGracefulShutdownDuration = settings.patience
            running = Running(
                group: ServiceGroup(configuration: lifecycle), loops: loops, lanes: lanes, certificate: certificate)
        } catch {
            certificate?.stop()
            lanes.close()
            Self.end(loops)
            throw error as? StartError ?? Self.failure(error, settings)
        }
        try begin()
    }

    /// The port in use.
    package var port: Int {
        state.with { if case .running(let port) = $0 { port } else { settings.port } }
    }

    /// `http://127.0.0.1:7077`: what clients are given.
    package var url: String {
        let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
        let reachable = ["0.0.0.0", "[::]"].contains(host) ? "127.0.0.1" : host
        return "\(settings.tls == nil ? "http" : "https")://\(reachable):\(port)"
    }

    /// Takes no more connections, lets running requests end within `settings.patience`, and closes. May be called more than once.
    /// Blocking; not from the cooperative pool.
    package func stop() {
        let group = running.group
        // Awaited below, through the state that the task of `begin` sets when the group has ended.
        Task { await group.triggerGracefulShutdown() }
        state.wait(until: { if case .ended = $0 { true } else { false } }) { _ in }
        close()
    }

    private func begin() throws(StartError) {
        let (group, state, settings) = (running.group, state, settings)
        // Awaited by `stop`, through `state`. Its end also shows a failed start.
        Task {
            var failure: StartError?
            do { try await group.run() } catch { failure = Self.failure(error, settings) }
            state.with { $0 = .ended(failure) }
        }
        let failure: StartError?? = state.wait(until: { if case .starting = $0 { false } else { true } }) { state in
            if case .ended(let failure) = state { .some(failure) } else { nil }
        }
        guard let failure else { return }
        close()
        throw failure ?? Self.failure(nil, settings)
    }

    private func close() {
        running.certificate?.stop()
        running.lanes.close()
        Self.end(running.loops)
    }

    /// A listener that is closed by now needs no rest.
    private static func restWhenShort(_ channel: any Channel, _ log: Logger) async {
        try? await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandler(AcceptRest(log: log), position: .first)
        }.get()
    }

    private static func builder(
        _ settings: ServerSettings, _ certificate: CertificateFiles?, _ peers: Peers
    ) throws -> HTTPServerBuilder {
        var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
        decoder.maxHeaderListSize = settings.headerBytesMax
        decoder.maxHeaderFieldSize = settings.headerBytesMax
        decoder.maxHeaderFieldCount = 100
        let (read, write) = (settings.readTime, settings.writeTime)
        let http = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [PeerHandler(peers), ConnectionTimes(read: read, write: write)],
                idleTimeout: TimeAmount(settings.idleTime),
                httpDecoderConfiguration: decoder))
        guard let certificate else { return http }
        return try .tls(http, tlsConfiguration: certificate.configuration)
    }

    private static func queueDepths(_ lanes: Lanes) -> MetricFamily {
        var family = MetricFamily("twindrop_http_waiting_requests", .gauge, "Requests that wait for a thread, by lane.")
        for (lane, count) in lanes.waiting { family.add(Double(count), ["lane": "\(lane)"]) }
        return family
    }

    private static func ends(of certificate: CertificateFiles?) -> [MetricFamily] {
        guard let end = certificate?.end else { return [] }
        return [
            MetricFamily(
                "twindrop_tls_certificate_end_seconds", .gauge, "When the certificate in use ends, in seconds since 1970.",
                Double(end))
        ]
    }

    private static func failure(_ error: (any Error)?, _ settings: ServerSettings) -> StartError {
        StartError(
            .listen, "The address \(settings.host):\(settings.port) cannot be listened on\(error.map { ": \($0)" } ?? "").",
            hint:
                "Is another program using the port? Choose one with --listen HOST:PORT; port 0 takes a free one.")
    }

    /// The server's own log lines are dropped. This type's errors and the request counters report what matters.
    private static let quiet: Logger = {
        var log = Logger(label: "twindrop.http") { _ in SwiftLogNoOpLogHandler() }
        log.logLevel = .critical
        return log
    }()

    private static func end(_ loops: MultiThreadedEventLoopGroup) {
        // It can only fail when called from one of its own threads.
        try? loops.syncShutdownGracefully()
    }
}
