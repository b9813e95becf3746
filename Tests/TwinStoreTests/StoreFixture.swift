import DropCore
import Glibc
import TwinModel

@testable import TwinStore

/// A store in a folder of its own, and drops into it as a worker would send them.
final class StoreFixture {
    let folder: String
    private(set) var store: TwinStore
    private var generator = DropIDGenerator()
    private var random = SeededGenerator(seed: 7)
    /// Milliseconds; each drop takes one second.
    private(set) var time: UInt64 = 1_760_000_000_000
    private var keys: [String: [String]] = [:]

    init() throws {
        var template = Array("/tmp/twinstore-test-XXXXXX".utf8CString)
        folder = unsafe template.withUnsafeMutableBufferPointer { unsafe String(cString: mkdtemp($0.baseAddress!)) }
        store = try TwinStore.open(folder: folder)
    }

    deinit {
        try? store.close()
        for folder in [folder, folder + "-crashed"] {
            for name in ["twin.db", "twin.db-wal", "twin.db-shm", "copy.db"] { _ = unsafe unlink(folder + "/" + name) }
            _ = unsafe rmdir(folder)
        }
    }

    /// Closes and opens again.
    func reopen() throws {
        try store.close()
        store = try TwinStore.open(folder: folder)
    }

    /// A second store on a copy of the files as they are: what a crash leaves.
    func crashed() throws -> TwinStore {
        let copy = folder + "-crashed"
        _ = unsafe mkdir(copy, 0o700)
        for name in ["twin.db", "twin.db-wal"] { try Self.copy(folder + "/" + name, copy + "/" + name) }
        return try TwinStore.open(folder: copy)
    }

    private static func copy(_ from: String, _ to: String) throws {
        let input = unsafe open(from, O_RDONLY)
        let output = unsafe open(to, O_WRONLY | O_CLOEXEC | O_CREAT | O_TRUNC, 0o600)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(input, &buffer, buffer.count)
            guard count > 0 else { break }
            precondition(unsafe write(output, buffer, count) == count)
        }
        close(input)
        close(output)
    }

    func job(
        _ source: String = "erp", policy: ApplyPolicy = ApplyPolicy(), transformDigest: UInt8 = 1, bytes: UInt64 = 1 << 40,
        amends: DropID? = nil, amendment: Amendment? = nil, place: String? = nil, origin: DropID? = nil, released: Bool = false
    ) -> (ApplyJob, DropRecord) {
        time += 1000
        let id = generator.next(milliseconds: time, using: &random)
        let source = SourceName(source)!
        let job = ApplyJob(
            drop: id, source: source, policy: policy, bytes: bytes,
            transformDigest: ContentDigest(bytes: Array(repeating: transformDigest, count: 32)),
            amends: amends, amendment: amendment, place: place, origin: origin, released: released, scratchFolder: folder)
        let record = DropRecord(
            id: id, source: source, fileName: FileName("file-\(time).csv"), bytes: bytes, state: .registered, claimedAt: time,
            changedAt: time, intake: FileIdentity(device: 1, inode: time, changeTime: 5))
        return (job, record)
    }

    /// The stream of one drop: starts with the key table of its source.
    func stream(_ source: String, _ write: (inout OperationWriter) -> Void) -> [UInt8] {
        var writer = OperationWriter()
        for key in keys[source] ?? [] { _ = writer.key(key) }
        write(&writer)
        keys[source] = writer.keys
        return writer.takeBytes()
    }

    /// A change set that is not committed.
    func changeSet(
        _ source: String = "erp", policy: ApplyPolicy = ApplyPolicy(), transformDigest: UInt8 = 1, amends: DropID? = nil,
        amendment: Amendment? = nil, place: String? = nil, origin: DropID? = nil, released: Bool = false,
        _ write: (inout OperationWriter) -> Void
    ) throws -> (changes: any ChangeSet, record: DropRecord) {
        let (job, record) = job(
            source, policy: policy, transformDigest: transformDigest, amends: amends, amendment: amendment, place: place,
            origin: origin,
            released: released)
        let builder = try store.graph.changeSet(for: job)
        try unsafe builder.absorb(stream(source, write).span.bytes)
        return (try builder.finish(), record)
    }

    /// Compares and commits one drop.
    @discardableResult
    func drop(
        _ source: String = "erp", policy: ApplyPolicy = ApplyPolicy(), transformDigest: UInt8 = 1, amends: DropID? = nil,
        amendment: Amendment? = nil, place: String? = nil, origin: DropID? = nil, released: Bool = false,
        _ write: (inout OperationWriter) -> Void
    ) throws -> CommitResult {
        let set = try changeSet(
            source, policy: policy, transformDigest: transformDigest, amends: amends, amendment: amendment, place: place,
            origin: origin,
            released: released, write)
        return try store.graph.commit([set])[0].get()
    }
}

extension OperationWriter {
    /// A record with one operation on a twin; properties in the given order.
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

    mutating func relationship(
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

extension JSON {
    /// Without tag and metadata.
    var plain: JSON {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { !["$etag", "$metadata"].contains($0.name) }.sorted { $0.name < $1.name })
    }
}

extension OperationWriter {
    /// An upsert.
    mutating func twin(_ id: String, model: String? = nil, _ properties: KeyValuePairs<String, PropertyValue>) {
        twin(id, .upsertTwin, model: model, properties)
    }
}
