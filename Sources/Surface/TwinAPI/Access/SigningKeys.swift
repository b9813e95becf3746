import DropCore
import JWTKit
import TwinModel

/// The keys of an identity provider: one JSON Web Key Set (RFC 7517).
///
/// Providers also publish keys for other purposes. Unusable ones are skipped: keys for encryption, and keys of unknown kinds or
/// algorithms.
struct SigningKeys: Sendable {
    private let collection: JWTKeyCollection
    private let ids: Set<String>
    /// Whether some key has no id: then any token may be signed by it.
    private let hasNameless: Bool

    /// Errors: `jwt-keys` if the text is not a key set, or none of its keys can be used.
    init(keySet: [UInt8]) async throws(StartError) {
        guard let set = try? JSON(parsing: keySet, depthMax: 16), let list = set["keys"]?.elements else {  // Said below.
            throw Self.failure("are no JSON Web Key Set")
        }
        let collection = JWTKeyCollection()
        var ids: Set<String> = []
        var nameless = 0
        for key in list {
            guard let members = key.members, key["use"]?.string ?? "sig" == "sig" else { continue }
            var entry = key
            let id = key["kid"]?.string
            if id == nil { entry = .object(members + [.init("kid", .string("nameless \(nameless)"))]) }
            let text = String(decoding: JSON.object([.init("keys", .array([entry]))]).utf8(), as: UTF8.self)
            // Passed over: see above.
            guard (try? await collection.add(jwksJSON: text)) != nil else { continue }
            if let id { ids.insert(id) } else { nameless += 1 }
        }
        guard !ids.isEmpty || nameless > 0 else { throw Self.failure("hold none that can check a signature") }
        self.collection = collection
        self.ids = ids
        hasNameless = nameless > 0
    }

    /// Whether a token that names the key `id`, or none, can be signed by one of these.
    func mayHold(_ id: String?) -> Bool { id.map { ids.contains($0) || hasNameless } ?? true }

    /// The claims of a token that one of the keys has signed. Errors: of JWTKit.
    func verify<Claims: JWTPayload>(_ token: String, naming id: String?, as: Claims.Type) async throws -> Claims {
        try await collection.verify(token, as: Claims.self, iteratingKeys: id.map { !ids.contains($0) } ?? true)
    }

    private static func failure(_ what: String) -> StartError {
        StartError(
            .jwtKeys, "The keys of http.jwt \(what).", hint: "Give what the provider's jwks_uri gives, unchanged.")
    }
}
