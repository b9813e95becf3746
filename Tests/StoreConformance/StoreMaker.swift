import DropCore
import Glibc
import ReferenceStore
import Testing
import ThreadKit
import TwinModel
import TwinService
import TwinStore

/// The stores that every case of this suite is run for. A new store is a new case here, and nothing else.
enum StoreMaker: String, CaseIterable, CustomTestStringConvertible {
    case reference, sqlite

    var testDescription: String { rawValue }

    func open(_ folder: String, _ clock: @escaping @Sendable () -> Int64) throws -> OpenStore {
        switch self {
        case .reference:
            let store = ReferenceStore(clock: clock)
            return OpenStore(graph: store, history: store, service: GraphService(store), reopened: nil, close: {})
        case .sqlite:
            let store = try TwinStore.open(folder: folder, clock: clock)
            return OpenStore(
                graph: store.graph, history: store.history, service: GraphService(store),
                reopened: { try StoreMaker.sqlite.open(folder, clock) },
                close: { try store.close() })
        }
    }
}

/// One store, by its ports.
struct OpenStore {
    let graph: any TwinGraph
    let history: any GraphHistory
    let service: any TwinService
    /// The same store once it was closed; nil where it does not outlive its process.
    let reopened: (() throws -> OpenStore)?
    let close: () throws -> Void
}

/// A store that is empty at first, a clock that tests move, and drops as a worker would send them.
final class Fixture {
    private(set) var store: OpenStore
    let me = Caller(name: "tester")
    private let folder: String
    private var generator = DropIDGenerator()
    private var random = SeededGenerator(seed: 7)
    private var keys: [String: [String]] = [:]
    /// Units of 100 nanoseconds since 1970: each drop takes one second, each look at the clock one unit.
    private let clock = Monitor<Int64>(1_760_000_000_000 * 10_000)

    var graph: any TwinGraph { store.graph }
    var history: any GraphHistory { store.history }
    var service: any TwinService { store.service }
    var time: UInt64 { UInt64(clock.with { $0 } / 10_000) }

    init(_ maker: StoreMaker) throws {
        var template = Array("/tmp/store-conformance-XXXXXX".utf8CString)
        folder = unsafe template.withUnsafeMutableBufferPointer { unsafe String(cString: mkdtemp($0.baseAddress!)) }
        store = try maker.open(folder) { [clock] in
            clock.with { ticks in
                ticks += 1
                return ticks
            }
        }
    }

    deinit {
        try? store.close()
        for name in ["twin.db", "twin.db-wal", "twin.db-shm"] { _ = unsafe unlink(folder + "/" + name) }
        _ = unsafe rmdir(folder)
    }

    /// Closes and opens again, where the store outlives that.
    func reopen() throws {
        guard let reopened = store.reopened else { return }
        try store.close()
        store = try reopened()
    }

    // MARK: Drops

    /// A change set that is not committed.
    ///
    /// - Parameters:
    ///   - place: what the name of its file says of its place among those of its source.
    ///   - correcting: the record of an earlier drop that it corrects; it then has all records of that drop's file.
    func changeSet(
        _ source: String = "erp", policy: ApplyPolicy = ApplyPolicy(), released: Bool = false, place: String? = nil,
        correcting corrected: (drop: DropID, record: UInt64)? = nil, _ write: (inout OperationWriter) -> Void
    ) throws -> (changes: any ChangeSet, record: DropRecord) {
        clock.with { $0 += 10_000_000 }
        let name = try #require(SourceName(source))
        let job = ApplyJob(
            drop: generator.next(milliseconds: time, using: &random), source: name, policy: policy, bytes: 1 << 40,
            transformDigest: ContentDigest(bytes: Array(repeating: 1, count: 32)), amends: corrected?.drop,
            amendment: corrected.map { Amendment(drop: $0.drop, rows: [$0.record: [1]], refused: [:], open: []) }, place: place,
            released: released, scratchFolder: folder)
        let record = DropRecord(
            id: job.drop, source: name, fileName: FileName("file-\(time).csv"), bytes: job.bytes, state: .registered,
            claimedAt: time, changedAt: time, intake: FileIdentity(device: 1, inode: time, changeTime: 5))
        var writer = OperationWriter()
        for key in keys[source] ?? [] { _ = writer.key(key) }
        write(&writer)
        keys[source] = writer.keys
        let builder = try graph.changeSet(for: job)
        try unsafe builder.absorb(writer.takeBytes().span.bytes)
        return (try builder.finish(), record)
    }

    /// Compares and commits one drop.
    @discardableResult
    func drop(
        _ source: String = "erp", policy: ApplyPolicy = ApplyPolicy(), released: Bool = false, place: String? = nil,
        correcting: (drop: DropID, record: UInt64)? = nil, _ write: (inout OperationWriter) -> Void
    ) throws -> CommitResult {
        let set = try changeSet(
            source, policy: policy, released: released, place: place, correcting: correcting, write)
        return try graph.commit([set])[0].get()
    }

