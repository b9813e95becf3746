import DropCore
import Testing
import TwinModel

@testable import TwinStore

@Suite struct `The history of a twin` {
    @Test func `names the drop, file, record and former value of every change`() throws {
        let fixture = try StoreFixture()
        let made = try fixture.drop("erp") { writer in
            writer.twin("other")
            writer.twin("a", model: "dtmi:m;1", ["x": .integer(1), "y": .string("keep")])
        }
        let changed = try fixture.drop("wms") { $0.twin("a", ["x": .integer(2), "z": .double(0.5)]) }
        let explained = try fixture.store.history.explain("a", "/x")
        #expect(explained.count == 1)
        #expect(explained[0].value == 2)
        #expect(explained[0].before == 1)
        #expect(explained[0].setBy.record?.drop == changed.drop)
        #expect(explained[0].setBy.record?.record == 1)
        #expect(explained[0].setBy.record?.source.text == "wms")
        #expect(explained[0].beforeSetBy?.record?.drop == made.drop)
        #expect(explained[0].beforeSetBy?.record?.record == 2)
        #expect(try fixture.store.history.explain("a", "/y")[0].setBy.record?.drop == made.drop)
        #expect(try fixture.store.history.explain("a", "/y")[0].before == nil)
        let history = try fixture.store.history.history("a")
        #expect(history.map(\.kind) == [.updated, .created])
        #expect(history[0].changes.map(\.pointer) == ["/x", "/z"])
        #expect(history[1].provenance.record?.record == 2)
    }

    @Test func `answers for deleted twins and for twins of the same id`() throws {
        let fixture = try StoreFixture()
        let first = try fixture.drop { $0.twin("a", ["x": .integer(1)]) }
        let second = try fixture.drop { $0.twin("a", .deleteTwin) }
        let third = try fixture.drop { $0.twin("a", ["x": .integer(3)]) }
        #expect(try fixture.store.history.twin("a", asOf: .sequence(first.sequence))?["x"] == 1)
        #expect(try fixture.store.history.twin("a", asOf: .sequence(second.sequence)) == nil)
        #expect(try fixture.store.history.twin("a", asOf: .sequence(third.sequence))?["x"] == 3)
        #expect(try fixture.store.history.twin("a", asOf: .sequence(0)) == nil)
        #expect(try fixture.store.history.history("a").map(\.kind) == [.created, .deleted, .created])
    }

    @Test func `ends at the horizon that pruning sets`() throws {
        let fixture = try StoreFixture()
        let first = try fixture.drop { $0.twin("a", ["x": .integer(1)]) }
        let second = try fixture.drop { $0.twin("a", ["x": .integer(2)]) }
        let third = try fixture.drop { $0.twin("a", ["x": .integer(3)]) }
        #expect(try fixture.store.maintenance.prune(before: fixture.time) == 1)
        #expect(throws: DropError.self) { try fixture.store.history.twin("a", asOf: .sequence(first.sequence)) }
        #expect(try fixture.store.history.twin("a", asOf: .sequence(second.sequence))?["x"] == 2)
        #expect(try fixture.store.history.twin("a", asOf: .sequence(third.sequence))?["x"] == 3)
        try fixture.reopen()
        let next = try fixture.drop { $0.twin("a", ["x": .integer(4)]) }
        #expect(try fixture.store.history.twin("a", asOf: .sequence(next.sequence - 1))?["x"] == 3)
    }

    @Test func `shows a twin as the twin service does`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            writer.twin(
                "a", model: "dtmi:m;1",
                [
                    "on": .bool(true), "thermostat/target": .double(21.5),
                    "seen": .dateTime(microseconds: 1_760_000_000_250_000, offsetMinutes: 120),
                    "geo": .json(["lat": 1.5]), "day": .date(days: 20000),
                ])
        }
        let twin = try #require(try fixture.store.history.twin("a"))
        #expect(twin["$metadata"]?["$model"] == "dtmi:m;1")
        #expect(twin["$metadata"]?["on"]?["lastUpdateTime"] == .string(CalendarText.ticks(Int64(fixture.time) * 10_000)))
        #expect(twin["thermostat"]?["target"] == 21.5)
        #expect(twin["seen"] == "2025-10-09T10:53:20.25+02:00")
        #expect(twin["geo"] == ["lat": 1.5])
        let tag = twin["$etag"]
        #expect(tag?.string?.hasPrefix("W/\"") == true)
        try fixture.drop { $0.twin("a", ["on": .bool(false)]) }
        #expect(try fixture.store.history.twin("a")?["$etag"] != tag)
    }
}

