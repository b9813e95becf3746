import DropCore
import Testing
import TwinModel

@Suite struct `Any store, given drops that meet one another,` {
    @Test(arguments: StoreMaker.allCases)
    func `applies them one after the other, whatever they were compared with`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { $0.twin("a", ["x": .integer(0), "y": .integer(0)]) }
        let first = try fixture.changeSet("erp") { $0.twin("a", ["x": .integer(1)]) }
        let second = try fixture.changeSet("wms") { $0.twin("a", ["x": .integer(2), "y": .integer(2)]) }
        let third = try fixture.changeSet("tms") { $0.twin("a", ["x": .integer(0)]) }
        let results = try fixture.graph.commit([first, second, third]).map { try $0.get() }
        #expect(results.map(\.sequence) == [2, 3, 4])
        #expect(results.map(\.books.updated) == [1, 1, 1])
        #expect(try fixture.twin("a") == ["$dtId": "a", "x": 0, "y": 2])
        #expect(try fixture.twin("a", .sequence(2)) == ["$dtId": "a", "x": 1, "y": 0])
    }

    @Test(arguments: StoreMaker.allCases, [true, false])
    func `deletes once more what the drop between made again`(maker: StoreMaker, together: Bool) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { writer in
            for twin in ["a", "b", "c"] { writer.twin(twin, ["x": .integer(0)]) }
            writer.link("b", "feeds", "c", id: "r")
        }
        // All are compared with the graph before the first of them is committed.
        let sets = [
            try fixture.changeSet { writer in
                writer.twin("a", .deleteTwin)
                writer.link("b", "feeds", "", id: "r", .deleteRelationship)
            },
            try fixture.changeSet { writer in
                writer.twin("a", ["x": .integer(1)])
                writer.link("b", "feeds", "c", id: "r")
            },
            try fixture.changeSet { writer in
                writer.twin("a", .deleteTwin)
                writer.link("b", "feeds", "", id: "r", .deleteRelationship)
            },
        ]
        var results: [CommitResult] = []
        if together { results = try fixture.graph.commit(sets).map { try $0.get() } }
        if !together { for set in sets { results.append(try fixture.graph.commit([set])[0].get()) } }
        #expect(results.map(\.books.deleted) == [2, 0, 2])
        #expect(results.map(\.books.created) == [0, 2, 0])
        #expect(try fixture.twin("a") == nil)
        #expect(try fixture.links("b").isEmpty)
    }

    @Test(arguments: StoreMaker.allCases)
    func `says a word again that was unchanged when others overwrote it`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.upload()
        try fixture.drop { writer in
            writer.twin("a", ["x": .integer(1)])
            writer.twin("f", model: "dtmi:test:Floor;1", ["number": .integer(1)])
        }
        let again = try fixture.changeSet { writer in
            writer.twin("a", ["x": .integer(1)])
            writer.twin("f", ["number": .integer(1)])
        }
        try fixture.drop("wms") { $0.twin("a", ["x": .integer(9)]) }
        _ = try fixture.patch("f", #"[{"op":"replace","path":"/number","value":9}]"#)
        let result = try fixture.graph.commit([again])[0].get()
        #expect(result.books.updated == 2, "\(result.books)")
        #expect(try fixture.twin("a")?["x"] == 1)
        #expect(try fixture.twin("f")?["number"] == 1)
    }

    @Test(arguments: StoreMaker.allCases)
    func `says all its words again where it speaks of a twin in several records`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { $0.twin("a", ["x": .integer(0), "y": .integer(0)]) }
        let set = try fixture.changeSet { writer in
            writer.twin("a", ["x": .integer(0)])
            writer.twin("a", ["y": .integer(1)])
        }
        try fixture.drop("wms") { $0.twin("a", ["x": .integer(2)]) }
        _ = try fixture.graph.commit([set])[0].get()
        #expect(try fixture.twin("a") == ["$dtId": "a", "x": 0, "y": 1])
    }

    @Test(arguments: StoreMaker.allCases)
    func `makes one twin of three that three drops introduce, in whichever order they come`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        let sets = try ["erp", "wms", "tms"].map { source in
            try fixture.changeSet(source) { $0.twin("a", ["by": .string(source)]) }
        }
        for result in try fixture.graph.commit(sets.reversed()) { _ = try result.get() }
        var ids: [String] = []
        try fixture.history.forEachTwin(asOf: .now) { twin in ids.append(twin["$dtId"]?.string ?? "") }
        #expect(ids == ["a"])
        #expect(try fixture.twin("a") == ["$dtId": "a", "by": "erp"])
    }

    @Test(arguments: StoreMaker.allCases)
    func `lets in and deletes relationships within one transaction`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { writer in for id in ["a", "b"] { writer.twin(id) } }
        let waits = try fixture.changeSet { $0.link("a", "feeds", "late") }
        let twin = try fixture.changeSet("wms") { $0.twin("late") }
        for result in try fixture.graph.commit([waits, twin]) { _ = try result.get() }
        #expect(try fixture.links("a").count == 1)
        try fixture.drop { $0.link("b", "feeds", "later") }
        let gone = try fixture.changeSet { $0.link("b", "feeds", "", id: "feeds:later", .deleteRelationship) }
        let other = try fixture.changeSet("wms") { $0.twin("later") }
        for result in try fixture.graph.commit([other, gone]) { _ = try result.get() }
        #expect(try fixture.links("b") == [])
        #expect(try fixture.waiting() == [])
    }

    @Test(arguments: StoreMaker.allCases)
    func `makes one twin of two that two drops introduce`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        let first = try fixture.changeSet("erp") { $0.twin("a", ["x": .integer(1)]) }
        let second = try fixture.changeSet("wms") { $0.twin("a", ["y": .integer(2)]) }
        #expect(try fixture.graph.commit([second])[0].get().books.created == 1)
        #expect(try fixture.graph.commit([first])[0].get().books.updated == 1)
        try fixture.reopen()
        #expect(try fixture.twin("a") == ["$dtId": "a", "x": 1, "y": 2])
    }

    @Test(arguments: StoreMaker.allCases)
    func `makes a twin again that was deleted meanwhile, and patches none`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { writer in for id in ["a", "b", "c"] { writer.twin(id, ["x": .integer(1)]) } }
        let set = try fixture.changeSet { writer in
            writer.twin("a", ["x": .integer(2)])
            writer.twin("b", .patchTwin, ["x": .integer(2)])
        }
        try fixture.drop("wms") { writer in for id in ["a", "b"] { writer.twin(id, .deleteTwin) } }
        let result = try fixture.graph.commit([set])[0].get()
        #expect(result.books.created >= 1, "\(result.books)")
        #expect(try fixture.twin("a") == ["$dtId": "a", "x": 2])
    }

    private func policy(_ dangling: ApplyPolicy.Dangling = .wait(.seconds(60))) -> ApplyPolicy {
        var policy = ApplyPolicy()
        (policy.dangling, policy.deletesShareMax, policy.rejectsShareMax) = (dangling, 1, 1)
        return policy
    }

    @Test(arguments: StoreMaker.allCases)
    func `patches a twin that another makes before it, and none that comes later`(maker: StoreMaker) throws {
        for isFirst in [true, false] {
            let fixture = try Fixture(maker)
            let made = try fixture.changeSet("wms") { $0.twin("a", ["x": .integer(1)]) }
            let patch = try fixture.changeSet(policy: policy()) { writer in
                writer.twin("a", .patchTwin, ["x": .integer(2)])
                writer.twin("b")
            }
            let order = isFirst ? [made, patch] : [patch, made]
            let results = try fixture.graph.commit(order).map { try $0.get() }
            #expect(results[isFirst ? 1 : 0].books.recordsRejected == (isFirst ? 0 : 1))
            #expect(try fixture.twin("a") == ["$dtId": "a", "x": isFirst ? 2 : 1])
            #expect(try fixture.twin("b") != nil)
        }
    }

    @Test(arguments: StoreMaker.allCases)
    func `patches nothing that the same drop deleted before`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { writer in for id in ["a", "b"] { writer.twin(id, ["x": .integer(1)]) } }
        let set = try fixture.changeSet(policy: policy()) { writer in
            writer.twin("a", .deleteTwin)
            writer.twin("a", .patchTwin, ["x": .integer(2)])
            writer.twin("b", .patchTwin, ["x": .integer(2)])
        }
        #expect(set.changes.rejections.map(\.code) == ["missing-twin"])
        let books = try fixture.graph.commit([set])[0].get().books
        #expect(books.deleted == 1 && books.updated == 1, "\(books)")
        #expect(try fixture.twin("a") == nil)
    }

    @Test(arguments: StoreMaker.allCases)
    func `knows a twin again whose place a stub took in a commit that met another`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { writer in for id in ["b", "c"] { writer.twin(id, ["x": .integer(1)]) } }
        let other = try fixture.changeSet("wms", policy: policy(.stub)) { $0.link("a", "feeds", "b", id: "r") }
        // It deletes a twin, makes a stub in its place, and then meets the relationship that the other one was to make.
        let set = try fixture.changeSet("tms", policy: policy(.stub)) { writer in
            writer.twin("c", .deleteTwin)
            writer.link("a", "feeds", "c", id: "r")
        }
        let results = try fixture.graph.commit([set, other]).map { try $0.get() }
        #expect(results[0].books.deleted == 1, "\(results[0].books)")
        #expect(try fixture.twin("c") == ["$dtId": "c"])
        #expect(try fixture.links("a").map { $0["$targetId"] } == ["b"])
        try fixture.reopen()
        #expect(try fixture.twin("c") == ["$dtId": "c"])
    }

    @Test(arguments: StoreMaker.allCases)
    func `lets in a relationship that one drop moves to a twin which the next makes`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { writer in
            for id in ["a", "b"] { writer.twin(id) }
            writer.link("a", "feeds", "b", id: "r")
        }
        let moved = try fixture.changeSet { $0.link("a", "feeds", "late", id: "r") }
        let late = try fixture.changeSet("wms") { $0.twin("late") }
        for result in try fixture.graph.commit([moved, late]) { _ = try result.get() }
        #expect(try fixture.links("a").map { $0["$targetId"] } == ["late"])
        #expect(try fixture.waiting() == [])
        try fixture.reopen()
        #expect(try fixture.links("a").map { $0["$targetId"] } == ["late"])
    }

    @Test(arguments: StoreMaker.allCases)
    func `ends what waits with the delete of a twin that did not come before`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { writer in
            writer.twin("a")
            writer.link("a", "feeds", "late", id: "r")
        }
        let late = try fixture.changeSet("wms") { $0.twin("late") }
        let gone = try fixture.changeSet(policy: policy()) { $0.twin("late", .deleteTwin) }
        let results = try fixture.graph.commit([gone, late]).map { try $0.get() }
        #expect(results[0].books.unchanged == 1, "\(results[0].books)")
        #expect(try fixture.waiting() == [])
        #expect(try fixture.links("a") == [])
        try fixture.drop(policy: policy()) { $0.link("a", "feeds", "later", id: "s") }
        try fixture.drop(policy: policy()) { writer in
            writer.twin("later")
            writer.twin("later", .deleteTwin)
        }
        #expect(try fixture.waiting() == [])
    }

    @Test(arguments: StoreMaker.allCases, [false, true])
    func `refuses a relationship where its twin does not come first, and takes it where it does`(
        maker: StoreMaker, isFirst: Bool
    ) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { $0.twin("a") }
        let early = try fixture.changeSet("tms", policy: policy(.reject)) { $0.link("a", "feeds", "late", id: "r") }
        let late = try fixture.changeSet("wms") { $0.twin("late") }
        let behind = try fixture.changeSet("erp", policy: policy(.reject)) { $0.link("a", "feeds", "late", id: "s") }
        let results = try fixture.graph.commit(isFirst ? [late, early, behind] : [early, behind, late]).map { try $0.get() }
        #expect(results.map(\.books.recordsRejected) == (isFirst ? [0, 0, 0] : [1, 1, 0]))
        #expect(try fixture.links("a").count == (isFirst ? 2 : 0))
    }

    @Test(arguments: StoreMaker.allCases)
    func `keeps nothing of a drop that was given up`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        let first = try fixture.changeSet("erp") { $0.twin("a", ["x": .integer(1)]) }
        let second = try fixture.changeSet("wms") { $0.twin("a", ["y": .integer(2)]) }
        first.changes.abandon()
        #expect(try fixture.graph.commit([second])[0].get().books.created == 1)
        #expect(try fixture.twin("a") == ["$dtId": "a", "y": 2])
    }

    @Test(arguments: StoreMaker.allCases)
    func `applies a drop once, and the others of its batch all the same`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        let once = try fixture.changeSet { $0.twin("a") }
        _ = try fixture.graph.commit([once])[0].get()
        let other = try fixture.changeSet { $0.twin("b") }
        let last = try fixture.changeSet { $0.twin("c") }
        let results = try fixture.graph.commit([(other.changes, once.record), last])
        let error = #expect(throws: DropError.self) { try results[0].get() }
        #expect(error?.code == .alreadyApplied)
        #expect(try results[1].get().books.created == 1)
        #expect(try fixture.twin("b") == nil)
    }

    @Test(arguments: StoreMaker.allCases)
    func `starts over when a transform runs again`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        var writer = OperationWriter()
        writer.twin("a", ["x": .integer(1)])
        let first = writer.takeBytes()
        let set = try fixture.changeSet { $0.twin("seed") }
        set.changes.abandon()
        let job = ApplyJob(
            drop: set.record.id, source: set.record.source, policy: ApplyPolicy(), bytes: 1000,
            transformDigest: ContentDigest(bytes: Array(repeating: 1, count: 32)), amends: nil, released: false,
            scratchFolder: "/tmp")
        let builder = try fixture.graph.changeSet(for: job)
        try unsafe builder.absorb(first.span.bytes)
        try builder.restart()
        var second = OperationWriter()
        second.twin("b", ["x": .integer(2)])
        try unsafe builder.absorb(second.takeBytes().span.bytes)
        #expect(try fixture.graph.commit([(try builder.finish(), set.record)])[0].get().books.created == 1)
        #expect(try fixture.twin("a") == nil)
        #expect(try fixture.twin("b") == ["$dtId": "b", "x": 2])
    }

    @Test(arguments: StoreMaker.allCases)
    func `refuses a record whole, with the reason, and keeps nothing of it`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        var policy = ApplyPolicy()
        policy.models = ["dtmi:good:*"]
        policy.twinPrefixes = ["erp-"]
        let set = try fixture.changeSet(policy: policy) { writer in
            writer.twin("erp-1", model: "dtmi:good:Thing;1")
            writer.twin("erp-2", model: "dtmi:bad:Thing;1")
            writer.twin("wms-1")
            writer.twin("erp-3", .patchTwin)
            writer.twin("erp-4", ["$odd": .integer(1)])
            writer.twin("erp-" + String(repeating: "i", count: 129))
            writer.refusal()
            writer.record(length: 10)
        }
        #expect(set.changes.rejections.map(\.code) == ["model", "prefix", "missing-twin", "name", "id", "wrong"])
        #expect(set.changes.rejections.map(\.record) == [2, 3, 4, 5, 6, 7])
        #expect(set.changes.rejections.map(\.offset) == [10, 20, 30, 40, 50, 60])
        let books = try fixture.graph.commit([set])[0].get().books
        #expect(books.recordsRead == 8 && books.recordsUsed == 1 && books.recordsFiltered == 1 && books.recordsRejected == 6)
        let refusals = try #require(try fixture.graph.refusals(of: set.record.id))
        #expect(refusals.records.map(\.record) == [2, 3, 4, 5, 6, 7])
    }

    @Test(arguments: StoreMaker.allCases)
    func `knows whether others changed what a source said since`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        let erp = try #require(SourceName("erp"))
        let first = try fixture.drop("erp") { $0.twin("a", ["x": .integer(1)]) }
        try fixture.drop("wms") { $0.twin("b", ["x": .integer(1)]) }
        #expect(try fixture.graph.isUntouched(since: first.drop, source: erp))
        try fixture.drop("wms") { $0.twin("a", ["y": .integer(1)]) }
        #expect(try !fixture.graph.isUntouched(since: first.drop, source: erp))
        let again = try fixture.drop("erp") { $0.twin("a", ["x": .integer(1)]) }
        #expect(try fixture.graph.isUntouched(since: again.drop, source: erp))
    }

    @Test(arguments: StoreMaker.allCases)
    func `takes a source for touched that relied on what others said`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop("wms") { $0.twin("a", ["x": .integer(1)]) }
        let bare = try fixture.drop("erp") { $0.twin("a", ["x": .integer(1)]) }
        #expect(bare.books.unchanged == 1)
        try fixture.drop("wms") { $0.twin("a", ["x": .integer(2)]) }
        #expect(try !fixture.graph.isUntouched(since: bare.drop, source: try #require(SourceName("erp"))))
    }
}
