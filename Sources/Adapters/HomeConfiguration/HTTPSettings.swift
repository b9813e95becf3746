import CodecKit
package import CurlKit
import DropCore

/// What `http` says: where the twin service listens, who may call it, and its bounds.
package struct HTTPSettings: Sendable, Equatable {
    /// Where it listens.
    package enum Listen: Sendable, Equatable {
        case off
        /// `isDefault` at the standard address: another program on the port is then no error.
        case at(host: String, port: Int, isDefault: Bool)
    }

    /// Certificate chain and private key, PEM files, absolute.
    package struct TLS: Sendable, Equatable {
        package let certificates: String
        package let key: String
    }

    /// Where the keys of an identity provider are: a JSON Web Key Set.
    package enum Keys: Sendable, Equatable {
        /// Absolute.
        case file(String)
        case web(WebAddress)
    }

    /// What makes a JWT good.
    package struct JWT: Sendable, Equatable {
        package let issuer: String
        package let audience: String
        package let keys: Keys
        /// The time between two requests for the keys of a URL.
        package let refresh: Duration
        package let roleClaim: String
        package let role: Role
    }

    /// What a caller may do; `none` is nothing.
    package enum Role: String, Sendable, CaseIterable { case none, viewer, auditor, `operator`, admin }

    /// As `auto`: admin for the user that runs the daemon, if neither tokens nor JWTs are configured and only this machine can
    /// call; otherwise nothing.
    package enum Anonymous: String, Sendable, CaseIterable { case auto, none, viewer, auditor, `operator`, admin }

    /// Which rules uploaded models must follow: those of the service, or only those of the language.
    package enum Models: String, Sendable, CaseIterable { case azure, dtdl }

    /// Bounds on requests, connections and the graph.
    package struct Limits: Sendable, Equatable {
        /// Units: bytes.
        package let bodyBytes: UInt64
        package let modelsBytes: UInt64
        package let headerBytes: UInt64
        package let connections: Int
        package let readTime: Duration
        package let writeTime: Duration
        package let idleTime: Duration
        package let stopTime: Duration
        package let readThreads: Int
        package let writeThreads: Int
        package let queryThreads: Int
        /// Twins the graph may have before callers can make no more; 0: no bound.
        package let twins: Int
    }

    package let listen: Listen
    package let tls: TLS?
    /// The token file, absolute.
    package let tokens: String?
    package let jwt: JWT?
    package let anonymous: Anonymous
    /// Host names requests may be addressed to, besides addresses and `localhost`, in small letters.
    package let hosts: [String]
    /// Names of endpoints that event routes may lead to.
    package let endpoints: [String]
    package let models: Models
    /// Whether other machines may be served without TLS or without tokens.
    package let insecure: Bool
    package let limits: Limits
    package let jobs: Jobs

    /// What jobs may read and write.
    package struct Jobs: Sendable, Equatable {
        /// Absolute.
        package let folders: [String]
        package let hosts: [WebOrigin]
        /// The largest input from the web. Unit: bytes.
        package let downloadBytes: UInt64
    }

    package static let standardHost = "127.0.0.1"
    package static let standardPort = 7077

    /// `HOST:PORT`, with IPv6 addresses in brackets; nil if it is not valid.
    package static func address(_ text: String) -> (host: String, port: Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        return host.isEmpty ? nil : (String(host), Int(port))
    }
}

extension ConfigurationLoader {
    func readHTTP(_ section: Section) -> HTTPSettings {
        let standard = "\(HTTPSettings.standardHost):\(HTTPSettings.standardPort)"
        var listen = HTTPSettings.Listen.at(host: HTTPSettings.standardHost, port: HTTPSettings.standardPort, isDefault: true)
        if let node = section.take("listen", type: "HOST:PORT|off", standard: standard) {
            switch node.kind {
            case .text("off"), .bool(false): listen = .off  // YAML reads off as false.
            case .text(let text):
                if let (host, port) = HTTPSettings.address(text) {
                    let isDefault = host == HTTPSettings.standardHost && port == HTTPSettings.standardPort
                    listen = .at(host: host, port: port, isDefault: isDefault)
                } else {
                    section.refuse("listen", node, expected: "HOST:PORT, as \(standard), or off")
                }
            default: section.refuse("listen", node, expected: "HOST:PORT, as \(standard), or off")
            }
        }
        let settings = HTTPSettings(
            listen: listen, tls: readTLS(section.section("tls")), tokens: file("tokens", section),
            jwt: readJWT(section.section("jwt")), anonymous: section.choice("anonymous", standard: .auto),
            hosts: section.texts("hosts").map { $0.text.lowercased() }, endpoints: section.texts("endpoints").map(\.text),
            models: section.choice("models", standard: .azure), insecure: section.flag("insecure", standard: false),
            limits: readHTTPLimits(section.section("limits")), jobs: readJobs(section.section("jobs")))
        section.finish()
        return settings
    }

