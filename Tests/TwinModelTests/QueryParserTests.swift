import Testing
import TwinModel

@Suite struct `The query parser` {
    private func query(_ text: String) throws -> Query { try Query(parsing: text) }

    private func error(_ text: String) -> QueryError? {
        do {
            _ = try Query(parsing: text)
            return nil
        } catch {
            return error
        }
    }

    @Test func `reads a collection with and without a name`() throws {
        let plain = try query("SELECT * FROM DIGITALTWINS")
        #expect(plain.selection == .all)
        #expect(plain.variables == [.init(kind: .twin, name: nil)])
        #expect(plain.condition == nil)
        let named = try query("select T.$dtId, T.a.b AS x from RelationShips T where T.p = 1")
        #expect(named.variables == [.init(kind: .relationship, name: "T")])
        #expect(
            named.selection
                == .items([
                    .init(path: .init(variable: 0, segments: ["$dtId"]), key: "$dtId"),
                    .init(path: .init(variable: 0, segments: ["a", "b"]), key: "x"),
                ]))
        #expect(named.condition == .compare(.path(.init(variable: 0, segments: ["p"])), .equal, .literal(1)))
    }

    @Test func `takes a bare name for a property of the only collection`() throws {
        for text in ["SELECT Temperature FROM DIGITALTWINS", "SELECT digitaltwins.Temperature FROM DIGITALTWINS"] {
            let bare = try query(text)
            #expect(bare.selection == .items([.init(path: .init(variable: 0, segments: ["Temperature"]), key: "Temperature")]))
        }
        let wrong = try query("SELECT A, Z.x FROM DIGITALTWINS A JOIN B RELATED A.r WHERE A.$dtId = 'a'")
        #expect(
            wrong.selection
                == .items([
                    .init(path: .init(variable: 0, segments: []), key: "A"),
                    .init(path: .init(variable: nil, segments: ["Z", "x"]), key: "x"),
                ]))
    }

    @Test func `reads TOP and COUNT`() throws {
        #expect(try query("SELECT TOP(5) FROM DIGITALTWINS").top == 5)
        #expect(try query("SELECT TOP (5) FROM DIGITALTWINS").selection == .all)
        #expect(try query("SELECT COUNT() FROM DIGITALTWINS").selection == .count)
        #expect(try query("SELECT TOP(3) a FROM DIGITALTWINS").selection != .all)
    }

    @Test func `binds the operators as SQL does`() throws {
        let condition = try query("SELECT * FROM DIGITALTWINS WHERE NOT a = 1 AND b = 2 OR (c = 3 OR d = 4) AND e").condition
        func equal(_ name: String, _ value: JSON) -> QueryCondition {
            .compare(.path(.init(variable: 0, segments: [name])), .equal, .literal(value))
        }
        #expect(
            condition
                == .or([
                    .and([.not(equal("a", 1)), equal("b", 2)]),
                    .and([.or([equal("c", 3), equal("d", 4)]), .truth(.init(variable: 0, segments: ["e"]))]),
                ]))
    }

    @Test(arguments: [
        ("'D\\'Souza'", JSON.string("D'Souza")), ("'a\\\\b'", "a\\b"), ("\"x\"", "x"), ("'\\u00e9\\n'", "é\n"), ("-5", -5),
        ("1.50", 1.5), ("-2e-3", -0.002), ("true", true), ("FALSE", false), ("Null", nil), ("9223372036854775808", 0x1p63),
        ("'\\ud83d\\ude00'", "😀"),
    ])
    func `reads values`(text: String, value: JSON) throws {
        #expect(
            try query("SELECT * FROM DIGITALTWINS WHERE p = \(text)").condition
                == .compare(.path(.init(variable: 0, segments: ["p"])), .equal, .literal(value)))
    }

    @Test func `reads escaped names`() throws {
        #expect(
            try query("SELECT T.tags.[[1abc]], T.[[order]] FROM DIGITALTWINS T").selection
                == .items([
                    .init(path: .init(variable: 0, segments: ["tags", "1abc"]), key: "1abc"),
                    .init(path: .init(variable: 0, segments: ["order"]), key: "order"),
                ]))
    }

    @Test func `reads JOINs with names for relationships`() throws {
        let query = try query(
            "SELECT B, R FROM DIGITALTWINS A JOIN B RELATED A.has R JOIN C RELATED A.[[in]] WHERE B.$dtId IN ['x', 'y']")
        #expect(query.shape == .join)
        #expect(query.variables.map(\.name) == ["A", "B", "R", "C", nil])
        #expect(query.edges.map(\.from) == [0, 0])
        #expect(query.edges.map(\.names) == [["has"], ["in"]])
        #expect(query.pins == [1: [Array("x".utf8), Array("y".utf8)]])
    }

    @Test func `reads the edges of MATCH`() throws {
        let query = try query(
            "SELECT a, c FROM DIGITALTWINS MATCH (a)-[r]->()<-[:x|y*1..3]-(c)-[*3]-(d)-[:z*..2]->(a) WHERE a.$dtId = '1'")
        #expect(query.shape == .match)
        #expect(query.edges.map(\.direction) == [.forward, .backward, .either, .forward])
        #expect(query.edges.map(\.hops) == [1...1, 2...3, 3...3, 1...2])
        #expect(query.edges.map(\.names) == [[], ["x", "y"], [], ["z"]])
        #expect(query.edges[0].relationship != nil)
        #expect(query.edges[1].relationship == nil)
        #expect(query.edges[3].to == query.edges[0].from)
    }

    @Test func `reads every function`() throws {
        for name in ["IS_DEFINED", "IS_NULL", "IS_BOOL", "IS_NUMBER", "IS_STRING", "IS_OBJECT", "is_primitive"] {
            #expect(try query("SELECT * FROM DIGITALTWINS WHERE \(name)(a.b)").condition != nil)
        }
        for name in ["STARTSWITH", "ENDSWITH", "Contains", "ARRAY_CONTAINS"] {
            #expect(try query("SELECT * FROM DIGITALTWINS WHERE NOT \(name)(a, 'b')").condition != nil)
        }
        #expect(
            try query("SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:m;1', exact)").condition
                == .ofModel(variable: 0, model: "dtmi:m;1", isExact: true))
        #expect(
            try query("SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:m;1')").condition
                == .ofModel(variable: 0, model: "dtmi:m;1", isExact: false))
    }

    @Test func `says where and how the service does it`() throws {
        let wrong = try #require(self.error("SELECT *\n  FROM TWINS"))
        #expect(wrong.line == 2)
        #expect(wrong.position == 7)
        #expect(wrong.sentence.hasPrefix("SQL query parse failed: SQL Parser Error, Line=2, Position=7, Message=FROM takes"))
        #expect(self.error("")?.sentence.hasPrefix("SQL query parse failed: SQL Parser Error, Line=1, Position=0") == true)
    }

    @Test(arguments: [
        "foo", "SELECT FROM DIGITALTWINS", "SELECT *", "SELECT * FROM", "SELECT * FROM DIGITALTWINS WHERE",
        "SELECT * FROM DIGITALTWINS WHERE a", "SELECT * FROM DIGITALTWINS WHERE a =", "SELECT * FROM DIGITALTWINS T U",
        "SELECT * FROM DIGITALTWINS WHERE a IN ('x')", "SELECT * FROM DIGITALTWINS WHERE a IN []",
        "SELECT * FROM DIGITALTWINS WHERE a = 'x", "SELECT * FROM DIGITALTWINS WHERE a = 'x\\q'",
        "SELECT * FROM DIGITALTWINS ORDER BY a", "SELECT * FROM DIGITALTWINS GROUP BY a", "SELECT SUM(a) FROM DIGITALTWINS",
        "SELECT order FROM DIGITALTWINS", "SELECT a.1x FROM DIGITALTWINS", "SELECT a, b.a FROM DIGITALTWINS",
        "SELECT * FROM DIGITALTWINS A JOIN B RELATED A.r WHERE A.$dtId = 'a'",
        "SELECT A FROM DIGITALTWINS A JOIN B RELATED A.r", "SELECT A FROM DIGITALTWINS A JOIN A RELATED A.r WHERE A.$dtId = 'a'",
        "SELECT A FROM DIGITALTWINS A JOIN B RELATED C.r WHERE A.$dtId = 'a'",
        "SELECT A FROM DIGITALTWINS A JOIN B RELATED A.r WHERE A.$dtId = 'a' OR B.x = 1",
        "SELECT A FROM DIGITALTWINS A JOIN B RELATED A.r WHERE NOT A.$dtId = 'a'",
        "SELECT R FROM RELATIONSHIPS R JOIN B RELATED R.r WHERE B.$dtId = 'a'",
        "SELECT a FROM DIGITALTWINS MATCH (a)-[r*2]->(b) WHERE a.$dtId = 'a'",
        "SELECT a FROM DIGITALTWINS MATCH (a)-[*..11]->(b) WHERE a.$dtId = 'a'",
        "SELECT a FROM DIGITALTWINS MATCH (a)-[*3..3]->(b) WHERE a.$dtId = 'a'",
        "SELECT a FROM DIGITALTWINS MATCH (a)<-[]->(b) WHERE a.$dtId = 'a'", "SELECT a FROM DIGITALTWINS MATCH (a)-[]->(b)",
        "SELECT a FROM DIGITALTWINS MATCH (a) WHERE a.$dtId = 'a'",
        "SELECT * FROM RELATIONSHIPS WHERE IS_OF_MODEL('dtmi:m;1')", "SELECT * FROM DIGITALTWINS WHERE UPPER(a) = 'A'",
        "SELECT A FROM DIGITALTWINS A JOIN B RELATED A.r WHERE A.$dtId = 'a' AND IS_OF_MODEL('dtmi:m;1')",
        "SELECT * FROM DIGITALTWINS T WHERE T = 1", "SELECT * FROM DIGITALTWINS WHERE a = 1;", "SELECT TOP(x) FROM DIGITALTWINS",
    ])
    func `refuses what is not the language`(text: String) {
        if text.hasSuffix("WHERE a") {
            #expect(error(text) == nil)
        } else {
            #expect(error(text) != nil)
        }
    }

    @Test func `holds to the documented limits`() throws {
        let base = "SELECT * FROM DIGITALTWINS WHERE "
        let fifty = Array(repeating: "a = 1", count: 51)
        #expect(error(base + fifty.joined(separator: " AND ")) == nil)
        #expect(error(base + (fifty + ["a = 1"]).joined(separator: " OR ")) != nil)
        let list = Array(repeating: "1", count: 100)
        #expect(error(base + "a IN [" + list.joined(separator: ",") + "]") == nil)
        #expect(error(base + "a NIN [" + (list + ["1"]).joined(separator: ",") + "]") != nil)
        #expect(error(base + "a = '" + String(repeating: "x", count: 8000) + "'") != nil)
        func joins(_ count: Int) -> String {
            "SELECT T0 FROM DIGITALTWINS T0 " + (1...count).map { "JOIN T\($0) RELATED T\($0 - 1).r " }.joined()
                + "WHERE T0.$dtId = 'a'"
        }
        #expect(error(joins(5)) == nil)
        #expect(error(joins(6)) != nil)
        #expect(error(base + String(repeating: "(", count: 3000) + "a = 1") != nil)
        #expect(error(base + String(repeating: "NOT ", count: 1500) + "a = 1") == nil)
    }

    @Test func `finds the twins that WHERE names`() throws {
        func pins(_ condition: String) throws -> [String]? {
            try query("SELECT * FROM DIGITALTWINS T WHERE \(condition)").pins[0]?.map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(try pins("T.$dtId = 'a'") == ["a"])
        #expect(try pins("'a' = $dtId AND x = 1") == ["a"])
        #expect(try pins("$dtId IN ['b', 'a', 'b'] AND (x = 1 OR x = 2)") == ["a", "b"])
        #expect(try pins("$dtId = 'a' OR $dtId IN ['c']") == ["a", "c"])
        #expect(try pins("$dtId IN ['a', 'b'] AND $dtId IN ['b', 'c']") == ["b"])
        #expect(try pins("$dtId = 'a' OR x = 1") == nil)
        #expect(try pins("$dtId != 'a'") == nil)
        #expect(try pins("NOT $dtId = 'a'") == nil)
    }

    @Test(arguments: 0..<200)
    func `never ends the process, whatever it is given`(seed: Int) {
        let words = [
            "SELECT", "*", "FROM", "DIGITALTWINS", "RELATIONSHIPS", "WHERE", "a", "T", ".", ",", "(", ")", "[", "]", "[[", "]]",
            "'x'", "'", "1", "1.5", "-", "->", "<-", "=", "!=", "<", "AND", "OR", "NOT", "IN", "JOIN", "RELATED", "MATCH",
            "$dtId",
            "IS_DEFINED", "IS_OF_MODEL", "COUNT", "TOP", "\\", "é", "\n", "*1..3", ":", "|",
        ]
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        var text = "SELECT * FROM DIGITALTWINS "
        for _ in 0..<40 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            text += words[Int(state >> 33) % words.count] + (state >> 20 & 1 == 0 ? " " : "")
        }
        _ = error(text)
    }
}

