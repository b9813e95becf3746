import DropCore
import Testing
import TwinModel

@testable import TwinStore

@Suite struct `What one drop may cost` {
    private func failure(
        bytes: UInt64 = 1000, policy: ApplyPolicy = ApplyPolicy(), _ write: (inout OperationWriter) -> Void
    ) throws -> DropError? {
        let fixture = try StoreFixture()
        let builder = try fixture.store.graph.changeSet(for: fixture.job(policy: policy, bytes: bytes).0)
        defer { builder.abandon() }
        var writer = OperationWriter()
        write(&writer)
        do throws(DropError) {
            try unsafe builder.absorb(writer.takeBytes().span.bytes)
            _ = try builder.finish()
            return nil
        } catch { return error }
    }

    @Test func `has two whole files of headers at most`() throws {
        func headers(_ count: Int) throws -> DropError? {
            try failure(bytes: 1 << 20) { writer in
                for index in 0..<count { writer.span(.header, gap: index == 0 ? 0 : -(1 << 20), length: 1 << 20, name: "h") }
            }
        }
        #expect(try headers(2) == nil)
        let error = try headers(400)
        #expect(error?.code == .limit && error?.remedy == .quarantine)
        #expect(error?.message.contains("1048576 bytes") == true)
    }

    @Test func `has four whole files of refused records at most`() throws {
        let error = try failure(bytes: 1 << 20) { writer in
            for index in 0..<10 {
                writer.record(gap: index == 0 ? 0 : -(1 << 20), length: 1 << 20)
                writer.reject(code: "bad", message: "No.")
            }
        }
        #expect(error?.code == .limit)
    }

    @Test func `has reasons of bounded length`() throws {
        let fixture = try StoreFixture()
        let builder = try fixture.store.graph.changeSet(for: fixture.job(released: true).0)
        defer { builder.abandon() }
        var writer = OperationWriter()
        writer.record(length: 1)
        writer.reject(code: String(repeating: "c", count: 5000), message: String(repeating: "m", count: 100_000))
        try unsafe builder.absorb(writer.takeBytes().span.bytes)
        let set = try builder.finish()
        #expect(set.rejections[0].message.utf8.count <= 4096)
        #expect(set.rejections[0].code.utf8.count == 64)
    }

    @Test func `has no more operations than the source may have, whoever counts`() throws {
        var policy = ApplyPolicy()
        policy.operationsFree = 5
        func say(_ bytes: UInt64) throws -> DropError? {
            try failure(bytes: bytes, policy: policy) { writer in
                writer.record(length: 10)
                for index in 0..<20 {
                    writer.beginTwin(.upsertTwin, "t\(index)")
                    writer.end()
                }
            }
        }
        let error = try say(10)
        #expect(error?.code == .limit && error?.hint.contains("operations-free") == true, "\(String(describing: error))")
        #expect(try say(100) == nil)
    }

    @Test func `has no endless parts`() throws {
        let error = try failure { writer in for _ in 0..<3000 { writer.span(.footer, length: 0, name: "f") } }
        #expect(error?.code == .limit)
    }

    @Test func `decides records that wait for one another without trying all of them again for each`() throws {
        var policy = ApplyPolicy()
        policy.dangling = .reject
        policy.rejectsShareMax = 1
        let fixture = try StoreFixture()
        let builder = try fixture.store.graph.changeSet(for: fixture.job(policy: policy).0)
        // A chain of 20,000, whose last link has no end: one after another falls, from behind.
        var writer = OperationWriter()
        let name = writer.key("next")
        for index in 0..<20_000 {
            writer.record(length: 1)
            writer.beginTwin(.upsertTwin, "t\(index)")
            writer.end()
            writer.beginRelationship(.upsertRelationship, source: "t\(index)", name: name, target: "t\(index + 1)")
            writer.end()
        }
        try unsafe builder.absorb(writer.takeBytes().span.bytes)
        let set = try builder.finish()
        #expect(set.books.recordsRejected == 20_000)
        builder.abandon()
    }
}

@Suite struct `The names of a drop` {
    @Test func `that came to nothing are forgotten, in memory and in the database`() throws {
        let fixture = try StoreFixture()
        let source = SourceName("erp")!
        let builder = try fixture.store.graph.changeSet(for: fixture.job().0)
        var writer = OperationWriter()
        for index in 0..<1000 { _ = writer.key("bad\(index)") }
        try unsafe builder.absorb(writer.takeBytes().span.bytes)
        let set = try builder.finish()
        #expect(fixture.store.sourceKeys.knownKeys(of: source) == 1000)
        set.abandon()
        #expect(fixture.store.sourceKeys.knownKeys(of: source) == 0)
        #expect(fixture.store.engine.keys.known("bad7") == nil)
        try fixture.drop { $0.twin("a", ["good": .integer(1)]) }
        #expect(try fixture.store.sourceKeys.keys(of: source) == ["good"])
        try fixture.reopen()
        #expect(fixture.store.engine.keys.known("bad7") == nil && fixture.store.engine.keys.known("good") != nil)
        #expect(try fixture.store.history.twin("a")?["good"] == 1)
    }

    @Test func `stay while another drop uses them`() throws {
        let fixture = try StoreFixture()
        let failing = try fixture.store.graph.changeSet(for: fixture.job("other").0)
        var writer = OperationWriter()
        _ = writer.key("shared")
        try unsafe failing.absorb(writer.takeBytes().span.bytes)
        let good = try fixture.changeSet { $0.twin("a", ["shared": .integer(1)]) }
        failing.abandon()
        _ = try fixture.store.graph.commit([good])[0].get()
        try fixture.drop("third") { $0.twin("b", ["fresh": .integer(2)]) }
        try fixture.reopen()
        #expect(try fixture.store.history.twin("a")?["shared"] == 1)
        #expect(try fixture.store.history.twin("b")?["fresh"] == 2)
    }

    @Test func `can be given out anew, and nothing of the graph changes`() throws {
        let fixture = try StoreFixture()
        let source = SourceName("erp")!
        try fixture.drop { writer in
            writer.twin("a", ["x": .integer(1), "y": .integer(2)])
            writer.twin("b", ["y": .integer(3)])
        }
        #expect(try fixture.store.sourceKeys.forgetKeys(of: source) == 2)
        #expect(try fixture.store.sourceKeys.keys(of: source).isEmpty)
        let (job, record) = fixture.job()
        let builder = try fixture.store.graph.changeSet(for: job)
        #expect(throws: DropError.self) { try fixture.store.sourceKeys.forgetKeys(of: source) }
        var writer = OperationWriter()  // The other way round, and with other numbers than before.
        writer.twin("b", ["y": .integer(3)])
        writer.twin("a", ["y": .integer(2), "x": .integer(5)])
        try unsafe builder.absorb(writer.takeBytes().span.bytes)
        let result = try fixture.store.graph.commit([(try builder.finish(), record)])[0].get()
        #expect(result.books.unchanged == 1 && result.books.updated == 1)
        #expect(try fixture.store.sourceKeys.keys(of: source) == ["y", "x"])
        try fixture.reopen()
        #expect(try fixture.store.history.twin("a")?["x"] == 5)
        #expect(try fixture.store.sourceKeys.keys(of: source) == ["y", "x"])
    }
}
