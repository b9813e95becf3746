import DropCore
import Foundation
import Testing
import ThreadKit

@testable import TwinAPI

/// A folder that is gone with this value.
private final class Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("td-api-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
        return path + "/" + name
    }
}

/// Microseconds that a test sets.
private final class Clock: Sendable {
    private let time = Monitor<Int64>(1_700_000_000_000_000)
    var now: Int64 { time.with { $0 } }
    func advance(seconds: Int64) { time.with { $0 += seconds * 1_000_000 } }
}

@Suite struct `A token` {
    @Test func `is found by what was stored of it, which does not hold it`() throws {
        let folder = try Folder()
        let new = try #require(NewToken(name: "dashboard", role: .viewer))
        #expect(!new.line.contains(new.token) && new.token.count > 40)
        let clock = Clock()
        let book = try TokenStore(path: folder.write("# people\n\n\(new.line)\r\n", to: "tokens"), clock: { clock.now })
        #expect(book.entry(for: new.token)?.name == "dashboard")
        #expect(book.entry(for: new.token)?.role == .viewer)
        #expect(book.entry(for: new.token + "x") == nil)
        #expect(book.entry(for: "") == nil)
    }

    @Test func `counts to the end of its last day`() throws {
        let folder = try Folder()
        let new = try #require(NewToken(name: "guest", role: .admin, expires: "2023-11-14"))
        let clock = Clock()  // 2023-11-14T22:13:20Z
        let book = try TokenStore(path: folder.write(new.line, to: "tokens"), clock: { clock.now })
        #expect(book.entry(for: new.token) != nil)
        clock.advance(seconds: 2 * 3600)
        #expect(book.entry(for: new.token) == nil)
    }

    @Test func `goes and comes with its line, and a broken file opens nothing`() throws {
        let folder = try Folder()
        let (one, two) = try (#require(NewToken(name: "one", role: .viewer)), #require(NewToken(name: "two", role: .viewer)))
        let clock = Clock()
        let path = try folder.write(one.line, to: "tokens")
        let book = try TokenStore(path: path, clock: { clock.now })
        _ = try folder.write(two.line + "\n", to: "tokens")
        clock.advance(seconds: 2)
        #expect(book.entry(for: one.token) == nil && book.entry(for: two.token) != nil)
        _ = try folder.write("two viewer 1234\n", to: "tokens")
        clock.advance(seconds: 2)
        #expect(book.entry(for: two.token) == nil)
        #expect(book.fault?.contains("line 1") == true)
    }

    @Test(arguments: ["", "a b", "#x", "a\tb"]) func `has a name without blanks`(name: String) {
        #expect(NewToken(name: name, role: .viewer) == nil)
    }

    @Test func `file with a bad line is refused, by its number`() throws {
        let folder = try Folder()
        let path = try folder.write("# x\nnobody king 00\n", to: "tokens")
        let error = #expect(throws: StartError.self) { try TokenStore(path: path, clock: { 0 }) }
        #expect(error?.message.contains("line 2") == true)
    }
}

@Suite struct `The gate` {
    private func request(_ headers: [String: String]) throws -> APIRequest {
        try #require(APIRequest(method: "GET", target: "/models", headers: headers))
    }

    private func status(_ decision: Authorizer.Decision) -> Int {
        switch decision {
        case .passes: 200
        case .refused(let response): response.status
        }
    }

    @Test(arguments: [
        ("127.0.0.1:7077", 200), ("localhost:7077", 200), ("[::1]:7077", 200), ("10.0.0.7", 200), ("", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403), ("twins.plant", 200),
    ])
    func `lets requests pass that are addressed to this machine`(host: String, expected: Int) async throws {
        let authorizer = Authorizer(anonymous: .admin, hosts: ["twins.plant"])
        #expect(status(await authorizer.decide(try request(["host": host]), needs: .viewer)) == expected)
    }

    @Test(arguments: [("http://127.0.0.1:7077", 200), ("https://evil.example", 403), ("null", 403), ("http://127.0.0.1:80", 403)])
    func `refuses pages of other origins`(origin: String, expected: Int) async throws {
        let authorizer = Authorizer(anonymous: .admin, hosts: [])
        let headers = ["host": "127.0.0.1:7077", "origin": origin]
        #expect(status(await authorizer.decide(try request(headers), needs: .viewer)) == expected)
    }

    @Test func `asks for a token by the header that says how`() async throws {
        let folder = try Folder()
        let new = try #require(NewToken(name: "v", role: .viewer))
        let book = try TokenStore(path: folder.write(new.line, to: "tokens"), clock: { 0 })
        let authorizer = Authorizer(tokens: book, anonymous: nil, hosts: nil)
        guard case .refused(let response) = await authorizer.decide(try request([:]), needs: .viewer) else {
            Issue.record("Nobody was asked for a token.")
            return
        }
        #expect(response.status == 401)
        #expect(response.headers.contains { $0.name == "WWW-Authenticate" && $0.value == "Bearer" })
    }

    @Test func `asks for a token where there are any, and for a role`() async throws {
        let folder = try Folder()
        let new = try #require(NewToken(name: "v", role: .viewer))
        let book = try TokenStore(path: folder.write(new.line, to: "tokens"), clock: { 0 })
        let authorizer = Authorizer(tokens: book, anonymous: nil, hosts: nil)
        #expect(status(await authorizer.decide(try request([:]), needs: .viewer)) == 401)
        #expect(status(await authorizer.decide(try request([:]), needs: nil)) == 200)
        let headers = ["authorization": "bearer \(new.token)"]
        #expect(status(await authorizer.decide(try request(headers), needs: .viewer)) == 200)
        #expect(status(await authorizer.decide(try request(headers), needs: .operator)) == 403)
        #expect(status(await authorizer.decide(try request(["authorization": new.token]), needs: .viewer)) == 401)
    }
}

@Suite struct `A pool of threads` {
    @Test func `runs every call once, and ends when it is closed`() {
        let pool = ThreadPool("test", width: 3, capacity: 10_000)
        let sum = Monitor(0)
        for number in 1...5000 { #expect(pool.submit { sum.with { $0 += number } }) }
        pool.close()
        #expect(sum.with { $0 } == 5000 * 5001 / 2)
        #expect(!pool.submit {})
    }

    @Test func `refuses what its queue cannot take, without waiting`() {
        let pool = ThreadPool("test", width: 1, capacity: 2)
        let (isHeld, isFree) = (Monitor(false), Monitor(false))
        #expect(
            pool.submit {
                isHeld.with { $0 = true }
                isFree.wait(until: { $0 }) { _ in }
            })
        isHeld.wait(until: { $0 }) { _ in }
        #expect(pool.submit {} && pool.submit {} && !pool.submit {})
        isFree.with { $0 = true }
        pool.close()
    }
}
