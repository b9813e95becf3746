import DropCore
import Synchronization
import Testing
import TwinModel

@testable import TwinStore

/// Random graphs and random queries, answered by the store and by `PlainGraph`.
@Suite struct `A query of a random graph` {
    private static let names = ["a", "b", "c"]
    private static let models = ["dtmi:x:m;1", "dtmi:x:m;2", "dtmi:x:sub;1", "dtmi:x:other;1"]
    private static let ancestors = ["dtmi:x:sub;1": ["dtmi:x:sub;1", "dtmi:x:m;2"]]

    private static func value(_ random: inout SeededGenerator) -> PropertyValue {
        switch Int.random(in: 0..<12, using: &random) {
        case 0: .bool(Bool.random(using: &random))
        case 1, 2, 3: .integer(Int64.random(in: -2...3, using: &random))
        case 4, 5: .double(Double(Int.random(in: -4...6, using: &random)) / 2)
        case 6, 7, 8: .string(["", "x", "xy", "yx", "é", "1", "true"].randomElement(using: &random)!)
        case 9: .dateTime(microseconds: Int64.random(in: 0...2, using: &random) * 1_000_000, offsetMinutes: 0)
        case 10: .json(["k": 1, "l": ["m": "x"]])
        default: .json([1, "x", nil, [2], ["k": 3]])
        }
    }

    private static func literal(_ random: inout SeededGenerator) -> String {
        [
            "1", "-1", "0", "0.5", "1.0", "2", "'x'", "'xy'", "''", "'é'", "'1'", "true", "false", "null",
            "'1970-01-01T00:00:01Z'",
        ].randomElement(using: &random)!
    }

    private static func path(_ variable: String, _ random: inout SeededGenerator) -> String {
        let path = [
            "a", "b", "c", "a", "b", "c", "a.k", "b.l.m", "part.x", "part", "nothing", "$dtId", "$metadata.$model",
            "$metadata.a.lastUpdateTime", "part.$metadata", "$etag",
        ].randomElement(using: &random)!
        return variable.isEmpty ? path : "\(variable).\(path)"
    }

    private static func relationshipPath(_ variable: String, _ random: inout SeededGenerator) -> String {
        let path = ["w", "w", "$relationshipName", "$sourceId", "$targetId", "$relationshipId", "nothing"]
            .randomElement(using: &random)!
        return variable.isEmpty ? path : "\(variable).\(path)"
    }