    private func file(_ key: String, _ section: Section) -> String? {
        section.text(key, type: "path", expected: "a file, absolute or in the home").map {
            ConfigurationFiles.absolute($0, from: home)
        }
    }

    private func readTLS(_ section: Section) -> HTTPSettings.TLS? {
        let (certificates, key) = (file("certificates", section), file("key", section))
        section.finish()
        switch (certificates, key) {
        case (nil, nil): return nil
        case (let certificates?, let key?): return HTTPSettings.TLS(certificates: certificates, key: key)
        default:
            section.report(
                .missingKey, certificates == nil ? "certificates" : "key", "TLS needs both a certificate and its key.",
                hint: "Name two PEM files, or neither.")
            return nil
        }
    }

    private func readJWT(_ section: Section) -> HTTPSettings.JWT? {
        let issuer = section.text("issuer", expected: "the issuer's name, as its tokens have it")
        let audience = section.text("audience", expected: "the audience that tokens for this service have")
        let keys = readKeys(section)
        let refresh = section.duration("refresh", standard: .seconds(3600), atLeast: .seconds(60))
        let claim = section.text("role-claim", standard: "roles") ?? "roles"
        let role: HTTPSettings.Role = section.choice("role", standard: .none)
        section.finish()
        guard issuer != nil || audience != nil || section.has("keys") else { return nil }
        guard let issuer, let audience, let keys else {
            if issuer != nil, audience != nil, section.has("keys") { return nil }  // What is wrong with it is said already.
            section.report(
                .missingKey, issuer == nil ? "issuer" : audience == nil ? "audience" : "keys",
                "tokens of an identity provider need issuer, audience and keys.")
            return nil
        }
        return HTTPSettings.JWT(issuer: issuer, audience: audience, keys: keys, refresh: refresh, roleClaim: claim, role: role)
    }

    private func readKeys(_ section: Section) -> HTTPSettings.Keys? {
        let expected = "a file, absolute or in the home, or a URL with https"
        guard let text = section.text("keys", type: "path|URL", expected: expected) else { return nil }
        guard text.contains("://") else { return .file(ConfigurationFiles.absolute(text, from: home)) }
        do throws(TransferError) {
            let address = try WebAddress(text)
            if address.origin.scheme == .https || address.origin.isThisMachine { return .web(address) }
            section.report(
                .badValue, "keys", "the keys would come over plain http, where others can put theirs in.",
                hint: "Use https, or a file.")
        } catch {
            section.report(.badValue, "keys", "found \(Escaping.visible(text)), expected \(expected). \(error.message)")
        }
        return nil
    }

    private func readHTTPLimits(_ section: Section) -> HTTPSettings.Limits {
        let second = Duration.seconds(1)
        let limits = HTTPSettings.Limits(
            bodyBytes: section.size("body", standard: 32 << 10, in: 1024...(1 << 30)),
            modelsBytes: section.size("models", standard: 32 << 20, in: 1024...(1 << 30)),
            headerBytes: section.size("headers", standard: 32 << 10, in: 1024...(1 << 20)),
            connections: Int(section.number("connections", standard: 4096, in: 1...100_000)),
            readTime: section.duration("read-time", standard: .seconds(30), atLeast: second),
            writeTime: section.duration("write-time", standard: .seconds(60), atLeast: second),
            idleTime: section.duration("idle-time", standard: .seconds(120), atLeast: second),
            stopTime: section.duration("stop-time", standard: .seconds(5), atLeast: second),
            readThreads: Int(section.number("read-threads", standard: 4, in: 1...64)),
            writeThreads: Int(section.number("write-threads", standard: 8, in: 1...64)),
            queryThreads: Int(section.number("query-threads", standard: 2, in: 1...64)),
            twins: Int(section.number("twins", standard: 0, in: 0...4_000_000_000)))
        section.finish()
        return limits
    }

    private func readJobs(_ section: Section) -> HTTPSettings.Jobs {
        let folders = section.texts("folders", standard: ["jobs"]).map { ConfigurationFiles.absolute($0.text, from: home) }
        let hosts = section.texts("hosts").compactMap { text, place in
            let origin = WebOrigin(text)
            if origin == nil {
                section.report(
                    .badValue, "hosts", at: place,
                    "found \(Escaping.visible(text)), expected a host: exports.example, exports.example:8443, "
                        + "or http://127.0.0.1:10000 without TLS.")
            }
            return origin
        }
        let size = section.size("download-size", standard: 64 << 30, in: 1024...(1 << 50))
        section.finish()
        return HTTPSettings.Jobs(folders: folders, hosts: hosts, downloadBytes: size)
    }
}
