import DropCore
import Testing
import TwinModel

@Suite struct `Any store, asked for the past,` {
    @Test(arguments: StoreMaker.allCases)
    func `tells a twin as of every commit, and of every time`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        let made = try fixture.drop { $0.twin("a", ["x": .integer(1), "y": .string("keep")]) }
        let madeAt = fixture.time
        let changed = try fixture.drop("wms") { $0.twin("a", ["x": .integer(2), "z": .double(0.5)]) }
        let gone = try fixture.drop { $0.twin("a", .deleteTwin) }
        let again = try fixture.drop { $0.twin("a", ["x": .integer(3)]) }
        try fixture.reopen()
        #expect(try fixture.twin("a", .sequence(0)) == nil)
        #expect(try fixture.twin("a", .sequence(made.sequence)) == ["$dtId": "a", "x": 1, "y": "keep"])
        #expect(try fixture.twin("a", .sequence(changed.sequence)) == ["$dtId": "a", "x": 2, "y": "keep", "z": 0.5])
        #expect(try fixture.twin("a", .sequence(gone.sequence)) == nil)
        #expect(try fixture.twin("a", .sequence(again.sequence)) == ["$dtId": "a", "x": 3])
        #expect(try fixture.twin("a") == ["$dtId": "a", "x": 3])
        #expect(try fixture.twin("a", .time(madeAt - 1)) == nil)
        #expect(try fixture.twin("a", .time(madeAt + 999)) == ["$dtId": "a", "x": 1, "y": "keep"])
        #expect(try fixture.twin("a", .time(.max)) == ["$dtId": "a", "x": 3])
    }

    @Test(arguments: StoreMaker.allCases)
    func `counts commits upwards, one for each drop, whether or not it changed anything`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        let sequences = try (0..<3).map { _ in try fixture.drop { $0.twin("a", ["x": .integer(1)]) }.sequence }
        #expect(sequences == [1, 2, 3])
    }

    @Test(arguments: StoreMaker.allCases)
    func `tells relationships as they were, those of twins that are gone too`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        let made = try fixture.drop { writer in
            for id in ["a", "b", "c"] { writer.twin(id) }
            writer.link("a", "feeds", "b", id: "r", .upsertRelationship, ["w": .integer(1)])
            writer.link("b", "feeds", "a")
        }
        let moved = try fixture.drop { $0.link("a", "feeds", "c", id: "r", .upsertRelationship, ["w": .integer(2)]) }
        try fixture.drop { $0.twin("c", .deleteTwin) }
        let first: JSON = ["$relationshipId": "r", "$relationshipName": "feeds", "$sourceId": "a", "$targetId": "b", "w": 1]
        #expect(try fixture.links("a", .sequence(made.sequence)) == [first])
        #expect(try fixture.links("a", .sequence(moved.sequence)).first?["$targetId"] == "c")
        #expect(try fixture.links("a") == [])
        #expect(try fixture.links("b").map { $0["$relationshipId"] } == ["feeds:a"])
    }

    @Test(arguments: StoreMaker.allCases)
    func `lists every twin of a moment`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        let made = try fixture.drop { writer in for id in ["a", "b", "c"] { writer.twin(id) } }
        try fixture.drop { $0.twin("b", .deleteTwin) }
        func ids(_ moment: Moment) throws -> [String] {
            var ids: [String] = []
            try fixture.history.forEachTwin(asOf: moment) { twin in ids.append(twin["$dtId"]?.string ?? "") }
            return ids.sorted()
        }
        #expect(try ids(.sequence(made.sequence)) == ["a", "b", "c"])
        #expect(try ids(.now) == ["a", "c"])
        #expect(try ids(.sequence(0)) == [])
    }

    @Test(arguments: StoreMaker.allCases)
    func `tells how a twin came to be what it is, newest first`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.upload()
        let made = try fixture.drop { writer in
            writer.twin("other")
            writer.twin("f", model: "dtmi:test:Floor;1", ["number": .integer(1)])
        }
        try fixture.drop("wms") { $0.twin("f", ["number": .integer(1)]) }
        _ = try fixture.patch("f", #"[{"op":"replace","path":"/number","value":2}]"#)
        try fixture.service.delete(twin: "f", .none, by: fixture.me)
        let steps = try fixture.history.history("f", limit: 10)
        #expect(steps.map(\.kind) == [.deleted, .updated, .created])
        #expect(steps[2].provenance.record?.drop == made.drop)
        #expect(steps[2].provenance.record?.record == 2)
        #expect(steps[2].provenance.record?.source.text == "erp")
        #expect(steps[2].changes == [.init(pointer: "/number", before: nil, after: 1)])
        #expect(steps[1].provenance.call?.what == "patch twin")
        #expect(steps[1].provenance.call?.caller == fixture.me)
        #expect(steps[1].changes == [.init(pointer: "/number", before: 1, after: 2)])
        #expect(steps[0].provenance.call?.what == "delete twin")
        #expect(Set(steps[0].changes.map(\.pointer)) == ["/$metadata/$model", "/number"])
        #expect(steps.map(\.provenance.sequence) == steps.map(\.provenance.sequence).sorted(by: >))
        #expect(try fixture.history.history("f", limit: 1).map(\.kind) == [.deleted])
        #expect(try fixture.history.history("nobody", limit: 10) == [])
    }

    @Test(arguments: StoreMaker.allCases)
    func `tells the life of a relationship, and of one that waited who stated it`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        let stated = try fixture.drop { writer in
            writer.twin("a")
            writer.link("a", "feeds", "late", id: "r", .upsertRelationship, ["w": .integer(1)])
        }
        let entered = try fixture.drop("wms") { $0.twin("late") }
        try fixture.drop { $0.link("a", "feeds", "late", id: "r", .upsertRelationship, ["w": .integer(2)]) }
        try fixture.drop { $0.link("a", "feeds", "late", id: "r", .deleteRelationship) }
        let steps = try fixture.history.history(ofRelationship: "r", of: "a", limit: 10)
        #expect(steps.map(\.kind) == [.deleted, .updated, .created])
        #expect(steps[2].provenance.record?.drop == stated.drop)
        #expect(steps[2].provenance.sequence == entered.sequence)
        #expect(steps[2].changes.map(\.pointer) == ["/$relationshipName", "/$targetId", "/w"])
        #expect(steps[1].changes == [.init(pointer: "/w", before: 1, after: 2)])
    }

    @Test(arguments: StoreMaker.allCases)
    func `keeps of a repeated word who said it first`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { $0.twin("a", ["x": .integer(1)]) }
        let same = try fixture.drop { writer in
            writer.twin("a", ["x": .integer(2)])
            writer.twin("a", ["x": .integer(1)])
        }
        #expect(same.books.changes == 0)
        #expect(same.books.superseded == 1 && same.books.unchanged == 1, "\(same.books)")
        #expect(try fixture.history.history("a", limit: 10).count == 1)
    }
}
