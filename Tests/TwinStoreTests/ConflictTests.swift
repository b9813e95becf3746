import DropCore
import Testing
import TwinModel
import TwinService

@testable import TwinStore

/// Others write to twins of a large drop between its comparison and its commit (docs/decisions/0037-conflicts.md).
@Suite struct `A large drop whose twins others write to` {
    private let fixture: ServiceFixture
    private static let rows = 24_000
    /// What the drop says of each row, beside the number of its seats.
    private static let name = String(repeating: "a name that makes the drop large; ", count: 3)

    init() throws {
        fixture = try ServiceFixture()
        let (job, record) = fixture.base.job()
        let changes = try compare(job)
        _ = try fixture.base.store.graph.commit([(changes, record)])[0].get()
    }

    private func compare(
        _ job: ApplyJob, _ verb: OperationVerb = .upsertTwin, more: (inout OperationWriter) -> Void = { _ in }
    ) throws -> any ChangeSet {
        let builder = try fixture.base.store.graph.changeSet(for: job)
        var writer = OperationWriter()
        for row in 0..<Self.rows {
            writer.twin(
                "r-\(row)", verb, model: "dtmi:test:Room;1", ["name": .string(Self.name), "seats": .integer(Int64(row))])
            guard row % 500 == 499 else { continue }
            try unsafe builder.absorb(writer.takeBytes().span.bytes)
        }
        more(&writer)
        try unsafe builder.absorb(writer.takeBytes().span.bytes)
        return try builder.finish()
    }

    /// Compares, lets somebody write, and commits; a drop that was read without being kept is read once more, and only once.
    private func apply(
        _ verb: OperationVerb = .upsertTwin, tries: Int = 2, more: (inout OperationWriter) -> Void = { _ in },
        meanwhile write: (_ attempt: Int) throws -> Void
    ) throws -> CommitResult {
        let (job, record) = fixture.base.job()
        for attempt in 1...tries {
            let changes = try compare(job, verb, more: more)
            try write(attempt)
            switch try fixture.base.store.graph.commit([(changes, record)])[0] {
            case .success(let result): return result
            case .failure(let error):
                guard error.code == .conflict, attempt < tries, case .retry = error.remedy else { throw error }
            }
        }
        throw DropError(.storage, "never applied", hint: "-", remedy: .stop)
    }

    private func seats(_ row: Int) throws -> JSON? { try fixture.store.twin("r-\(row)").document["seats"] }

