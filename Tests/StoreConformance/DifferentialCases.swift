import DropCore
import Testing
import TwinModel
import TwinService

/// Random drops and calls, given to the reference store and to another: both must come to the same, now and as of every commit.
@Suite struct `A store, beside the reference,` {
    private static let ids = (0..<8).map { "t\($0)" }

    /// What a record says.
    private enum Write {
        /// The property with that value, nil: without it; no name: no property.
        case twin(OperationVerb, String, String?, Int64?)
        case link(String, String, String, Int64)
        case unlink(String, String)
        case refusal

        func put(into writer: inout OperationWriter) {
            switch self {
            case .twin(let verb, let id, nil, _): writer.twin(id, verb)
            case .twin(let verb, let id, let name?, let value):
                writer.twin(id, verb, [name: value.map { .integer($0) } ?? .absent])
            case .link(let source, let target, let id, let value):
                writer.link(source, "above", target, id: id, .upsertRelationship, ["w": .integer(value)])
            case .unlink(let source, let id): writer.link(source, "above", "", id: id, .deleteRelationship)
            case .refusal: writer.refusal()
            }
        }
    }

    /// The same for both stores.
    private enum Step {
        case drop(source: String, ApplyPolicy, [Write])
        /// Drops that are compared first, and then committed in another order.
        case meeting([(source: String, ApplyPolicy, [Write])])
        case put(String, JSON, Precondition)
        case patch(String, JSON)
        case delete(String)
        case link(String, String, id: String)
        case unlink(String, id: String)
        case reopen
    }

    @Test(arguments: StoreMaker.allCases.filter { $0 != .reference }, UInt64(0)..<64)
    func `holds the same after every drop and call`(maker: StoreMaker, seed: UInt64) throws {
        try compareLife(maker, seed, .wait(.seconds(3600)))
    }

    /// As above, but relationships whose twins are not there are refused.
    @Test(arguments: StoreMaker.allCases.filter { $0 != .reference }, UInt64(0)..<64)
    func `refuses the same relationships`(maker: StoreMaker, seed: UInt64) throws {
        try compareLife(maker, seed, .reject)
    }

    private func compareLife(_ maker: StoreMaker, _ seed: UInt64, _ dangling: ApplyPolicy.Dangling) throws {
        var random = SeededGenerator(seed: seed)
        let both = [try Fixture(.reference), try Fixture(maker)]
        for fixture in both { try fixture.upload() }
        for number in 0..<40 {
            let step = Self.step(&random, dangling)
            let outcomes = try both.map { try Self.apply(step, to: $0) }
            let comment: Comment = "seed \(seed), step \(number): \(step)"
            #expect(outcomes[0] == outcomes[1], comment)
            let states = try both.map { try Self.state(of: $0, .now) }
            #expect(states[0] == states[1], comment)
            if outcomes[0] != outcomes[1] || states[0] != states[1] { return }
        }
        for sequence in 0..<UInt64(60) {
            let states = try both.map { try Self.state(of: $0, .sequence(sequence)) }
            #expect(states[0] == states[1], "seed \(seed) as of \(sequence)")
        }
        for id in Self.ids {
            let lives = try both.map { try Self.life(of: id, $0) }
            #expect(lives[0] == lives[1], "seed \(seed), the history of \(id)")
        }
    }

    // MARK: What is compared

    private static func state(of fixture: Fixture, _ moment: Moment) throws -> [String] {
        var lines: [String] = []
        try fixture.history.forEachTwin(asOf: moment) { lines.append(Fixture.plain($0).text()) }
        for id in ids { lines += try fixture.links(id, moment).map { $0.text() } }
        if moment == .now { lines += try fixture.waiting().map { "waits: " + $0 } }
        return lines.sorted()
    }

    private static func life(of id: String, _ fixture: Fixture) throws -> [String] {
        try fixture.history.history(id, limit: 100).map { step in
            let by = step.provenance
            // Of several records that make one twin each may be named.
            let origin = by.record.map { "\($0.source) \(step.kind == .created ? 0 : $0.record)" } ?? by.call?.what ?? ""
            let changes = step.changes.map { "\($0.pointer) \($0.before?.text() ?? "-") \($0.after?.text() ?? "-")" }
            return "\(step.kind) \(by.sequence) \(origin) \(changes.sorted())"
        }
    }

    /// What a drop or call came to. Two words on one twin may count as one that is superseded and one that is unchanged, or the
    /// other way round.
    private static func shown(_ result: Result<CommitResult, DropError>) -> String {
        switch result {
        case .failure(let error): return error.code.rawValue
        case .success(let result):
            let books = result.books
            return "\(result.sequence): \(books.recordsUsed) \(books.recordsRejected) \(books.created) \(books.updated) "
                + "\(books.deleted) \(books.unchanged + books.superseded) \(books.waiting) \(books.deletedByAbsence)"
        }
    }

