import DropCore
import Testing
import TwinModel

/// Deliveries that come late, and records that are corrected late. What they must come to needs no rules of lateness: it is what
/// the reference store holds that got them in their order, and right at once (docs/decisions/0026-order-and-lateness.md,
/// docs/decisions/0025-amendments.md).
@Suite struct `A store, given deliveries in any order,` {
    private static let ids = (0..<6).map { "t\($0)" }
    private static let places = ["p0", "p1", "p2"]

    private enum Statement {
        case upsert(String, Int64, Int64)
        case delete(String)
        case relate(String, String)
        case unrelate(String)

        func put(into writer: inout OperationWriter) {
            switch self {
            case .upsert(let id, let a, let b): writer.twin(id, .upsertTwin, ["a": .integer(a), "b": .integer(b)])
            case .delete(let id): writer.twin(id, .deleteTwin)
            case .relate(let id, let place): writer.link(id, "at", place, id: "loc")
            case .unrelate(let id): writer.link(id, "at", "p0", id: "loc", .deleteRelationship)
            }
        }
    }

    /// What one delivery says of some twins: of each with all its properties, so that nothing is undecided.
    private static func statements(_ isList: Bool, _ random: inout SeededGenerator) -> [Statement] {
        var all: [Statement] = []
        for id in ids.shuffled(using: &random).prefix(Int.random(in: 2...5, using: &random)) {
            let place = places.randomElement(using: &random)!
            switch isList ? 9 : Int.random(in: 0..<10, using: &random) {
            case 0, 1: all.append(.delete(id))
            case 2: all.append(.unrelate(id))
            case 3: all.append(.relate(id, place))
            default:
                let values = (0..<2).map { _ in Int64.random(in: 0..<3, using: &random) }
                all.append(.upsert(id, values[0], values[1]))
                if Bool.random(using: &random) { all.append(.relate(id, place)) }
            }
        }
        return all
    }

    private static func policy(_ isList: Bool) -> ApplyPolicy {
        var policy = ApplyPolicy()
        if isList { policy.mode = .snapshot }
        (policy.deletesShareMax, policy.rejectsShareMax, policy.validation) = (1, 1, .off)
        return policy
    }

    private static func state(of fixture: Fixture) throws -> [String] {
        var lines: [String] = []
        try fixture.history.forEachTwin(asOf: .now) { lines.append(Fixture.plain($0).text()) }
        for id in ids { lines += try fixture.links(id).map { $0.text() } }
        return lines.sorted()
    }

    private static func begin(_ maker: StoreMaker) throws -> Fixture {
        let fixture = try Fixture(maker)
        try fixture.drop("places") { writer in for place in places { writer.twin(place) } }
        return fixture
    }

    @Test(arguments: StoreMaker.allCases.filter { $0 != .reference }, UInt64(0)..<48)
    func `comes to what it would hold had they come in their order`(maker: StoreMaker, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let isList = seed % 3 == 0
        let policy = Self.policy(isList)
        let deliveries = (0..<6).map { _ in Self.statements(isList, &random) }
        let reference = try Self.begin(.reference)
        for statements in deliveries {
            try reference.drop(policy: policy) { writer in for one in statements { one.put(into: &writer) } }
        }
        let store = try Self.begin(maker)
        let order = deliveries.indices.shuffled(using: &random)
        for index in order {
            if Int.random(in: 0..<4, using: &random) == 0 { try store.reopen() }
            try store.drop(policy: policy, place: "\(index)") { writer in
                for one in deliveries[index] { one.put(into: &writer) }
            }
        }
        let states = try [reference, store].map { try Self.state(of: $0) }
        #expect(states[0] == states[1], "seed \(seed), in the order \(order): \(deliveries)")
    }

    @Test(arguments: UInt64(0)..<48, [false, true])
    func `comes to what it would hold had no record been wrong`(seed: UInt64, isNamed: Bool) throws {
        for maker in StoreMaker.allCases where maker != .reference { try compareCorrected(maker, seed, isNamed) }
    }

    /// - Parameter isNamed: their order is that of their names, and they come in another; otherwise as they come.
    private func compareCorrected(_ maker: StoreMaker, _ seed: UInt64, _ isNamed: Bool) throws {
        var random = SeededGenerator(seed: seed)
        let policy = Self.policy(false)
        let deliveries = (0..<5).map { _ in Self.statements(false, &random) }
        let reference = try Self.begin(.reference)
        for statements in deliveries {
            try reference.drop(policy: policy) { writer in for one in statements { one.put(into: &writer) } }
        }
        let store = try Self.begin(maker)
        let order = isNamed ? deliveries.indices.shuffled(using: &random) : Array(deliveries.indices)
        /// Drops with a wrong record that nobody corrected yet.
        var open: [(drop: DropID, index: Int, wrong: Int)] = []
        func correctOne() throws {
            let (drop, index, wrong) = open.remove(at: Int.random(in: 0..<open.count, using: &random))
            try store.drop(policy: policy, correcting: (drop, UInt64(wrong) + 1)) { writer in
                for one in deliveries[index] { one.put(into: &writer) }
            }
        }
        for index in order {
            let wrong = Int.random(in: 0..<deliveries[index].count, using: &random)
            let result = try store.drop(policy: policy, place: isNamed ? "\(index)" : nil) { writer in
                for (number, one) in deliveries[index].enumerated() {
                    if number == wrong { writer.refusal() } else { one.put(into: &writer) }
                }
            }
            #expect(result.books.recordsRejected == 1)
            open.append((result.drop, index, wrong))
            if Bool.random(using: &random) { try correctOne() }
        }
        while !open.isEmpty { try correctOne() }
        let states = try [reference, store].map { try Self.state(of: $0) }
        #expect(states[0] == states[1], "seed \(seed), in the order \(order): \(deliveries)")
    }

    @Test(arguments: StoreMaker.allCases.filter { $0 != .reference }, [false, true])
    func `leaves what others did behind a newer one, however many come late`(maker: StoreMaker, isBehindAnother: Bool) throws {
        let fixture = try Self.begin(maker)
        let policy = Self.policy(false)
        try fixture.drop(policy: policy, place: "01") { $0.twin("t1", ["a": .integer(1)]) }
        try fixture.drop(policy: policy, place: "14") { $0.twin("t0", ["a": .integer(14)]) }
        try fixture.drop("wms", policy: policy) { $0.twin("t0", .deleteTwin) }
        if isBehindAnother { try fixture.drop(policy: policy, place: "07") { $0.twin("t1", ["a": .integer(7)]) } }
        try fixture.drop(policy: policy, place: "09") { $0.twin("t0", ["a": .integer(9)]) }
        #expect(try fixture.twin("t0") == nil)
    }
}
