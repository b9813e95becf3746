import DropCore
import Testing
import TwinModel

@testable import TwinStore

@Suite struct `A change set` {
    @Test func `counts each operation once, and changes per twin`() throws {
        let fixture = try StoreFixture()
        let first = try fixture.drop { writer in
            writer.twin("a", ["x": .integer(1)])
            writer.twin("a", ["x": .integer(2)])
            writer.twin("b", ["x": .integer(1)])
            writer.twin("b", .deleteTwin)
            writer.twin("c", .deleteTwin)
        }
        #expect(first.books.created == 1)
        #expect(first.books.superseded == 2)
        #expect(first.books.unchanged == 2)
        #expect(first.books.operations == 5)
        #expect(try fixture.store.history.twin("a")?["x"] == 2)
        #expect(try fixture.store.history.twin("b") == nil)
    }

    @Test func `tells which records say otherwise what an earlier one said`() throws {
        let fixture = try StoreFixture()
        let first = try fixture.drop { writer in
            for value: Int64 in [1, 1, 2] { writer.twin("DUP", ["x": .integer(value)]) }
            for value: Int64 in [1, 2] { for id in ["b", "c", "d", "e"] { writer.twin(id, ["x": .integer(value)]) } }
        }
        #expect(first.books.superseded == 5 && first.reason?.code == .superseded)
        let message = first.reason?.message ?? ""
        #expect(message.hasPrefix("5 records of this file state otherwise what an earlier one stated"), "\(message)")
        #expect(message.contains("DUP (record 3 after record 2), b (record 8 after record 4), c (record 9"), "\(message)")
        #expect(message.hasSuffix("and 2 more."), "\(message)")
        let second = try fixture.drop { writer in for id in ["DUP", "b", "f"] { writer.twin(id, ["x": .integer(2)]) } }
        #expect(second.reason == nil && second.books.superseded == 0)
        let back = try fixture.drop { writer in for value: Int64 in [3, 2] { writer.twin("DUP", ["x": .integer(value)]) } }
        #expect(back.reason?.message.contains("DUP (record 2 after record 1).") == true)
    }

    /// The defect: an earlier record that says what the graph has left no trace, so nobody was told that a later one overruled
    /// it.
    @Test(arguments: [false, true])
    func `tells of a record that changes what an earlier one left as it was`(isKnownByItsFingerprint: Bool) throws {
        let fixture = try StoreFixture()
        for _ in 0..<(isKnownByItsFingerprint ? 2 : 1) {
            try fixture.drop { writer in for id in ["a", "b", "c"] { writer.twin(id, ["x": .integer(1)]) } }
        }
        let result = try fixture.drop(isKnownByItsFingerprint ? "erp" : "wms") { writer in
            writer.twin("a", ["x": .integer(1)])
            writer.twin("b", ["x": .integer(1)])
            writer.twin("c", ["x": .integer(1)])
            writer.twin("a", ["x": .integer(2)])
            writer.twin("b", .deleteTwin)
            writer.twin("a", ["x": .integer(3)])
        }
        let books = result.books
        #expect(books.superseded == 3 && books.unchanged == 1 && books.updated == 1 && books.deleted == 1, "\(books)")
        #expect(books.operations == 6)
        let message = result.reason?.message ?? ""
        #expect(message.hasPrefix("3 records of this file state otherwise what an earlier one stated"), "\(message)")
        #expect(message.contains("a (record 4 after one that changed nothing), b (record 5 after one"), "\(message)")
        #expect(message.hasSuffix("a (record 6 after record 4)."), "\(message)")
    }

    @Test func `tells of no record that only says more`() throws {
        let fixture = try StoreFixture()
        let first = try fixture.drop { writer in
            writer.twin("a", ["x": .integer(1)])
            writer.twin("a", ["y": .integer(2)])
        }
        #expect(first.reason == nil && first.books.created == 1 && first.books.superseded == 1)
    }

