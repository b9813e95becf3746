import CodecKit
import DropCore
import JWTKit
import TwinModel

/// What makes a JWT of an identity provider valid here.
package struct JWTRules: Sendable, Equatable {
    /// `iss`, compared exactly.
    package let issuer: String
    /// One of `aud`, compared exactly.
    package let audience: String
    /// The claim that holds the role's name, or a list with it.
    package let roleClaim: String
    /// The role of a token whose claim names none; nil: it is refused.
    package let standardRole: Role?

    package init(issuer: String, audience: String, roleClaim: String = "roles", standardRole: Role? = nil) {
        self.issuer = issuer
        self.audience = audience
        self.roleClaim = roleClaim
        self.standardRole = standardRole
    }
}

/// Checks JWTs: signature by one of the provider's keys, issuer, audience, time.
package struct JWTCheck: Sendable {
    private let rules: JWTRules
    private let keys: SigningKeyCache
    private let clock: @Sendable () -> Int64

    /// How far the clocks of provider and this machine may differ. Unit: microseconds.
    private static let leeway: Int64 = 60_000_000

    /// - Parameter clock: microseconds since 1970.
    package init(rules: JWTRules, keys: SigningKeyCache, clock: @escaping @Sendable () -> Int64) {
        self.rules = rules
        self.keys = keys
        self.clock = clock
    }

    /// The owner of a token; nil if it is not valid, or names no role. The provider may be asked for its keys.
    func caller(of token: String) async -> (caller: Caller, role: Role)? {
        guard let (caller, role) = await person(of: token), let role else { return nil }
        return (caller, role)
    }

    /// The owner of a token, with the role that it names, or none; nil if it is not valid. The provider may be asked for its
    /// keys.
    func person(of token: String) async -> (caller: Caller, role: Role?)? {
        // A token with critical headers must be refused unless all of them are understood (RFC 7515, section 4.1.11). None is
        // understood here.
        guard let header = Self.header(of: token), header["crit"] == nil else { return nil }
        let id = header["kid"]?.string
        guard let keys = await keys.keys(naming: id), keys.mayHold(id) else { return nil }
        // The answer is 401 for every fault of a token, because its sender can decode it.
        guard let claims = try? await keys.verify(token, naming: id, as: Claims.self) else { return nil }
        let now = clock()
        guard claims.issuer == rules.issuer, claims.audiences.contains(rules.audience),
            now < Self.microseconds(claims.expiry) + Self.leeway,
            claims.notBefore.map({ now >= Self.microseconds($0) - Self.leeway }) ?? true
        else { return nil }
        let names = claims.texts[rules.roleClaim] ?? []
        let role = names.compactMap({ Role(rawValue: $0.lowercased()) }).max() ?? rules.standardRole
        return (Caller(name: String(decoding: Array(claims.subject.utf8.prefix(256)), as: UTF8.self)), role)
    }

    private static func header(of token: String) -> JSON? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64URL.decoded(parts[0]), bytes.count <= 4096 else { return nil }
        return try? JSON(parsing: bytes, depthMax: 4)  // Not a JWT, then.
    }

    private static func microseconds(_ seconds: Double) -> Int64 {
        seconds.isNaN ? 0 : Int64((min(max(seconds, 0), 1e11) * 1_000_000).rounded())
    }

    /// The claims that are checked. Decoded by hand, because the library's own claim for `aud` stops the process at an empty
    /// list.
    private struct Claims: JWTPayload {
        let issuer: String
        let subject: String
        let audiences: [String]
        let expiry: Double
        let notBefore: Double?
        /// Every claim that is text or a list of texts.
        let texts: [String: [String]]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            var texts: [String: [String]] = [:]
            for key in container.allKeys {
                // Claims of other types are ignored.
                if let text = try? container.decode(String.self, forKey: key) {
                    texts[key.stringValue] = [text]
                } else if let list = try? container.decode([String].self, forKey: key) {
                    texts[key.stringValue] = list
                }
            }
            self.texts = texts
            // One issuer, as text. A list is not an issuer.
            issuer = (try? container.decode(String.self, forKey: Name("iss"))) ?? ""
            subject = texts["sub"]?.first ?? texts["appid"]?.first ?? "jwt"
            audiences = texts["aud"] ?? []
            expiry = try container.decode(Double.self, forKey: Name("exp"))
            notBefore = try container.decodeIfPresent(Double.self, forKey: Name("nbf"))
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Name.self)
            for (name, list) in texts { try container.encode(list, forKey: Name(name)) }
            try container.encode(expiry, forKey: Name("exp"))
            try container.encodeIfPresent(notBefore, forKey: Name("nbf"))
        }

        func verify(using algorithm: some JWTAlgorithm) {}

        private struct Name: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(_ text: String) { stringValue = text }
            init?(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
    }
}