@Suite struct `The filter of an event route` {
    private let event: JSON = [
        "type": "Microsoft.DigitalTwins.Twin.Update", "subject": "room1", "source": "host",
        "data": ["modelId": "dtmi:m;1", "value": 5, "$metadata": ["$model": "dtmi:x;1"]],
    ]

    @Test(arguments: [
        ("true", true), ("false", false), ("type = 'Microsoft.DigitalTwins.Twin.Update'", true),
        ("type = 'microsoft.digitaltwins.twin.update'", false), ("STARTS_WITH(subject, 'room') AND $body.value > 4.5", true),
        ("CONTAINS($body.modelId, ':m;') and ends_with(source, 'st')", true), ("$body.nothing != 1", false),
        ("subject = 'x' or ($body.$metadata.$model = 'dtmi:x;1' AND $body.value <= 5)", true), ("$body.value = -5", false),
        ("$eventType = 'DigitalTwinTelemetryMessages'", false), ("'room1' = subject", true),
    ])
    func `passes the events it describes`(text: String, passes: Bool) throws {
        #expect(try EventRouteFilter(parsing: text).passes(event) == passes)
    }

    @Test(arguments: [
        "", "type", "type =", "type = 'x", "kind = 'x'", "NOT true", "type IN ['x']", "(true", "true)", "STARTS_WITH(type)",
        "$body. = 1", "- = 1",
    ])
    func `is refused where it is none`(text: String) {
        #expect(throws: QueryError.self) { try EventRouteFilter(parsing: text) }
    }

    @Test func `says where it is wrong`() throws {
        do {
            _ = try EventRouteFilter(parsing: "type = 'x' AND\n kind = 1")
            Issue.record("it was accepted")
        } catch {
            #expect(error.filterSentence.hasPrefix("The filter cannot be parsed: line 2, position 1: 'kind'"))
        }
    }
}
