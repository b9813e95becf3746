import DropCore
import Foundation
import JWTKit
import Logging
import Testing
import ThreadKit

@testable import TwinAPI

/// Key sets as a provider publishes them.
enum KeySet {
    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A set of public keys with their ids, and what else stands in it.
    static func text(_ keys: [(id: String?, key: ES256PrivateKey)], more: String = "") throws -> String {
        let entries = try keys.map { id, key in
            let point = try #require(key.parameters)
            func base64URL(_ text: String) -> String {
                text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
            }
            let name = id.map { #""kid":"\#($0)","# } ?? ""
            return """
                {"kty":"EC","crv":"P-256",\(name)"alg":"ES256","use":"sig","x":"\(base64URL(point.x))","y":"\(base64URL(point.y))"}
                """
        }
        return #"{"keys":[\#((entries + (more.isEmpty ? [] : [more])).joined(separator: ","))]}"#
    }
}

/// A provider whose keys a test sets, and that counts how often it is asked.
private final class Provider: Sendable {
    private let state: Monitor<(answer: Result<[UInt8], StartError>, asked: Int)>

    init(_ text: String?) { state = Monitor((Self.answer(text), 0)) }

    func publish(_ text: String?) { state.with { $0.answer = Self.answer(text) } }

    var asked: Int { state.with { $0.asked } }

    func fetch() throws(StartError) -> [UInt8] {
        let answer = state.with { state in
            state.asked += 1
            return state.answer
        }
        return try answer.get()
    }

    private static func answer(_ text: String?) -> Result<[UInt8], StartError> {
        text.map { .success(Array($0.utf8)) }
            ?? .failure(StartError(.jwtKeys, "It cannot be reached.", hint: ""))
    }

    func ring() -> SigningKeyCache {
        SigningKeyCache(name: "provider", refresh: .seconds(3600), log: KeySet.quiet) { [self] () throws(StartError) in
            try fetch()
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `The keys of an identity provider` {
    private let old = ES256PrivateKey()
    private let new = ES256PrivateKey()

    @Test func `are waited for by the first token`() async throws {
        let provider = Provider(try KeySet.text([("old", old)]))
        let ring = provider.ring()
        defer { ring.stop() }
        #expect(await ring.keys(naming: "old")?.mayHold("old") == true)
        #expect(ring.fault == nil)
    }

    @Test func `are asked for once more when a token names a new one, and not for every such token`() async throws {
        let provider = Provider(try KeySet.text([("old", old)]))
        let ring = provider.ring()
        defer { ring.stop() }
        _ = await ring.keys(naming: "old")
        provider.publish(try KeySet.text([("old", old), ("new", new)]))
        #expect(await ring.keys(naming: "new")?.mayHold("new") == true)
        #expect(provider.asked == 2)
        for _ in 0..<5 { #expect(await ring.keys(naming: "made up")?.mayHold("made up") == false) }
        #expect(provider.asked == 2)
    }

    @Test func `stay in use while the provider cannot be reached`() async throws {
        let provider = Provider(try KeySet.text([("old", old)]))
        let ring = provider.ring()
        defer { ring.stop() }
        _ = await ring.keys(naming: "old")
        provider.publish(nil)
        #expect(await ring.keys(naming: "new")?.mayHold("old") == true)
        #expect(provider.asked >= 2 && ring.fault == nil)
    }

    @Test func `that were never had refuse tokens, say why, and are asked for again`() async throws {
        let provider = Provider(nil)
        let ring = provider.ring()
        defer { ring.stop() }
        #expect(await ring.keys(naming: "old") == nil)
        #expect(ring.fault == "It cannot be reached.")
        provider.publish(try KeySet.text([("old", old)]))
        while ring.fault != nil { try await Task.sleep(for: .milliseconds(20)) }
        #expect(await ring.keys(naming: "old")?.mayHold("old") == true)
    }

    @Test func `of a file are read again when it changes, and a damaged file opens nothing`() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("td-jwks-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(KeySet.text([("old", old)]).utf8).write(to: URL(fileURLWithPath: path))
        let ring = try SigningKeyCache(file: path, log: KeySet.quiet)
        defer { ring.stop() }
        #expect(await ring.keys(naming: "old")?.mayHold("old") == true)
        try Data(KeySet.text([("new", new)]).utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        while await ring.keys(naming: "new")?.mayHold("new") != true { try await Task.sleep(for: .milliseconds(20)) }
        #expect(await ring.keys(naming: "old")?.mayHold("old") == false)
        try Data("{}".utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        while await ring.keys(naming: "new") != nil { try await Task.sleep(for: .milliseconds(20)) }
        #expect(ring.fault?.contains("JSON Web Key Set") == true)
    }

    @Test func `may stand beside some that are of no use here`() async throws {
        let more = """
            {"kty":"RSA","kid":"e","use":"enc","alg":"RSA-OAEP","n":"AQAB","e":"AQAB"},{"kty":"oct","kid":"o","k":"c2VjcmV0"},7
            """
        let keys = try await SigningKeys(keySet: Array(KeySet.text([("old", old)], more: more).utf8))
        #expect(keys.mayHold("old") && keys.mayHold(nil))
        #expect(!keys.mayHold("e") && !keys.mayHold("o"))
    }

    @Test(arguments: ["", "[]", "{}", #"{"keys":[]}"#, #"{"keys":[{"kty":"oct","kid":"o","k":"c2VjcmV0"}]}"#])
    func `are an error where there are none`(text: String) async {
        await #expect(throws: StartError.self) { try await SigningKeys(keySet: Array(text.utf8)) }
    }
}

@Suite struct `The schedule of keys` {
    @Test func `asks for a token at most once a minute, and after failures by itself, less and less often`() {
        let begin = ContinuousClock.now
        var schedule = KeySchedule(refresh: .seconds(3600), now: begin)
        #expect(schedule.due == begin)
        schedule.succeeded(at: begin)
        #expect(schedule.due == begin + .seconds(3600))
        let asked = [1, 60, 61].map { schedule.asks(at: begin + .seconds($0)) }
        #expect(asked == [true, false, true])
        let failures = (0..<7).map { _ in
            schedule.failed(at: begin)
            return schedule.due - begin
        }
        #expect(failures == [2, 5, 10, 30, 60, 60, 60].map { .seconds($0) })
        let later = begin + .seconds(1000)
        let whileFailing = schedule.asks(at: later)
        schedule.succeeded(at: later)
        let afterwards = schedule.asks(at: later)
        #expect(!whileFailing && afterwards)
    }
}
