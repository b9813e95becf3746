import HomeConfiguration
import DropCore
import Logging
import TwinAPI
import TwinModel

/// Puts the twin service of an engine on its port, as the configuration says.
struct HTTPAssembly {
    let engine: Engine
    /// `--listen HOST:PORT`, before the configuration.
    let listen: String?

    private var settings: HTTPSettings { engine.home.configuration.http }
    private var state: String { engine.home.paths.state }

    /// A server that answers; nil where the configuration switches it off.
    func start() throws(DropError) -> HTTPService? {
        guard let (host, port, mayMove) = try address() else { return nil }
        let tokens = try settings.tokens.map { path throws(DropError) in try TokenBook(path: path, clock: Self.clock) }
        let jwt = try settings.jwt.map { rules throws(DropError) in
            try JWTCheck.reading(
                keysFrom: rules.keys,
                rules: JWTRules(
                    issuer: rules.issuer, audience: rules.audience, roleClaim: rules.roleClaim,
                    standardRole: Role(rawValue: rules.role.rawValue)), clock: Self.clock)
        }
        var server = serverSettings(host, port)
        try refuseOpenDoors(server, hasTokens: tokens != nil || jwt != nil)
        let jobs = try JobBook(folder: state + "/jobs", places: JobPlaces(folders: settings.jobFolders), service: engine.service)
        let gate = Gate(
            tokens: tokens, jwt: jwt, anonymous: anonymous(server, hasTokens: tokens != nil || jwt != nil),
            hosts: server.isLoopback || !settings.hosts.isEmpty ? Set(settings.hosts) : nil)
        do throws(DropError) {
            return HTTPService(server: try listen(server, gate, jobs, tokens), jobs: jobs)
        } catch {
            guard mayMove, error.code == "listen" else { throw error }
            engine.log.warning(
                "The port of the twin service is taken; another one is used. Choose one with http.listen.",
                metadata: ["listen": "\(host):\(port)"])
            server.port = 0
            return HTTPService(server: try listen(server, gate, jobs, tokens), jobs: jobs)
        }
    }

    private func listen(
        _ server: ServerSettings, _ gate: Gate, _ jobs: JobBook, _ tokens: TokenBook?
    ) throws(DropError) -> TwinServer {
        let engine = engine
        var limits = RequestLimits()
        limits.bodyBytesMax = Int(settings.limits.bodyBytes)
        limits.modelsBytesMax = Int(settings.limits.modelsBytes)
        let endpoints = Set(settings.endpoints)
        return try TwinServer(server, gate: gate) { own in
            TwinAPI(
                service: engine.service, jobs: jobs, limits: limits, scheme: server.tls == nil ? "http" : "https",
                fallbackHost: server.host, endpoints: endpoints,
                readiness: { engine.hindrances() + (tokens?.fault.map { [$0] } ?? []) },
                metrics: { engine.metrics() + own() })
        }
    }

    /// Host, port, and whether another port will do; nil where it is off.
    private func address() throws(DropError) -> (String, Int, Bool)? {
        if let listen {
            if listen == "off" { return nil }
            guard let (host, port) = HTTPSettings.address(listen) else {
                throw DropError(
                    "listen", "--listen \(Escaping.visible(listen)) is no address.",
                    hint: "Write HOST:PORT, as 127.0.0.1:7077 or [::1]:7077; port 0 takes a free one; off switches it off.",
                    remedy: .suspendSource)
            }
            return (host, port, false)
        }
        guard case .at(let host, let port, let isDefault) = settings.listen else { return nil }
        return (host, port, isDefault)
    }

    private func serverSettings(_ host: String, _ port: Int) -> ServerSettings {
        var server = ServerSettings()
        server.host = host
        server.port = port
        server.tls = settings.tls.map { ServerSettings.TLSFiles(certificates: $0.certificates, key: $0.key) }
        let limits = settings.limits
        server.connectionsMax = limits.connections
        server.headerBytesMax = Int(limits.headerBytes)
        server.readTime = limits.readTime
        server.writeTime = limits.writeTime
        server.idleTime = limits.idleTime
        server.patience = limits.stopTime
        server.readThreads = limits.readThreads
        server.writeThreads = limits.writeThreads
        server.scanThreads = limits.queryThreads
        return server
    }

    /// Other machines are served encrypted, and with a token (design: section 9).
    private func refuseOpenDoors(_ server: ServerSettings, hasTokens: Bool) throws(DropError) {
        guard !server.isLoopback, !settings.insecure, server.tls == nil || !hasTokens else { return }
        let missing = [server.tls == nil ? "TLS (http.tls)" : nil, hasTokens ? nil : "tokens (http.tokens or http.jwt)"]
            .compactMap { $0 }.joined(separator: " and no ")
        throw DropError(
            "insecure-listen",
            "Other machines could reach \(server.host), and there is no \(missing).",
            hint: "Configure it, listen on 127.0.0.1, or set http.insecure: true where the network is trusted.",
            remedy: .suspendSource)
    }

    private func anonymous(_ server: ServerSettings, hasTokens: Bool) -> Role? {
        switch settings.anonymous {
        case .auto: server.isLoopback && !hasTokens ? .admin : nil
        case let role: Role(rawValue: role.rawValue)
        }
    }

    private static let clock: @Sendable () -> Int64 = { Int64(WallClock.nanoseconds() / 1000) }
}

/// The running server and its jobs.
final class HTTPService: Sendable {
    let server: TwinServer
    private let jobs: JobBook

    init(server: TwinServer, jobs: JobBook) {
        self.server = server
        self.jobs = jobs
    }

    /// Ends the job in hand and the requests in hand. Blocking.
    func stop() {
        jobs.stop()
        server.stop()
    }
}
