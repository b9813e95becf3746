import DropCore
import JWTKit
import Testing

@testable import TwinAPI

/// What an identity provider signs.
private struct Claims: JWTPayload {
    var iss = "https://login.example"
    var sub = "someone"
    var aud = ["twins"]
    var exp = 2_000.0
    var nbf: Double? = 1_000.0
    var roles: [String]? = ["Operator", "other"]

    func verify(using algorithm: some JWTAlgorithm) {}
}

@Suite struct `A JWT` {
    private let signer = ES256PrivateKey()

    private func check(_ standardRole: Role? = nil) async throws -> JWTCheck {
        let set = try KeySet.text([("k", signer)])
        let keys = SigningKeyCache(name: "test", refresh: .seconds(3600), log: KeySet.quiet) { Array(set.utf8) }
        let rules = JWTRules(issuer: "https://login.example", audience: "twins", standardRole: standardRole)
        return JWTCheck(rules: rules, keys: keys, clock: { 1_500_000_000 })
    }

    private func sign(_ claims: Claims, by key: ES256PrivateKey? = nil) async throws -> String {
        try await JWTKeyCollection().add(ecdsa: key ?? signer, kid: "k").sign(claims, kid: "k")
    }

    @Test func `of the provider opens what its role claim says`() async throws {
        let found = try #require(await check().caller(of: sign(Claims())))
        #expect(found.caller.name == "someone" && found.role == .operator)
    }

    @Test func `without a role gets the standard one, or is refused`() async throws {
        let token = try await sign(Claims(roles: nil))
        #expect(try await check().caller(of: token) == nil)
        #expect(try await check(.viewer).caller(of: token)?.role == .viewer)
    }

    @Test(arguments: [
        Claims(iss: "https://evil.example"), Claims(aud: ["others"]), Claims(aud: []), Claims(exp: 1_400), Claims(nbf: 1_700),
    ])
    private func `that is another's, or not of now, is refused`(claims: Claims) async throws {
        #expect(try await check(.admin).caller(of: sign(claims)) == nil)
    }

    @Test func `that names no key is checked with all of them`() async throws {
        let set = try KeySet.text([("a", ES256PrivateKey()), ("b", signer), (nil, ES256PrivateKey())])
        let keys = SigningKeyCache(name: "test", refresh: .seconds(3600), log: KeySet.quiet) { Array(set.utf8) }
        defer { keys.stop() }
        let rules = JWTRules(issuer: "https://login.example", audience: "twins")
        let check = JWTCheck(rules: rules, keys: keys, clock: { 1_500_000_000 })
        let nameless = try await JWTKeyCollection().add(ecdsa: signer).sign(Claims())
        #expect(await check.caller(of: nameless)?.role == .operator)
    }

    @Test func `that is forged or damaged is refused`() async throws {
        let check = try await check(.admin)
        #expect(try await check.caller(of: sign(Claims(), by: ES256PrivateKey())) == nil)
        for text in ["", "a.b.c", try await sign(Claims()) + "x", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."] {
            #expect(await check.caller(of: text) == nil)
        }
    }
}