    /// A refused record states nothing.
    @Test func `tells of no record behind a refused one`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { $0.twin("a", ["x": .integer(1)]) }
        var policy = ApplyPolicy()
        policy.mode = .snapshot
        policy.rejectsShareMax = 1
        let result = try fixture.drop(policy: policy) { writer in
            writer.twin("a", ["x": .integer(1)])
            writer.reject(code: "number", message: "No number.")
            writer.twin("a", ["x": .integer(2)])
        }
        #expect(result.books.recordsRejected == 1 && result.books.updated == 1 && result.books.superseded == 0)
        #expect(result.reason?.message.contains("state otherwise") != true)
    }

    @Test func `that reverts itself changes nothing`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { $0.twin("a", ["x": .integer(1)]) }
        let result = try fixture.drop { writer in
            writer.twin("a", ["x": .integer(2)])
            writer.twin("a", ["x": .integer(1)])
        }
        #expect(result.books.changes == 0)
        #expect(result.books.superseded == 1)
        #expect(result.books.unchanged == 1)
        #expect(try fixture.store.history.history("a").count == 1)
    }

    @Test func `rejects a record whole, and keeps nothing of it`() throws {
        let fixture = try StoreFixture()
        let set = try fixture.changeSet { writer in
            writer.twin("kept", ["x": .integer(1)])
            let key = writer.key("x")
            writer.record(length: 10)
            writer.beginTwin(.upsertTwin, "withdrawn")
            writer.set(key, .integer(1))
            writer.end()
            writer.beginTwin(.patchTwin, "missing")
            writer.set(key, .integer(1))
            writer.end()
            writer.twin(String(repeating: "i", count: 129))
            writer.record(length: 10)
            writer.reject(code: "bad-number", message: "column 3")
            writer.record(length: 10)
        }
        #expect(set.changes.rejections.map(\.code) == ["missing-twin", "id", "bad-number"])
        #expect(set.changes.rejections.map(\.record) == [2, 3, 4])
        #expect(set.changes.rejections.map(\.offset) == [10, 20, 30])
        let books = try fixture.store.graph.commit([set])[0].get().books
        #expect(books.recordsRead == 5)
        #expect(books.recordsUsed == 1)
        #expect(books.recordsFiltered == 1)
        #expect(books.recordsRejected == 3)
        #expect(books.operations == 1)
        #expect(try fixture.store.history.twin("withdrawn") == nil)
    }

    @Test func `keeps to the models and prefixes of its policy`() throws {
        let fixture = try StoreFixture()
        var policy = ApplyPolicy()
        policy.models = ["dtmi:good;1"]
        policy.twinPrefixes = ["erp-"]
        let set = try fixture.changeSet(policy: policy) { writer in
            writer.twin("erp-1", model: "dtmi:good;1")
            writer.twin("erp-2", model: "dtmi:bad;1")
            writer.twin("wms-1")
        }
        #expect(set.changes.rejections.map(\.code) == ["model", "prefix"])
        #expect(try fixture.store.graph.commit([set])[0].get().books.created == 1)
        #expect(try fixture.store.history.twin("erp-1")?["$metadata"]?["$model"] == "dtmi:good;1")
    }

    @Test func `that was abandoned leaves no trace`() throws {
        let fixture = try StoreFixture()
        let set = try fixture.changeSet { $0.twin("a", ["x": .integer(1)]) }
        set.changes.abandon()
        #expect(try fixture.store.history.counts().twins == 0)
        let later = try fixture.drop { $0.twin("a", ["x": .integer(2)]) }
        #expect(later.books.created == 1)
        #expect(try fixture.store.history.twin("a")?["x"] == 2)
    }

    @Test func `starts over when its transform runs again`() throws {
        let fixture = try StoreFixture()
        let (job, record) = fixture.job()
        let builder = try fixture.store.graph.changeSet(for: job)
        try unsafe builder.absorb(fixture.stream("erp") { $0.twin("a", ["x": .integer(1)]) }.span.bytes)
        try builder.restart()
        try unsafe builder.absorb(fixture.stream("erp") { $0.twin("b", ["x": .integer(2)]) }.span.bytes)
        let result = try fixture.store.graph.commit([(try builder.finish(), record)])[0].get()
        #expect(result.books.created == 1)
        #expect(try fixture.store.history.twin("a") == nil)
        #expect(try fixture.store.history.twin("b")?["x"] == 2)
    }

    @Test(arguments: ["$dtId", "$etag", "$metadata", "a b", "a/b/c", "1a", "a_", "{x}"])
    func `rejects a record that sets a property no model can have`(name: String) throws {
        let fixture = try StoreFixture()
        let set = try fixture.changeSet { writer in
            writer.twin("a", ["x": .integer(1), name: .integer(2)])
            writer.twin("b", ["x": .integer(1)])
        }
        #expect(set.changes.rejections.map(\.code) == ["name"])
        #expect(set.changes.rejections.first?.message.contains("'\(name)'") == true)
        #expect(try fixture.store.graph.commit([set])[0].get().books.created == 1)
        #expect(try fixture.store.history.twin("a") == nil)
    }

    @Test func `counts what of its file is no record, by name`() throws {
        let fixture = try StoreFixture()
        let (job, record) = fixture.job(bytes: 100)
        let builder = try fixture.store.graph.changeSet(for: job)
        try unsafe builder.absorb(
            fixture.stream("erp") { writer in
                writer.span(.header, length: 20, name: "header")
                writer.span(.remainder, length: 3, name: "comment")
                writer.record(length: 30)
                writer.span(.remainder, length: 4, name: "comment")
                for number in 0..<40 { writer.span(.remainder, length: 1, name: "part \(number)") }
            }.span.bytes)
        let skipped = [
            SkippedPart(name: "header", parts: 1, bytes: 20, offset: 0),
            SkippedPart(name: "comment", parts: 2, bytes: 7, offset: 20),
        ]
        let changes = try builder.finish()
        #expect(Array(changes.books.skipped.prefix(2)) == skipped)
        #expect(changes.books.skipped.last?.name == "other")
        #expect(changes.books.skipped.reduce(0) { $0 + $1.parts } == 43)
        #expect(changes.books.skipped.count <= 17)
        _ = try fixture.store.graph.commit([(changes, record)])[0].get()
        #expect(try fixture.store.register.drop(record.id)?.books?.skipped == changes.books.skipped)
    }

    @Test func `accounts for the bytes of its file`() throws {
        let fixture = try StoreFixture()
        let (job, _) = fixture.job(bytes: 100)
        let builder = try fixture.store.graph.changeSet(for: job)
        try unsafe builder.absorb(
            fixture.stream("erp") { writer in
                writer.span(.header, length: 20, name: "header")
                writer.record(gap: 5, length: 30)
            }.span.bytes)
        let changes = try builder.finish()
        #expect(changes.books.bytesAccounted == 50)
        #expect(changes.books.bytesUnaccounted == 50)
        #expect(changes.spans == [FileSpan(kind: .header, offset: 0, length: 20, name: "header")])
        changes.abandon()
    }

    @Test func `tells what it would change`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            writer.twin("a", ["x": .integer(1)])
            writer.twin("b", ["x": .integer(1)])
        }
        let set = try fixture.changeSet { writer in
            writer.twin("a", ["x": .integer(2)])
            writer.twin("b", .deleteTwin)
            writer.twin("c", model: "dtmi:m;1", ["x": .integer(3)])
        }
        var planned: [PlannedChange] = []
        try (set.changes as! DropChanges).forEachChange { planned.append($0) }
        set.changes.abandon()
        planned.sort { $0.id < $1.id }
        #expect(planned.map(\.outcome) == [.updated, .deleted, .created])
        #expect(planned.map(\.id) == ["a", "b", "c"])
        #expect(planned[0].before == ["x": 1])
        #expect(planned[0].after == ["x": 2])
        #expect(planned[2].after == ["$model": "dtmi:m;1", "x": 3])
    }

    @Test func `larger than memory goes through the scratch folder`() throws {
        let fixture = try StoreFixture()
        let text = String(repeating: "t", count: 2000)
        let result = try fixture.drop { writer in
            for index in 0..<12_000 { writer.twin("twin-\(index)", ["t": .string(text + "\(index)")]) }
            writer.twin("twin-5", ["t": .string("folded")])
        }
        #expect(result.books.created == 12_000)
        #expect(result.books.superseded == 1)
        #expect(try fixture.store.history.twin("twin-5")?["t"] == "folded")
        #expect(try fixture.store.history.twin("twin-11999")?["t"] == .string(text + "11999"))
    }
}

