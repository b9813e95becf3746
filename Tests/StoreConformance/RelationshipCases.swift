import DropCore
import Testing
import TwinModel

@Suite struct `Any store, told of relationships whose twins are not there,` {
    private func policy(
        _ dangling: ApplyPolicy.Dangling = .wait(.seconds(60)), _ validation: ApplyPolicy.Validation = .known
    ) -> ApplyPolicy {
        var policy = ApplyPolicy()
        (policy.dangling, policy.validation) = (dangling, validation)
        (policy.deletesShareMax, policy.rejectsShareMax) = (1, 1)
        return policy
    }

    /// `a`, which feeds `late`.
    private func begin(_ fixture: Fixture, _ source: String = "erp") throws {
        let result = try fixture.drop(source, policy: policy()) { writer in
            writer.twin("a")
            writer.link("a", "feeds", "late", .upsertRelationship, ["w": .integer(1)])
        }
        #expect(result.books.waiting == 1 && result.books.created == 1, "\(result.books)")
        #expect(try fixture.links("a") == [])
    }

    @Test(arguments: StoreMaker.allCases, [false, true])
    func `lets them in with the commit that makes their twin`(maker: StoreMaker, byCall: Bool) throws {
        let fixture = try Fixture(maker)
        try fixture.upload()
        try begin(fixture)
        #expect(try fixture.waiting() == ["a feeds late feeds:late"])
        try fixture.reopen()
        if byCall { try fixture.floor("late") } else { try fixture.drop("wms") { $0.twin("late") } }
        #expect(try fixture.waiting() == [])
        #expect(try fixture.links("a").map { $0["w"] } == [1])
        let again = try fixture.drop { $0.link("a", "feeds", "late", .upsertRelationship, ["w": .integer(1)]) }
        #expect(again.books.unchanged == 1, "\(again.books)")
    }

    @Test(arguments: StoreMaker.allCases)
    func `finds twins that come later in the same file`(maker: StoreMaker) throws {
        for dangling in [ApplyPolicy.Dangling.wait(.seconds(60)), .reject, .stub] {
            let fixture = try Fixture(maker)
            let result = try fixture.drop(policy: policy(dangling)) { writer in
                writer.link("a", "feeds", "b")
                writer.twin("a")
                writer.twin("b")
            }
            #expect(result.books.created == 3 && result.books.recordsRejected == 0, "\(dangling)")
        }
    }

