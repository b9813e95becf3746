import DropCore
import Testing
import TwinModel

@testable import TwinStore

@Suite struct `A snapshot` {
    private var policy: ApplyPolicy {
        var policy = ApplyPolicy()
        policy.mode = .snapshot
        return policy
    }

    @Test func `deletes what its source made and does not list, also after a restart`() throws {
        let fixture = try StoreFixture()
        try fixture.drop("other") { $0.twin("foreign", ["x": .integer(1)]) }
        try fixture.drop(policy: policy) { writer in
            writer.twin("a", ["x": .integer(1)])
            writer.twin("b", ["x": .integer(1)])
            writer.twin("foreign", ["y": .integer(1)])
        }
        try fixture.reopen()
        let result = try fixture.drop(policy: policy) { $0.twin("a", ["x": .integer(1)]) }
        #expect(result.books.deletedByAbsence == 1)
        #expect(try fixture.store.history.twin("b") == nil)
        #expect(try fixture.store.history.twin("foreign") != nil)
    }

    @Test func `deletes nothing when a record of it was refused, or when it amends`() throws {
        let fixture = try StoreFixture()
        let first = try fixture.drop(policy: policy) { writer in
            writer.twin("a")
            writer.twin("b")
        }
        let amending = try fixture.drop(policy: policy, amends: first.drop) { $0.twin("c") }
        let refused = try fixture.drop(policy: policy) { writer in
            writer.twin("a")
            writer.twin("b")
            writer.record(length: 5)
            writer.reject(code: "bad", message: "no key")
        }
        #expect(refused.books.deletedByAbsence == 0)
        #expect(amending.books.deletedByAbsence == 0)
        #expect(try fixture.store.history.counts().twins == 3)
    }

    @Test func `says how many twins it withheld from deletion, and why`() throws {
        let fixture = try StoreFixture()
        try fixture.drop(policy: policy) { writer in for name in ["a", "b", "c", "d"] { writer.twin(name) } }
        let result = try fixture.drop(policy: policy) { writer in
            for name in ["a", "b"] { writer.twin(name) }
            writer.record(length: 5)
            writer.reject(code: "bad", message: "no key")
        }
        #expect(result.books.withheldTwins == 2)
        // The parts of this file do not cover its bytes, and that is said as well.
        let withheld = result.books.withheld ?? ""
        #expect(withheld.hasPrefix("1 record was refused (record 3), "), "\(withheld)")
        #expect(
            withheld.hasSuffix(", and it is not known what they list: 2 twins that no other record lists were not deleted."),
            "\(withheld)")
    }

    @Test func `keeps what a refused record names, and deletes the others it leaves out`() throws {
        let fixture = try StoreFixture()
        var policy = policy
        policy.twinPrefixes = ["a", "b", "c"]
        policy.models = ["dtmi:good;1"]
        try fixture.drop(policy: policy) { writer in for name in ["a", "b", "c"] { writer.twin(name) } }
        let result = try fixture.drop(policy: policy) { writer in
            writer.twin("a")
            writer.twin("b", model: "dtmi:bad;1")
        }
        #expect(result.books.recordsRejected == 1)
        #expect(result.books.deletedByAbsence == 1)
        #expect(result.books.withheldTwins == 0)
        #expect(try fixture.store.history.twin("b") != nil)
        #expect(try fixture.store.history.twin("c") == nil)
    }

    @Test func `withholds all when a refused record names a twin that does not exist`() throws {
        let fixture = try StoreFixture()
        var policy = policy
        policy.twinPrefixes = ["a", "b"]
        try fixture.drop(policy: policy) { writer in for name in ["a", "b"] { writer.twin(name) } }
        let result = try fixture.drop(policy: policy) { writer in
            writer.twin("a")
            writer.twin("x")
        }
        #expect(result.books.deletedByAbsence == 0)
        #expect(result.books.withheldTwins == 1)
    }

    @Test func `deletes inside its scope only`() throws {
        let fixture = try StoreFixture()
        try fixture.drop(policy: policy) { writer in
            writer.scope("north")
            writer.twin("n1")
            writer.twin("n2")
        }
        try fixture.drop(policy: policy) { writer in
            writer.scope("south")
            writer.twin("s1")
        }
        let result = try fixture.drop(policy: policy) { writer in
            writer.scope("north")
            writer.twin("n1")
        }
        #expect(result.books.deletedByAbsence == 1)
        #expect(try fixture.store.history.twin("s1") != nil)
        #expect(try fixture.store.history.twin("n2") == nil)
    }
}
