import DropCore
import Synchronization
import Testing
import TwinModel

@testable import TwinStore

@Suite struct `A query` {
    private func plant(_ fixture: StoreFixture, _ count: Int) throws {
        try fixture.drop { writer in
            for index in 0..<count {
                writer.twin(
                    "t\(index)", model: "dtmi:m\(index % 4);1",
                    ["n": .integer(Int64(index)), "even": .bool(index % 2 == 0), "name": .string("name-\(index % 10)")])
            }
        }
    }

    @Test func `keeps true apart from 1, and text from other text by every byte`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            writer.twin("bool", ["v": .bool(true)])
            writer.twin("int", ["v": .integer(1)])
            writer.twin("double", ["v": .double(1)])
            writer.twin("text", ["v": .string("1")])
            writer.twin("upper", ["v": .string("É")])
            writer.twin("composed", ["v": .string("\u{E9}")])
            writer.twin("decomposed", ["v": .string("e\u{301}")])
            writer.twin("null", ["v": .json(.null)])
            writer.twin("none")
        }
        for indexes in [[], ["v"]] {
            try fixture.store.maintenance.declareIndexes(indexes)
            let store = fixture.store
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE v = true") == ["bool"])
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE v = 1") == ["double", "int"])
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE v IN [1.0, '1']") == ["double", "int", "text"])
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE v >= 0.5") == ["double", "int"])
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE v = '\u{E9}'") == ["composed"])
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE v = 'e\u{301}'") == ["decomposed"])
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE STARTSWITH(v, 'e')") == ["decomposed"])
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE v > '1'").count == 3)
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE v = null") == ["null"])
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE NOT IS_DEFINED(v)") == ["none"])
        }
    }

    @Test(arguments: [
        "9007199254740993", "9007199254740993.0", "9007199254740993e0", "900719925474099.3e1", "9007199254740993000e-3",
    ])
    func `compares a number exactly, however it is written`(number: String) throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            writer.twin("odd", ["v": .integer(9_007_199_254_740_993)])
            writer.twin("even", ["v": .integer(9_007_199_254_740_992)])
        }
        #expect(try fixture.store.ids("SELECT * FROM DIGITALTWINS WHERE v = \(number)") == ["odd"])
        #expect(try fixture.store.ids("SELECT * FROM DIGITALTWINS WHERE v > -\(number)") == ["even", "odd"])
    }

    @Test func `leaves out what is missing from a comparison and from its opposite`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            writer.twin("one", ["v": .integer(1)])
            writer.twin("text", ["v": .string("x")])
            writer.twin("none")
        }
        for condition in ["v != 1", "NOT v = 1", "v NIN [1]", "NOT (v = 1 AND v > 0)"] {
            #expect(try fixture.store.ids("SELECT * FROM DIGITALTWINS WHERE \(condition)") == ["text"])
        }
        #expect(try fixture.store.ids("SELECT * FROM DIGITALTWINS WHERE v = 1 OR NOT IS_DEFINED(v)") == ["none", "one"])
        #expect(try fixture.store.ids("SELECT * FROM DIGITALTWINS WHERE NOT IS_NUMBER(v)") == ["none", "text"])
    }

    @Test(arguments: [1, 3, 7, 50, 1000])
    func `gives every row once, whatever the pages`(limit: Int) throws {
        let fixture = try StoreFixture()
        try plant(fixture, 60)
        let all = (0..<60).map { "t\($0)" }.sorted()
        #expect(try fixture.store.ids("SELECT * FROM DIGITALTWINS", limit: limit) == all)
        #expect(try fixture.store.ids("SELECT $dtId FROM DIGITALTWINS WHERE n >= 0", limit: limit) == all)
        #expect(try fixture.store.rows("SELECT TOP(17) FROM DIGITALTWINS", limit: limit).count == 17)
        #expect(try fixture.store.rows("SELECT TOP(0) FROM DIGITALTWINS", limit: limit).isEmpty)
        let page = try fixture.store.queries.query("SELECT * FROM DIGITALTWINS", continuation: nil, limit: 60)
        #expect(page.rows.count == 60)
        #expect(page.continuation == nil)
    }

    @Test func `takes tokens of its graph only, unaltered, also after a restart`() throws {
        let fixture = try StoreFixture()
        try plant(fixture, 5)
        let first = try fixture.store.queries.query("SELECT * FROM DIGITALTWINS WHERE even = true", continuation: nil, limit: 1)
        let token = try #require(first.continuation)
        #expect(
            token.utf8.allSatisfy {
                $0 == 0x2D || $0 == 0x5F || Character(Unicode.Scalar($0)).isNumber || Character(Unicode.Scalar($0)).isLetter
            })
        try fixture.reopen()
        #expect(try fixture.store.queries.query("not looked at", continuation: token, limit: 5).rows.count == 2)
        var altered = Array(token.utf8)
        for index in altered.indices {
            let letter = altered[index]
            altered[index] = letter == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let text = String(decoding: altered, as: UTF8.self)
            #expect(throws: ServiceError.self) { try fixture.store.queries.query(nil, continuation: text, limit: 5) }
            altered[index] = letter
        }
        for text in ["", "x", "%2F", token + "A", String(token.dropLast())] {
            do {
                _ = try fixture.store.queries.query(nil, continuation: text, limit: 5)
                Issue.record("\(text) was taken")
            } catch {
                #expect(error.code == .invalidPage)
            }
        }
        let other = try StoreFixture()
        #expect(throws: ServiceError.self) { try other.store.queries.query(nil, continuation: token, limit: 5) }
    }

    @Test func `refuses with the codes of the service`() throws {
        let fixture = try StoreFixture()
        try plant(fixture, 2000)
        func code(_ text: String?, timeout: Duration = .seconds(60), limit: Int = 10) -> ServiceError.Code? {
            do {
                _ = try fixture.store.queries.query(text, continuation: nil, limit: limit, asOf: .now, timeout: timeout)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code(nil) == .invalidPage)
        #expect(code("foo") == .invalidQuery)
        #expect(code("SELECT * FROM DIGITALTWINS WHERE n < 0", timeout: .zero) == .timeout)
        #expect(code("SELECT * FROM DIGITALTWINS", limit: 0) == .invalidPage)
        #expect(
            try fixture.store.queries.query("SELECT * FROM DIGITALTWINS", continuation: nil, limit: 100_000).rows.count == 1000)
    }

    @Test func `counts models by what every commit changes`() throws {
        let fixture = try StoreFixture()
        try plant(fixture, 20)
        func counts() throws -> [Int64?] {
            try ["dtmi:m0;1", "dtmi:m1;1", "dtmi:new;1"].map {
                try fixture.store.count("SELECT COUNT() FROM DIGITALTWINS WHERE IS_OF_MODEL('\($0)')")
            } + [try fixture.store.count("SELECT COUNT() FROM DIGITALTWINS")]
        }
        func agree() throws {
            let quick = try counts()
            let slow = try ["dtmi:m0;1", "dtmi:m1;1", "dtmi:new;1"].map {
                try fixture.store.count("SELECT COUNT() FROM DIGITALTWINS WHERE $metadata.$model = '\($0)'")
            }
            #expect(Array(quick[..<3]) == slow)
            #expect(
                fixture.store.engine.versions.twinModels.isCurrent(fixture.store.engine.numbers.state.withLock { $0.sequence }))
        }
        #expect(try counts() == [5, 5, 0, 20])
        try fixture.drop { writer in
            writer.twin("t0", .deleteTwin)
            writer.twin("t4", .replaceTwin, model: "dtmi:new;1")
            writer.twin("fresh", model: "dtmi:new;1")
            writer.twin("bare")
        }
        #expect(try counts() == [3, 5, 2, 21])
        try agree()
        let waiting = try fixture.changeSet("wms") { $0.twin("never", model: "dtmi:m0;1") }
        waiting.changes.abandon()
        #expect(try counts() == [3, 5, 2, 21])
        try fixture.reopen()
        #expect(try counts() == [3, 5, 2, 21])
        try agree()
    }

    @Test func `finds models by inheritance and version`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            for model in ["room;1", "room;2", "room;10", "roomy;1", "cabin;1", "other;3", "room;2.1", "room"] {
                writer.twin(model, model: "dtmi:x:\(model)")
            }
            writer.twin("none")
        }
        let family = ModelFamily(ancestors: { $0 == "dtmi:x:cabin;1" ? ["dtmi:x:cabin;1", "dtmi:x:room;2"] : [$0] })
        func ids(_ arguments: String) throws -> [String] {
            try fixture.store.ids("SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL(\(arguments))", family: family)
        }
        #expect(try ids("'dtmi:x:room;2'") == ["cabin;1", "room;10", "room;2", "room;2.1"])
        #expect(try ids("'dtmi:x:room;1'") == ["cabin;1", "room;1", "room;10", "room;2", "room;2.1"])
        #expect(try ids("'dtmi:x:room;3'") == ["room;10"])
        #expect(try ids("'dtmi:x:room;2', exact") == ["room;2"])
        #expect(try ids("'dtmi:x:unknown;1'") == [])
        #expect(try ids("'dtmi:x:room;2') AND NOT IS_OF_MODEL('dtmi:x:cabin;1'") == ["room;10", "room;2", "room;2.1"])
    }

    @Test func `is answered the same by an index, through commits and restarts`() throws {
        let fixture = try StoreFixture()
        try plant(fixture, 100)
        try fixture.store.maintenance.declareIndexes(["name", "part.x"])
        try fixture.drop { writer in
            writer.twin("t3", ["name": .string("changed")])
            writer.twin("t13", .deleteTwin)
            writer.twin("c", ["part/x": .integer(5)])
        }
        for _ in 0..<2 {
            #expect(try fixture.store.ids("SELECT * FROM DIGITALTWINS WHERE name = 'name-3'").count == 8)
            #expect(try fixture.store.ids("SELECT * FROM DIGITALTWINS WHERE STARTSWITH(name, 'cha')") == ["t3"])
            #expect(try fixture.store.ids("SELECT * FROM DIGITALTWINS T WHERE T.part.x > 4") == ["c"])
            #expect(try fixture.store.ids("SELECT * FROM DIGITALTWINS WHERE name = 'name-3'", asOf: .sequence(1)).count == 10)
            #expect(
                try fixture.store.queries.query("SELECT * FROM DIGITALTWINS WHERE name = 'changed'", continuation: nil, limit: 5)
                    .charge
                    < 2)
            try fixture.reopen()
        }
        try fixture.store.maintenance.declareIndexes([])
        #expect(try fixture.store.maintenance.quickCheck() == [])
        #expect(try fixture.store.ids("SELECT * FROM DIGITALTWINS WHERE name = 'name-3'").count == 8)
    }

    @Test func `shows components, maps and metadata`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            writer.twin(
                "a", model: "dtmi:m;1",
                [
                    "tags": .json(["red": true, "1abc": "x"]), "thermostat/target": .double(21.5),
                    "list": .json([1, 2, [3]]), "seen": .dateTime(microseconds: 0, offsetMinutes: 0),
                ])
            writer.twin("b", ["tags": .json(["blue": true])])
        }
        let store = fixture.store
        #expect(try store.ids("SELECT * FROM DIGITALTWINS T WHERE IS_DEFINED(T.tags.red)") == ["a"])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS T WHERE T.tags.[[1abc]] = 'x'") == ["a"])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE thermostat.target < 22") == ["a"])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE IS_OBJECT(thermostat)") == ["a"])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE ARRAY_CONTAINS(list, 2)") == ["a"])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE ARRAY_CONTAINS(list, 3)") == [])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE seen = '1970-01-01T00:00:00Z'") == ["a"])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE $metadata.list.lastUpdateTime > '2020'") == ["a"])
        #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE $metadata.$model = 'dtmi:m;1'") == ["a"])
        #expect(
            try store.rows("SELECT T.tags.red, T.thermostat.target AS t, T.nothing FROM DIGITALTWINS T WHERE T.$dtId = 'a'")
                == [["red": true, "t": 21.5]])
        #expect(try store.rows("SELECT nothing FROM DIGITALTWINS WHERE $dtId = 'b'") == [.object([])])
        #expect(
            try store.rows("SELECT T FROM DIGITALTWINS T WHERE T.$dtId = 'a'") == [
                ["T": try #require(try store.history.twin("a"))]
            ])
    }

    @Test func `follows relationships from either end`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            for id in ["hall", "line", "m1", "m2", "m3"] { writer.twin(id) }
            writer.relationship("hall", "contains", "line")
            for index in 1...3 {
                writer.relationship(
                    "line", "contains", "m\(index)", id: "c\(index)", .upsertRelationship, ["slot": .integer(Int64(index))])
            }
            writer.relationship("m1", "feeds", "m2")
            writer.relationship("m2", "feeds", "m3")
            writer.relationship("m3", "feeds", "m1")
        }
        let store = fixture.store
        let join = "FROM DIGITALTWINS A JOIN B RELATED A.contains R"
        #expect(
            try store.rows("SELECT B.$dtId AS b, R.slot \(join) WHERE A.$dtId = 'line' AND R.slot > 1", limit: 1)
                == [["b": "m2", "slot": 2], ["b": "m3", "slot": 3]])
        #expect(try store.rows("SELECT A.$dtId AS a \(join) WHERE B.$dtId = 'm3'") == [["a": "line"]])
        #expect(try store.count("SELECT COUNT() \(join) WHERE B.$dtId IN ['m3', 'line']") == 2)
        let match = "FROM DIGITALTWINS MATCH (a)-[:contains*..2]->(b)-[:feeds]-(c)"
        #expect(try store.count("SELECT COUNT() \(match) WHERE a.$dtId = 'hall'") == 6)
        #expect(try store.count("SELECT COUNT() FROM DIGITALTWINS MATCH (a)-[:feeds*3]->(a) WHERE a.$dtId = 'm1'") == 1)
        #expect(try store.count("SELECT COUNT() FROM DIGITALTWINS MATCH (a)-[:feeds*..10]->(b) WHERE a.$dtId = 'm1'") == 3)
        #expect(
            try store.ids("SELECT b.$dtId FROM DIGITALTWINS MATCH (a)-[:feeds*1..3]->(b) WHERE a.$dtId = 'm1'") == ["m1", "m3"])
        #expect(
            try store.rows("SELECT $relationshipId FROM RELATIONSHIPS WHERE $targetId = 'm2' AND $relationshipName = 'contains'")
                == [["$relationshipId": "c2"]])
    }

    @Test func `is answered by a process that only reads, and of twins that are gone`() throws {
        let fixture = try StoreFixture()
        let first = try fixture.drop { writer in
            writer.twin("a", model: "dtmi:m;1", ["v": .integer(1)])
            writer.twin("b")
            writer.relationship("a", "r", "b")
        }
        try fixture.drop { $0.twin("b", .deleteTwin) }
        try fixture.drop { $0.twin("a", ["v": .integer(2)]) }
        let reader = try TwinStore.openReader(folder: fixture.folder)
        let dryRun = try TwinStore.openForDryRun(folder: fixture.folder)
        try fixture.drop { $0.twin("later", model: "dtmi:m;1", ["v": .integer(2)]) }
        for store in [reader, dryRun] {
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE $dtId IN ['later', 'b']") == ["later"])
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:m;1')") == ["a", "later"])
            #expect(try store.count("SELECT COUNT() FROM DIGITALTWINS") == 2)
            #expect(try store.ids("SELECT * FROM DIGITALTWINS WHERE v = 1", asOf: .sequence(first.sequence)) == ["a"])
            #expect(
                try store.rows(
                    "SELECT B.$dtId FROM DIGITALTWINS A JOIN B RELATED A.r WHERE A.$dtId = 'a'", asOf: .sequence(first.sequence))
                    == [["$dtId": "b"]])
            #expect(try store.rows("SELECT B.$dtId FROM DIGITALTWINS A JOIN B RELATED A.r WHERE A.$dtId = 'a'") == [])
            try store.close()
        }
    }
}