    @Test(arguments: StoreMaker.allCases)
    func `gives them up when their patience has ended`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try begin(fixture)
        #expect(try fixture.history.expirePending(now: fixture.time + 59_999) == 0)
        #expect(try fixture.history.expirePending(now: fixture.time + 60_000) == 1)
        #expect(try fixture.waiting() == [])
        try fixture.drop("wms") { $0.twin("late") }
        #expect(try fixture.links("a") == [])
    }

    @Test(arguments: StoreMaker.allCases)
    func `puts a newer word in the place of an older one`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try begin(fixture)
        try fixture.drop(policy: policy()) { $0.link("a", "feeds", "later", id: "feeds:late") }
        #expect(try fixture.waiting() == ["a feeds later feeds:late"])
        try fixture.drop(policy: policy()) { $0.link("a", "feeds", "", id: "feeds:late", .deleteRelationship) }
        #expect(try fixture.waiting() == [])
    }

    @Test(arguments: StoreMaker.allCases)
    func `takes one out of the graph that moves to a twin which is not there`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop(policy: policy()) { writer in
            for id in ["a", "b"] { writer.twin(id) }
            writer.link("a", "feeds", "b", id: "r")
        }
        let moved = try fixture.drop(policy: policy()) { $0.link("a", "feeds", "late", id: "r") }
        #expect(moved.books.waiting == 1 && moved.books.deleted == 0, "\(moved.books)")
        #expect(try fixture.links("a") == [])
        try fixture.drop("wms") { $0.twin("late") }
        #expect(try fixture.links("a").map { $0["$targetId"] } == ["late"])
    }

    @Test(arguments: StoreMaker.allCases)
    func `ends what waits with the delete of its twin, and with a list that has it not`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try begin(fixture)
        try fixture.drop("wms", policy: policy()) { $0.twin("a", .deleteTwin) }
        #expect(try fixture.waiting() == [])
        var list = policy()
        list.mode = .snapshot
        try fixture.drop("lists", policy: list) { writer in
            writer.twin("b")
            writer.link("b", "feeds", "never")
        }
        #expect(try fixture.waiting() == ["b feeds never feeds:never"])
        try fixture.drop("lists", policy: list) { $0.twin("b") }
        #expect(try fixture.waiting() == [])
    }

    @Test(arguments: StoreMaker.allCases)
    func `keeps those out that models refuse, until a twin comes that fits`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.upload()
        let floor = "dtmi:test:Floor;1"
        try fixture.drop(policy: policy()) { writer in
            writer.twin("f", model: floor)
            writer.link("f", "has", "late", .upsertRelationship, ["since": .integer(1)])
        }
        try fixture.drop("wms", policy: policy()) { $0.twin("late", model: floor) }
        #expect(try fixture.links("f") == [])
        #expect(try fixture.waiting().count == 1)
        try fixture.drop("wms", policy: policy()) { $0.twin("late", .deleteTwin) }
        try fixture.drop("wms", policy: policy()) { $0.twin("late", model: "dtmi:test:Lab;1") }
        #expect(try fixture.links("f").count == 1)
        #expect(try fixture.waiting() == [])
    }

    @Test(arguments: StoreMaker.allCases)
    func `refuses their records whole where the source asks for that`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        let set = try fixture.changeSet(policy: policy(.reject)) { writer in
            let feeds = writer.key("feeds")
            writer.record(length: 10)
            writer.beginTwin(.upsertTwin, "with-it")
            writer.end()
            writer.beginRelationship(.upsertRelationship, source: "with-it", name: feeds, target: "nowhere")
            writer.end()
            writer.twin("kept")
            writer.link("kept", "feeds", "with-it")
        }
        #expect(set.changes.rejections.map(\.code) == ["dangling", "dangling"])
        #expect(set.changes.rejections.map(\.record) == [1, 3])
        _ = try fixture.graph.commit([set])[0].get()
        #expect(try fixture.twin("with-it") == nil)
        #expect(try fixture.twin("kept") != nil)
    }

    @Test(arguments: StoreMaker.allCases, [false, true])
    func `refuses those of twins that the same file deletes, before and behind`(maker: StoreMaker, isThere: Bool) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { writer in
            for id in ["a", "b", "c"] { writer.twin(id) }
            if isThere { writer.link("a", "feeds", "b", id: "r") }
        }
        let set = try fixture.changeSet(policy: policy(.reject)) { writer in
            writer.link("a", "feeds", "b", id: "r")
            writer.twin("b", .deleteTwin)
            writer.link("a", "feeds", "c", id: "s")
            writer.link("b", "feeds", "c", id: "t")
        }
        #expect(set.changes.rejections.map(\.code) == ["dangling", "dangling"])
        #expect(set.changes.rejections.map(\.record) == [1, 4])
        let books = try fixture.graph.commit([set])[0].get().books
        #expect(books.deleted == 1 && books.created == 1 && books.deletedWithTwins == (isThere ? 1 : 0), "\(books)")
        #expect(try fixture.links("a").map { $0["$targetId"] } == ["c"])
        #expect(try fixture.twin("b") == nil)
        #expect(try fixture.waiting() == [])
    }

    @Test(arguments: StoreMaker.allCases)
    func `refuses one that moves away from a twin which the same file deletes, where it says so first`(
        maker: StoreMaker
    ) throws {
        let fixture = try Fixture(maker)
        try fixture.drop { writer in for id in ["a", "b", "c"] { writer.twin(id) } }
        let set = try fixture.changeSet(policy: policy(.reject)) { writer in
            writer.link("a", "feeds", "b", id: "r")
            writer.link("a", "feeds", "c", id: "r")
            writer.twin("b", .deleteTwin)
        }
        #expect(set.changes.rejections.map(\.record) == [1])
        _ = try fixture.graph.commit([set])[0].get()
        #expect(try fixture.links("a").map { $0["$targetId"] } == ["c"])
    }

    @Test(arguments: StoreMaker.allCases)
    func `refuses those of twins that the same list leaves out, and then deletes none`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        var list = policy(.reject)
        list.mode = .snapshot
        try fixture.drop(policy: list) { writer in for id in ["a", "b", "c"] { writer.twin(id) } }
        let set = try fixture.changeSet(policy: list) { writer in
            writer.twin("a")
            writer.link("a", "feeds", "b", id: "r")
        }
        #expect(set.changes.rejections.map(\.code) == ["dangling"])
        let books = try fixture.graph.commit([set])[0].get().books
        // What a refused record was to list is not known.
        #expect(books.deletedByAbsence == 0 && books.withheldTwins == 2, "\(books)")
        #expect(try fixture.twin("b") != nil)
        #expect(try fixture.links("a") == [])
    }

    @Test(arguments: StoreMaker.allCases)
    func `makes twins with nothing but an id where the source asks for that`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop(policy: policy(.stub)) { $0.link("a", "feeds", "b") }
        #expect(try fixture.twin("b") == ["$dtId": "b"])
        #expect(try fixture.links("a").count == 1)
        #expect(try fixture.drop { $0.twin("b", ["x": .integer(1)]) }.books.updated == 1)
    }

    @Test(arguments: StoreMaker.allCases)
    func `deletes relationships with their twins, and counts them`(maker: StoreMaker) throws {
        let fixture = try Fixture(maker)
        try fixture.drop(policy: policy()) { writer in
            for id in ["a", "b", "c"] { writer.twin(id) }
            writer.link("a", "next", "b")
            writer.link("b", "next", "c")
            writer.link("c", "next", "a")
        }
        let gone = try fixture.drop(policy: policy()) { $0.twin("b", .deleteTwin) }
        #expect(gone.books.deleted == 1 && gone.books.deletedWithTwins == 2, "\(gone.books)")
        let kept = try fixture.drop(policy: policy()) { writer in
            writer.twin("c", .deleteTwin)
            writer.twin("c", ["x": .integer(1)])
        }
        #expect(kept.books.updated == 1 && kept.books.deletedWithTwins == 0, "\(kept.books)")
        #expect(try fixture.links("c").count == 1, "a twin that a drop deletes and states again was never away")
    }
}