@Suite struct `The store's upkeep` {
    @Test func `gives SQL the values of a record`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            writer.twin("a", ["x": .integer(7), "t": .string("é")])
            writer.twin("b", ["x": .integer(8)])
        }
        let key = try #require(fixture.store.engine.keys.known("x"))
        let ids = try fixture.store.engine.writing { (database) throws(DropError) in
            try RawStatement("CREATE INDEX by_x ON twin(td_value(rec, \(key)))", database).run()
            let query = try RawStatement("SELECT id FROM twin INDEXED BY by_x WHERE td_value(rec, \(key)) = 8", database)
            defer { query.reset() }
            return try query.step() ? query.text(0) : ""
        }
        #expect(ids == "b")
    }

    @Test func `makes a backup that opens`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { $0.twin("a", ["x": .integer(7)]) }
        try fixture.store.maintenance.backup(to: fixture.folder + "/copy.db")
        try fixture.store.maintenance.checkpoint()
        #expect(fixture.store.maintenance.walBytes == 0)
        #expect(try fixture.store.lists.statistics().map(\.ownedTwins) == [1])
    }

    @Test func `keeps the key numbers of each source`() throws {
        let fixture = try StoreFixture()
        try fixture.drop("erp") { $0.twin("a", ["x": .integer(1), "y": .integer(2)]) }
        try fixture.drop("wms") { $0.twin("b", ["y": .integer(1), "x": .integer(2)]) }
        try fixture.reopen()
        #expect(try fixture.store.sourceKeys.keys(of: SourceName("wms")!) == ["y", "x"])
        #expect(try fixture.store.history.twin("b")?.plain == ["$dtId": "b", "x": 2, "y": 1])
        #expect(try fixture.drop("wms") { $0.twin("b", ["y": .integer(1), "x": .integer(2)]) }.books.unchanged == 1)
    }
}

@Suite struct `The register of drops` {
    @Test func `keeps what it was told, through a restart`() throws {
        let fixture = try StoreFixture()
        var (_, record) = fixture.job()
        record.state = .claimed
        try fixture.store.register.recordIntents([record])
        record.state = .quarantined
        record.digest = ContentDigest(bytes: Array(repeating: 9, count: 32))
        record.reason = DropReason(code: .crashed, message: "m", hint: "h")
        record.link = DropLink(kind: .retries, drop: record.id)
        record.plugin = TransformSummary(
            pluginID: "mapping", pluginVersion: "1.0.0", pluginDigest: ContentDigest(bytes: Array(repeating: 1, count: 32)),
            log: ["l"])
        try fixture.store.register.update([record])
        try fixture.reopen()
        #expect(try fixture.store.register.drop(record.id) == record)
        #expect(try fixture.store.register.unfinished().map(\.id) == [record.id])
        #expect(
            try fixture.store.register.drop(withIntake: record.intake, of: record.source, before: DropID(high: .max, low: 0))?.id
                == record.id)
        #expect(try fixture.store.register.find(String(record.id.description.prefix(20)).lowercased(), limit: 5).count == 1)
        #expect(try fixture.store.register.find(record.fileName.description, limit: 5).count == 1)
        record.container = "2026/11/21/000001.tar.zst"
        try fixture.store.register.update([record])
        #expect(try fixture.store.register.unfinished() == [])
        #expect(try fixture.store.register.drops(in: [.quarantined, .done]) == [record])
    }

    @Test func `takes back an intent`() throws {
        let fixture = try StoreFixture()
        var (_, record) = fixture.job()
        record.state = .claimed
        try fixture.store.register.recordIntents([record])
        try fixture.store.register.withdraw([record.id])
        #expect(try fixture.store.register.drop(record.id) == nil)
    }

    @Test func `pages newest first, and knows the newest applied`() throws {
        let fixture = try StoreFixture()
        let drops = try (0..<5).map { index in try fixture.drop { $0.twin("t\(index)") }.drop }
        let page = try fixture.store.register.page(source: SourceName("erp"), states: [.applied], before: drops[3], limit: 2)
        #expect(page.map(\.id) == [drops[2], drops[1]])
        #expect(try fixture.store.register.newestApplied(of: SourceName("erp")!)?.id == drops[4])
    }
}