    @Test func `is read once more, says who wrote, and then waits for nobody`() throws {
        let (job, record) = fixture.base.job()
        let first = try compare(job)
        _ = try fixture.patch("r-7", #"[{"op":"add","path":"/seats","value":99}]"#)
        let refused = fixture.base.store
        let error = #expect(throws: DropError.self) { try refused.graph.commit([(first, record)])[0].get() }
        #expect(error?.code == .conflict)
        #expect(error?.message.contains("tester (patch twin r-7)") == true, "\(error?.message ?? "")")
        let second = try compare(job)
        for value in 100..<120 { _ = try fixture.patch("r-7", #"[{"op":"add","path":"/seats","value":\#(value)}]"#) }
        let result = try fixture.base.store.graph.commit([(second, record)])[0].get()
        #expect(result.books.updated == 1 && result.books.unchanged == UInt64(Self.rows - 1), "\(result.books)")
        #expect(try seats(7) == 7)
    }

    @Test func `is applied at the first try where others are known to write`() throws {
        _ = try fixture.patch("r-1", #"[{"op":"add","path":"/tags","value":{"a":"b"}}]"#)
        let result = try apply(tries: 1) { _ in
            _ = try fixture.patch("r-7", #"[{"op":"add","path":"/tags","value":{"c":"d"}}]"#)
            _ = try fixture.patch("r-8", #"[{"op":"add","path":"/seats","value":0},{"op":"remove","path":"/name"}]"#)
            _ = try fixture.patch("r-23999", #"[{"op":"add","path":"/seats","value":0}]"#)
        }
        #expect(result.books.updated == 2 && result.books.unchanged == UInt64(Self.rows - 2), "\(result.books)")
        #expect(try fixture.store.twin("r-7").document["tags"] == ["c": "d"])
        #expect(try seats(8) == 8)
        #expect(try seats(23_999) == 23_999)
        #expect(try fixture.store.twin("r-8").document["name"] == .string(Self.name))
        let again = try apply(tries: 1) { _ in }
        #expect(again.books.unchanged == UInt64(Self.rows), "\(again.books)")
    }

    @Test func `makes a twin again that was deleted meanwhile`() throws {
        let result = try apply { attempt in
            if attempt == 2 {
                try fixture.store.delete(twin: "r-9", .none, by: fixture.me)
            } else {
                _ = try fixture.patch("r-1", #"[{"op":"add","path":"/seats","value":5}]"#)
            }
        }
        #expect(result.books.created == 1, "\(result.books)")
        #expect(try seats(9) == 9)
        #expect(try seats(1) == 1)
    }

    @Test func `says its last word where it speaks of a twin more than once`() throws {
        let more: (inout OperationWriter) -> Void = {
            $0.twin("r-5", model: "dtmi:test:Room;1", ["temperature": .double(1.5)])
            $0.twin("r-5", .patchTwin, ["seats": .integer(5)])
        }
        _ = try apply(tries: 2, more: more) { _ in }
        let result = try apply(more: more) { _ in
            _ = try fixture.patch(
                "r-5", #"[{"op":"add","path":"/seats","value":50},{"op":"add","path":"/temperature","value":0}]"#)
        }
        #expect(result.books.updated == 1, "\(result.books)")
        #expect(try seats(5) == 5)
        #expect(try fixture.store.twin("r-5").document["temperature"] == 1.5)
    }

    @Test func `replaces what others added to a twin it replaces`() throws {
        _ = try apply(.replaceTwin) { _ in }
        let result = try apply(.replaceTwin) { _ in
            _ = try fixture.patch("r-6", #"[{"op":"add","path":"/tags","value":{"a":"b"}}]"#)
        }
        #expect(result.books.updated == 1, "\(result.books)")
        #expect(try fixture.store.twin("r-6").document["tags"] == nil)
    }

    @Test func `says nothing with a refused record`() throws {
        let more: (inout OperationWriter) -> Void = {
            let seats = $0.key("seats")
            $0.record(length: 10)
            $0.beginTwin(.upsertTwin, "r-3", model: 0)
            $0.set(seats, .integer(1000))
            $0.end()
            $0.reject(code: "wrong", message: "no")
        }
        let result = try apply(more: more) { _ in
            _ = try fixture.patch("r-3", #"[{"op":"add","path":"/seats","value":44}]"#)
        }
        #expect(result.books.recordsRejected == 1)
        #expect(try seats(3) == 3)
    }

    @Test func `states its relationships again`() throws {
        try fixture.floor("f")
        let more: (inout OperationWriter) -> Void = {
            $0.relationship("f", "has", "r-1", id: "one", .upsertRelationship, ["since": .integer(1)])
            $0.relationship("f", "has", "r-2", id: "two", .upsertRelationship, ["since": .integer(2)])
        }
        _ = try apply(more: more) { _ in }
        let result = try apply(more: more) { _ in
            _ = try fixture.store.patch(
                relationship: "two", of: "f", JSON(parsing: #"[{"op":"add","path":"/since","value":9}]"#), .none,
                by: fixture.me)
        }
        #expect(result.books.updated == 1, "\(result.books)")
        #expect(try fixture.store.relationship("two", of: "f").document["since"] == 2)
        let moved = try apply(more: more) { _ in
            try fixture.store.delete(relationship: "one", of: "f", .none, by: fixture.me)
        }
        #expect(moved.books.created == 1, "\(moved.books)")
    }

    @Test func `keeps what it may in memory, and gives its file back`() throws {
        let kept = KeptFrames(folder: fixture.base.folder)
        let frame = [UInt8](repeating: 7, count: 300_000)
        for _ in 0..<20 { kept.keep(frame.span) }
        #expect(kept.isComplete && kept.isSpilled)
        var (count, bytes) = (0, UInt64(0))
        for _ in 0..<2 {
            (count, bytes) = (0, 0)
            try kept.forEach { (span, position) throws(DropError) in
                #expect(span.count == 300_000 && span[299_999] == 7 && position == bytes)
                count += 1
                bytes += UInt64(span.count)
            }
        }
        #expect(count == 20 && bytes == 6_000_000)
        let none = KeptFrames(folder: "/no/such/folder")
        for _ in 0..<20 { none.keep(frame.span) }
        #expect(!none.isComplete)
    }
}