@Suite struct `A guard` {
    @Test func `holds a snapshot that would delete too much, and lets a released one pass`() throws {
        let fixture = try StoreFixture()
        var policy = ApplyPolicy()
        policy.mode = .snapshot
        try fixture.drop(policy: policy) { writer in for index in 0..<100 { writer.twin("t\(index)", ["x": .integer(1)]) } }
        let error = #expect(throws: DropError.self) {
            try fixture.changeSet(policy: policy) { writer in for index in 0..<50 { writer.twin("t\(index)", ["x": .integer(1)]) }
            }
        }
        #expect(error?.code == .guardDeletes)
        #expect(error?.remedy == .hold)
        #expect(error?.message.contains("50 of 100 twins") == true)
        let result = try fixture.drop(policy: policy, released: true) { writer in
            for index in 0..<50 { writer.twin("t\(index)", ["x": .integer(1)]) }
        }
        #expect(result.books.deletedByAbsence == 50)
        #expect(result.books.unchanged == 50)
        #expect(try fixture.store.history.counts().twins == 50)
    }

    @Test(arguments: [false, true])
    func `holds a snapshot that would delete all there is, however few`(changedKeys: Bool) throws {
        let fixture = try StoreFixture()
        var policy = ApplyPolicy()
        policy.mode = .snapshot
        try fixture.drop(policy: policy) { writer in for index in 0..<4 { writer.twin("t\(index)", ["x": .integer(1)]) } }
        let write = { (writer: inout OperationWriter) in
            if changedKeys { for index in 0..<4 { writer.twin("T\(index)", ["x": .integer(1)]) } }
        }
        let error = #expect(throws: DropError.self) { try fixture.changeSet(policy: policy, write) }
        #expect(error?.code == .guardDeletes)
        #expect(error?.message.contains("all 4 twins") == true)
        #expect(try fixture.drop(policy: policy, released: true, write).books.deletedByAbsence == 4)
    }

    @Test func `holds an increment that would delete all there is, but not the one twin that a record names`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in for index in 0..<3 { writer.twin("t\(index)", ["x": .integer(1)]) } }
        let error = #expect(throws: DropError.self) {
            try fixture.changeSet { writer in for index in 0..<3 { writer.twin("t\(index)", .deleteTwin) } }
        }
        #expect(error?.code == .guardDeletes)
        try fixture.drop { writer in for index in 0..<2 { writer.twin("t\(index)", .deleteTwin) } }
        try fixture.drop { writer in writer.twin("t2", .deleteTwin) }
        #expect(try fixture.store.history.counts().twins == 0)
    }

    @Test func `holds a drop of which nothing could be used, however few its records`() throws {
        let fixture = try StoreFixture()
        let error = #expect(throws: DropError.self) { try fixture.changeSet { $0.twin("none", .patchTwin) } }
        #expect(error?.code == .nothingUsable)
        #expect(error?.message.contains("1 record was refused (record 1)") == true)
        #expect(try fixture.drop(released: true) { $0.twin("none", .patchTwin) }.books.recordsRejected == 1)
    }

    @Test func `holds a snapshot that lacks too much, also when nothing of it would be deleted`() throws {
        let fixture = try StoreFixture()
        var policy = ApplyPolicy()
        policy.mode = .snapshot
        try fixture.drop(policy: policy) { writer in for index in 0..<100 { writer.twin("t\(index)", ["x": .integer(1)]) } }
        let half = { (writer: inout OperationWriter) in
            for index in 0..<50 { writer.twin("t\(index)", ["x": .integer(1)]) }
            writer.record(length: 10)
            writer.reject(code: "cut", message: "too few cells")
        }
        let error = #expect(throws: DropError.self) { try fixture.changeSet(policy: policy, half) }
        #expect(error?.code == .guardDeletes)
        #expect(error?.message.contains("50 of 100 twins") == true)
        #expect(error?.message.contains("1 record was refused (record 51)") == true)
        let result = try fixture.drop(policy: policy, released: true, half)
        #expect(result.books.deletedByAbsence == 0)
        #expect(result.books.withheldTwins == 50)
        #expect(try fixture.store.history.counts().twins == 100)
    }

    @Test func `holds a drop with too many rejects`() throws {
        let fixture = try StoreFixture()
        let error = #expect(throws: DropError.self) {
            try fixture.changeSet { writer in for index in 0..<20 { writer.twin("t\(index)", .patchTwin) } }
        }
        #expect(error?.code == .nothingUsable)
    }
}
