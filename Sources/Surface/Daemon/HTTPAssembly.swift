import CodecKit
import CurlKit
import HomeConfiguration
import DropCore
import HomeReports
import Logging
import SystemKit
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
    func start() throws(StartError) -> HTTPService? {
        guard let (host, port, mayMove) = try address() else { return nil }
        let tokens = try settings.tokens.map { path throws(StartError) in try TokenStore(path: path, clock: Self.clock) }
        var server = serverSettings(host, port)
        let hasTokens = tokens != nil || settings.jwt != nil
        try refuseOpenDoors(server, hasTokens: hasTokens)
        let jobs = try JobStore(folder: state + "/jobs", places: jobPlaces, service: engine.service)
        let keys = try signingKeyCache()
        let jwt = settings.jwt.flatMap { rules in keys.map { check(rules, $0) } }
        let authorizer = Authorizer(
            tokens: tokens, jwt: jwt, anonymous: Role(rawValue: settings.anonymous.rawValue),
            ownUser: settings.anonymous == .auto && server.isLoopback && !hasTokens ? .admin : nil,
            hosts: server.isLoopback || !settings.hosts.isEmpty ? Set(settings.hosts) : nil)
        let faults: @Sendable () -> [String] = { [tokens?.fault, keys?.fault].compactMap { $0 } }
        do throws(StartError) {
            return try serve(&server, mayMove, authorizer, jobs, keys, faults)
        } catch {
            keys?.stop()
            throw error
        }
    }

    /// Listens; on another port where the wanted one is taken and that will do.
    private func serve(
        _ server: inout ServerSettings, _ mayMove: Bool, _ authorizer: Authorizer, _ jobs: JobStore, _ keys: SigningKeyCache?,
        _ faults: @escaping @Sendable () -> [String]
    ) throws(StartError) -> HTTPService {
        do throws(StartError) {
            return HTTPService(server: try listen(server, authorizer, jobs, faults), jobs: jobs, keys: keys)
        } catch {
            guard mayMove, error.code == .listen else { throw error }
            engine.log.warning(
                "The port of the twin service is taken; another one is used. Choose one with http.listen.",
                metadata: ["listen": "\(server.host):\(server.port)"])
            server.port = 0
            return HTTPService(server: try listen(server, authorizer, jobs, faults), jobs: jobs, keys: keys)
        }
    }

    private func listen(
        _ server: ServerSettings, _ authorizer: Authorizer, _ jobs: JobStore, _ faults: @escaping @Sendable () -> [String]
    ) throws(StartError) -> TwinServer {
        let engine = engine
        var limits = RequestLimits()
        limits.bodyBytesMax = Int(settings.limits.bodyBytes)
        limits.modelsBytesMax = Int(settings.limits.modelsBytes)
        let endpoints = Set(settings.endpoints)
        return try TwinServer(server, authorizer: authorizer, log: engine.log) { own in
            TwinAPI(
                service: engine.service, jobs: jobs, limits: limits, scheme: server.tls == nil ? "http" : "https",
                fallbackHost: server.host, endpoints: endpoints,
                readiness: { engine.hindrances() + faults() }, remarks: { engine.remarks() },
                metrics: { engine.metrics() + own() })
        }
    }

    private var outbound: OutboundSettings { engine.home.configuration.outbound }

    private var jobPlaces: JobPlaces {
        var rules = outbound.rules(for: settings.jobs.hosts)
        rules.bytesMax = settings.jobs.downloadBytes
        return JobPlaces(folders: settings.jobs.folders, rules: rules)
    }

    /// The keys of the identity provider; nil where none is configured.
    private func signingKeyCache() throws(StartError) -> SigningKeyCache? {
        guard let jwt = settings.jwt else { return nil }
        switch jwt.keys {
        case .file(let path): return try SigningKeyCache(file: path, log: engine.log)
        case .web(let address):
            // The configuration alone says where they are: a provider within the plant is as good as one outside.
            let rules = outbound.rules(for: [address.origin], anyNetwork: true)
            return SigningKeyCache(address, rules, refresh: jwt.refresh, log: engine.log)
        }
    }

    private func check(_ jwt: HTTPSettings.JWT, _ keys: SigningKeyCache) -> JWTCheck {
        let rules = JWTRules(
            issuer: jwt.issuer, audience: jwt.audience, roleClaim: jwt.roleClaim,
            standardRole: Role(rawValue: jwt.role.rawValue))
        return JWTCheck(rules: rules, keys: keys, clock: Self.clock)
    }

    /// Host, port, and whether another port will do; nil where it is off.
    private func address() throws(StartError) -> (String, Int, Bool)? {
        if let listen {
            if listen == "off" { return nil }
            guard let (host, port) = HTTPSettings.address(listen) else {
                throw StartError(
                    .listen, "--listen \(Escaping.visible(listen)) is no address.",
                    hint: "Write HOST:PORT, as 127.0.0.1:7077 or [::1]:7077; port 0 takes a free one; off switches it off.")
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
        server.connectionsMax = engine.budget.connections
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

    /// Other machines are served encrypted, and with a token (docs/twin-api.md, "Who may come in").
    private func refuseOpenDoors(_ server: ServerSettings, hasTokens: Bool) throws(StartError) {
        guard !server.isLoopback, !settings.insecure, server.tls == nil || !hasTokens else { return }
        let missing = [server.tls == nil ? "TLS (http.tls)" : nil, hasTokens ? nil : "tokens (http.tokens or http.jwt)"]
            .compactMap { $0 }.joined(separator: " and no ")
        throw StartError(
            .insecureListen,
            "Other machines could reach \(server.host), and there is no \(missing).",
            hint: "Configure it, listen on 127.0.0.1, or set http.insecure: true where the network is trusted.")
    }

    static let clock: @Sendable () -> Int64 = { SystemClock.wall() / 1000 }
}

/// The running server, its jobs, and what it is kept up with.
final class HTTPService: Sendable {
    let server: TwinServer
    private let jobs: JobStore
    private let keys: SigningKeyCache?

    init(server: TwinServer, jobs: JobStore, keys: SigningKeyCache?) {
        self.server = server
        self.jobs = jobs
        self.keys = keys
    }

    /// Ends the job in hand and the requests in hand. Blocking.
    func stop() {
        jobs.stop()
        keys?.stop()
        server.stop()
    }
}