    private static func apply(_ step: Step, to fixture: Fixture) throws -> [String] {
        func compare(
            _ source: String, _ policy: ApplyPolicy, _ writes: [Write]
        ) throws -> Result<(changes: any ChangeSet, record: DropRecord), DropError> {
            do {
                return .success(
                    try fixture.changeSet(source, policy: policy, released: true) { writer in
                        for write in writes { write.put(into: &writer) }
                    })
            } catch let error as DropError {
                return .failure(error)
            }
        }
        func said(_ body: () throws -> some Any) throws -> [String] { ["\(try code(body).map { "\($0)" } ?? "done")"] }
        switch step {
        case .drop(let source, let policy, let writes):
            switch try compare(source, policy, writes) {
            case .failure(let error): return [error.code.rawValue]
            case .success(let set): return [shown(try fixture.graph.commit([set])[0])]
            }
        case .meeting(let drops):
            let sets = try drops.map { try compare($0.source, $0.1, $0.2) }
            let ready = sets.reversed().compactMap { try? $0.get() }
            return sets.map { if case .failure(let error) = $0 { error.code.rawValue } else { "ready" } }
                + (try fixture.graph.commit(ready).map(shown))
        case .put(let id, let payload, let condition):
            return try said { try fixture.service.put(twin: id, payload, condition, by: fixture.me) }
        case .patch(let id, let patch): return try said { try fixture.service.patch(twin: id, patch, .none, by: fixture.me) }
        case .delete(let id): return try said { try fixture.service.delete(twin: id, .none, by: fixture.me) }
        case .link(let source, let target, let id): return try said { try fixture.link(source, "above", target, id: id) }
        case .unlink(let source, let id):
            return try said { try fixture.service.delete(relationship: id, of: source, .none, by: fixture.me) }
        case .reopen:
            try fixture.reopen()
            return []
        }
    }

    // MARK: What is done

    private static func step(_ random: inout SeededGenerator, _ dangling: ApplyPolicy.Dangling) -> Step {
        let id = ids.randomElement(using: &random)!
        let other = ids.randomElement(using: &random)!
        let link = "r\(Int.random(in: 0..<2, using: &random))"
        switch Int.random(in: 0..<20, using: &random) {
        case 0: return .reopen
        case 1, 2:
            let condition: Precondition = Bool.random(using: &random) ? .none : .ifAbsent
            return .put(
                id, ["$metadata": ["$model": "dtmi:test:Floor;1"], "number": .int(Int64.random(in: 0..<3, using: &random))],
                condition)
        case 3, 4:
            let value = Int64.random(in: 0..<3, using: &random)
            return .patch(id, [["op": "add", "path": "/number", "value": .int(value)]])
        case 5: return .delete(id)
        case 6: return .link(id, other, id: link)
        case 7: return .unlink(id, id: link)
        case 8, 9, 10:
            return .meeting(
                (0..<3).map { _ in
                    let (source, policy) = source(&random, dangling)
                    return (source, policy, writes(&random))
                })
        default:
            let (source, policy) = source(&random, dangling)
            return .drop(source: source, policy, writes(&random))
        }
    }

    /// Three sources: two tell what is new, and one lists all that it has.
    private static func source(
        _ random: inout SeededGenerator, _ dangling: ApplyPolicy.Dangling
    ) -> (String, ApplyPolicy) {
        let source = ["erp", "wms", "lists"].randomElement(using: &random)!
        var policy = ApplyPolicy()
        if source == "lists" { policy.mode = .snapshot }
        policy.validation = .off
        policy.deletesShareMax = 1
        policy.rejectsShareMax = 1
        policy.dangling = source == "wms" ? .stub : dangling
        return (source, policy)
    }

    private static func writes(_ random: inout SeededGenerator) -> [Write] {
        (0..<Int.random(in: 0..<8, using: &random)).map { _ in write(&random) }
    }

    private static func write(_ random: inout SeededGenerator) -> Write {
        let id = ids.randomElement(using: &random)!
        let value = Int64.random(in: 0..<3, using: &random)
        let name = ["number", "a", "b"].randomElement(using: &random)!
        let link = "r\(Int.random(in: 0..<2, using: &random))"
        switch Int.random(in: 0..<16, using: &random) {
        case 0: return .twin(.deleteTwin, id, nil, nil)
        case 1: return .twin(.replaceTwin, id, name, value)
        case 2: return .twin(.patchTwin, id, name, value)
        case 3: return .twin(.upsertTwin, id, name, nil)
        case 4: return .refusal
        case 5, 6, 7: return .link(id, ids.randomElement(using: &random)!, link, value)
        case 8: return .unlink(id, link)
        default: return .twin(.upsertTwin, id, name, value)
        }
    }
}