    private static func predicate(_ twins: [String], _ relationships: [String], _ random: inout SeededGenerator) -> String {
        func anyPath() -> String {
            let all = twins.count + relationships.count
            let index = Int.random(in: 0..<all, using: &random)
            return index < twins.count
                ? path(twins[index], &random) : relationshipPath(relationships[index - twins.count], &random)
        }
        let operators = ["=", "!=", "<", ">", "<=", ">="]
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1, 2: return "\(anyPath()) \(operators.randomElement(using: &random)!) \(literal(&random))"
        case 3: return "\(literal(&random)) \(operators.randomElement(using: &random)!) \(anyPath())"
        case 4: return "\(anyPath()) \(operators.randomElement(using: &random)!) \(anyPath())"
        case 5:
            let list = (0..<Int.random(in: 1...3, using: &random)).map { _ in literal(&random) }.joined(separator: ", ")
            return "\(anyPath()) \(Bool.random(using: &random) ? "IN" : "NIN") [\(list)]"
        case 6:
            return QueryCondition.TypeTest.allCases.randomElement(using: &random)!.rawValue + "(\(anyPath()))"
        case 7:
            return QueryCondition.TextTest.allCases.randomElement(using: &random)!.rawValue
                + "(\(anyPath()), \(Bool.random(using: &random) ? "'x'" : anyPath()))"
        case 8: return "ARRAY_CONTAINS(\(anyPath()), \(literal(&random)))"
        default:
            guard let twin = twins.randomElement(using: &random) else { return anyPath() }
            let alias = twin.isEmpty ? "" : "\(twin), "
            return
                "IS_OF_MODEL(\(alias)'\(models.randomElement(using: &random)!)'\(Bool.random(using: &random) ? ", exact" : ""))"
        }
    }

    private static func condition(
        _ twins: [String], _ relationships: [String], _ depth: Int, _ random: inout SeededGenerator
    ) -> String {
        switch depth > 0 ? Int.random(in: 0..<6, using: &random) : 5 {
        case 0, 1:
            let word = Bool.random(using: &random) ? " AND " : " OR "
            return "("
                + (0..<2).map { _ in condition(twins, relationships, depth - 1, &random) }.joined(separator: word) + ")"
        case 2: return "NOT (\(condition(twins, relationships, depth - 1, &random)))"
        default: return predicate(twins, relationships, &random)
        }
    }

    private static func text(_ random: inout SeededGenerator) -> String {
        func pin(_ name: String) -> String {
            Bool.random(using: &random) ? "\(name).$dtId = 't1'" : "\(name).$dtId IN ['t0', 't2', 't3', 'none']"
        }
        switch Int.random(in: 0..<8, using: &random) {
        case 0, 1, 2:
            let alias = Bool.random(using: &random) ? "" : "T"
            let list =
                ["*", "COUNT()", path(alias, &random) + " AS p", alias.isEmpty ? "*" : "T, T.a"].randomElement(using: &random)!
            return "SELECT \(list) FROM DIGITALTWINS \(alias) WHERE \(condition([alias], [], 2, &random))"
        case 3:
            return "SELECT * FROM RELATIONSHIPS R WHERE \(condition([], ["R"], 2, &random))"
        case 4, 5:
            let list = ["A, B, C", "COUNT()", "B.$dtId AS b, C.a, R.w, R", "C"].randomElement(using: &random)!
            let pinned = pin(["A", "B", "C"].randomElement(using: &random)!)
            let from = ["A.r", "B.s", "B.r"].randomElement(using: &random)!
            return
                "SELECT \(list) FROM DIGITALTWINS A JOIN B RELATED A.r R JOIN C RELATED \(from) S WHERE \(pinned) AND "
                + condition(["A", "B", "C"], ["R", "S"], 1, &random)
        case 6:
            let edges = ["-[:r]->", "<-[:r|s]-", "-[]-", "-[:s*..2]->", "-[*2]-", "<-[*1..3]-"]
            let pattern = "(A)\(edges.randomElement(using: &random)!)(B)\(edges.randomElement(using: &random)!)(C)"
            let list = ["*", "A, C", "COUNT()", "B.$dtId"].randomElement(using: &random)!
            let pinned = pin(["A", "B", "C"].randomElement(using: &random)!)
            return "SELECT \(list) FROM DIGITALTWINS MATCH \(pattern) WHERE \(pinned) AND "
                + condition(["A", "B", "C"], [], 1, &random)
        default:
            let second = ["(A)", "()", "(C)"].randomElement(using: &random)!
            return "SELECT * FROM DIGITALTWINS MATCH (A)-[q]-(B)-[:r]->\(second) WHERE \(pin("B")) AND "
                + condition(["A", "B"], ["q"], 1, &random)
        }
    }

    private func change(_ fixture: StoreFixture, _ random: inout SeededGenerator, first: Bool) throws {
        try fixture.drop { writer in
            for index in 0..<8 where first || Bool.random(using: &random) {
                if !first, Int.random(in: 0..<5, using: &random) == 0 {
                    writer.twin("t\(index)", .deleteTwin)
                    continue
                }
                let keys = Self.names.map { writer.key($0) }
                let part = writer.key("part/x")
                let model = writer.key(Self.models.randomElement(using: &random)!)
                writer.record(length: 1)
                writer.beginTwin(.replaceTwin, "t\(index)", model: index == 7 ? 0 : model)
                for key in keys where Int.random(in: 0..<4, using: &random) > 0 { writer.set(key, Self.value(&random)) }
                if Bool.random(using: &random) { writer.set(part, Self.value(&random)) }
                writer.end()
            }
        }
        var policy = ApplyPolicy()
        policy.dangling = .stub
        try fixture.drop(policy: policy) { writer in
            for index in 0..<(first ? 14 : 5) {
                let source = "t\(Int.random(in: 0..<8, using: &random))"
                let name = ["r", "s"].randomElement(using: &random)!
                let target = "t\(Int.random(in: 0..<8, using: &random))"
                writer.relationship(
                    source, name, target, id: "i\(index)", .upsertRelationship, ["w": Self.value(&random)])
            }
        }
    }

    private func check(_ fixture: StoreFixture, _ graph: PlainGraph, _ text: String, _ limit: Int, _ moment: Moment) throws {
        let ancestors = Self.ancestors
        let family = ModelFamily(ancestors: { ancestors[$0] ?? [$0] })
        let query = try Query(parsing: text)
        let expected = graph.rows(query).map { $0.text(.canonical) }.sorted()
        let answered = try fixture.store.rows(text, limit: limit, asOf: moment, family: family).map { $0.text(.canonical) }
        #expect(answered.sorted() == expected, "\(text), pages of \(limit), \(moment)")
    }

    @Test(arguments: 0..<12)
    func `answers as the plainest evaluation does, now and at every earlier commit`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) &+ 1000)
        let fixture = try StoreFixture()
        var graphs: [(Moment, PlainGraph)] = []
        for step in 0..<3 {
            try change(fixture, &random, first: step == 0)
            var graph = try PlainGraph(fixture.store)
            graph.ancestors = Self.ancestors
            graphs.append((.sequence(fixture.store.engine.numbers.state.withLock { $0.sequence }), graph))
        }
        if seed % 3 == 0 { try fixture.store.maintenance.declareIndexes(["a", "b"]) }
        for _ in 0..<60 {
            let text = Self.text(&random)
            let limit = [1, 2, 5, 1000].randomElement(using: &random)!
            try check(fixture, graphs.last!.1, text, limit, .now)
            let (moment, graph) = graphs.randomElement(using: &random)!
            try check(fixture, graph, text, limit, moment)
        }
    }
}