    // MARK: What is there

    /// A twin as it says itself to be: no tag, no times, its members in the order of their names.
    func twin(_ id: String, _ moment: Moment = .now) throws -> JSON? { try history.twin(id, asOf: moment).map(Self.plain) }

    func links(_ id: String, _ moment: Moment = .now) throws -> [JSON] {
        try history.relationships(of: id, asOf: moment).map(Self.plain)
    }

    static func plain(_ json: JSON) -> JSON {
        guard case .object(let members) = json else { return json }
        return .object(
            members.filter { !["$etag", "$metadata"].contains($0.name) }.map { .init($0.name, plain($0.value)) }
                .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
    }

    func waiting() throws -> [String] {
        try history.pending(limit: 1000).map { "\($0.sourceID) \($0.name) \($0.targetID) \($0.id)" }
    }

    // MARK: Calls

    /// A room with a thermostat, on a floor; a lab is a room.
    static let models = [
        """
        {"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:Thermostat;1","@type":"Interface","contents":[
        {"@type":"Property","name":"setPoint","schema":"double"}]}
        """,
        """
        {"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:Room;1","@type":"Interface","contents":[
        {"@type":"Property","name":"seats","schema":"integer"},{"@type":"Property","name":"since","schema":"dateTime"},
        {"@type":"Component","name":"thermostat","schema":"dtmi:test:Thermostat;1"}]}
        """,
        """
        {"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:Lab;1","@type":"Interface","extends":"dtmi:test:Room;1",
        "contents":[{"@type":"Property","name":"level","schema":"integer"}]}
        """,
        """
        {"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:Floor;1","@type":"Interface","contents":[
        {"@type":"Property","name":"number","schema":"integer"},{"@type":"Relationship","name":"has",
        "target":"dtmi:test:Room;1","properties":[{"@type":"Property","name":"since","schema":"integer"}]},
        {"@type":"Relationship","name":"above"}]}
        """,
    ]

    @discardableResult
    func upload(_ texts: [String] = Fixture.models) throws -> [ModelData] {
        let models = try texts.map { ModelText(text: Array($0.utf8), value: try JSON(parsing: $0)) }
        return try service.upload(models: models, by: me)
    }

    @discardableResult
    func room(_ id: String, seats: Int64 = 1, _ condition: Precondition = .none) throws -> ServiceEntity {
        let payload: JSON = [
            "$metadata": ["$model": "dtmi:test:Room;1"], "seats": .int(seats), "thermostat": ["$metadata": [:]],
        ]
        return try service.put(twin: id, payload, condition, by: me)
    }

    @discardableResult
    func floor(_ id: String) throws -> ServiceEntity {
        try service.put(twin: id, ["$metadata": ["$model": "dtmi:test:Floor;1"]], .none, by: me)
    }

    @discardableResult
    func link(_ source: String, _ name: String, _ target: String, id: String) throws -> ServiceEntity {
        let payload: JSON = ["$relationshipName": .string(name), "$targetId": .string(target)]
        return try service.put(relationship: id, of: source, payload, .none, by: me)
    }

    func patch(_ id: String, _ text: String, _ condition: Precondition = .none) throws -> String {
        try service.patch(twin: id, JSON(parsing: text), condition, by: me)
    }
}

extension OperationWriter {
    /// A record with one operation on a twin.
    mutating func twin(
        _ id: String, _ verb: OperationVerb = .upsertTwin, model: String? = nil,
        _ properties: KeyValuePairs<String, PropertyValue> = [:]
    ) {
        let keys = properties.map { key($0.key) }
        let model = model.map { key($0) } ?? 0
        record(length: 10)
        beginTwin(verb, id, model: model)
        for (number, property) in zip(keys, properties) { set(number, property.value) }
        end()
    }

    /// A record that upserts a twin.
    mutating func twin(_ id: String, model: String? = nil, _ properties: KeyValuePairs<String, PropertyValue>) {
        twin(id, .upsertTwin, model: model, properties)
    }

    /// A record with one operation on a relationship.
    mutating func link(
        _ source: String, _ name: String, _ target: String, id: String = "", _ verb: OperationVerb = .upsertRelationship,
        _ properties: KeyValuePairs<String, PropertyValue> = [:]
    ) {
        let keys = properties.map { key($0.key) }
        let name = key(name)
        record(length: 10)
        beginRelationship(verb, source: source, name: name, target: target, id: id)
        for (number, property) in zip(keys, properties) { set(number, property.value) }
        end()
    }

    /// A record that the plugin refused.
    mutating func refusal() {
        record(length: 10)
        reject(code: "wrong", message: "wrong")
    }
}

/// Random numbers that repeat (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

/// The code of the refusal that `body` throws; nil where it throws none.
func code(_ body: () throws -> some Any) throws -> ServiceError.Code? {
    do {
        _ = try body()
        return nil
    } catch let refusal as ServiceError {
        return refusal.code
    }
}
