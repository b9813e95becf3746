import DropCore
import Testing
import TwinModel

@testable import TwinStore

/// Streams of whole entries whose numbers, keys, texts and lengths are chosen to be at the ends of their ranges, or beyond: the
/// form holds more often than when bytes are changed at random, so the code behind the form is met.
private struct HostileStream {
    var random: SeededGenerator
    private(set) var bytes: [UInt8] = []
    private var keys = 0

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private static let edges: [UInt64] = [
        0, 1, 2, 127, 128, 65_535, 65_536, 1 << 31, 1 << 32, 86_399_999_999, 86_400_000_000, 1 << 62, 1 << 63, .max - 1, .max,
    ]

    private mutating func pick<T>(_ values: [T]) -> T { values.randomElement(using: &random)! }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func number() -> UInt64 { chance(70) ? pick(Self.edges) : UInt64.random(in: 0...300, using: &random) }

    private mutating func text(_ most: Int = 12) -> [UInt8] {
        let long = String(repeating: "z", count: most)
        let words = ["a", "b", "feeds", "dtmi:test:Room;1", "dtmi:test:Floor;1", "x.y", "\u{202E}é", long]
        return chance(97) ? Array(pick(words).utf8) : (0..<3).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private static func varint(_ number: UInt64) -> [UInt8] {
        var (rest, out) = (number, [UInt8]())
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return out + [UInt8(rest)]
    }

    private static func measured(_ text: [UInt8]) -> [UInt8] { varint(UInt64(text.count)) + text }

    private mutating func key() -> [UInt8] {
        Self.varint(chance(90) && keys > 0 ? UInt64.random(in: 1...UInt64(keys), using: &random) : number())
    }

    private mutating func value() -> [UInt8] {
        let type = UInt8.random(in: 0...11, using: &random)
        switch type {
        case 3, 7, 8: return [type] + Self.varint(number())
        case 4: return [type] + (0..<8).map { _ in pick([0, 0x7F, 0x80, 0xF0, 0xFF]) }
        case 5: return [type] + Self.measured(text(300))
        case 6, 9: return [type] + Self.varint(number()) + Self.varint(number())
        case 10:
            let texts = ["null", "1e999", "-9223372036854775809", "[[[]]]", "{\"a\":1}", "{", "\"\\ud800\""]
            return [type] + Self.measured(Array(pick(texts).utf8))
        default: return [type]
        }
    }

    private mutating func operation() -> [UInt8] {
        let verb = UInt8.random(in: 0x10...0x16, using: &random)
        var body = Self.measured(text(130))
        if verb > 0x13 { body += key() + Self.measured(text()) + (chance(50) ? [0] : Self.measured(text())) }
        if verb < 0x13 { body += chance(40) ? [0] : key() }
        if verb != 0x13, verb != 0x16 { for _ in 0..<Int.random(in: 0...3, using: &random) { body += key() + value() } }
        let length = chance(98) ? UInt32(body.count) : UInt32(truncatingIfNeeded: number())
        return [verb] + (0..<4).map { UInt8(truncatingIfNeeded: length >> UInt32(8 * $0)) } + body
    }

    /// One stream.
    mutating func make() -> [UInt8] {
        bytes = []
        for name in ["feeds", "dtmi:test:Room;1", "dtmi:test:Floor;1", "temperature", "a", "b"] {
            bytes += [0x04] + Self.measured(Array(name.utf8))
        }
        keys = 6
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                let kind = UInt8.random(in: 0...3, using: &random)
                bytes += [0x02, kind] + Self.varint(number()) + Self.varint(number()) + [0]
            case 1: bytes += [0x05] + Self.measured(text())
            case 2: bytes += [0x03] + Self.measured(text()) + Self.measured(text(3000))
            default:
                bytes += [0x01] + (chance(90) ? [0, 1] : Self.varint(number()) + Self.varint(number()))
                for _ in 0..<Int.random(in: 0...3, using: &random) { bytes += operation() }
            }
        }
        return bytes
    }
}

@Suite struct `Hostile numbers in an operation stream` {
    private static let policies: [ApplyPolicy] = {
        var strict = ApplyPolicy()
        strict.validation = .strict
        var snapshot = ApplyPolicy()
        snapshot.mode = .snapshot
        snapshot.dangling = .reject
        var narrow = ApplyPolicy()
        narrow.models = ["dtmi:test:*"]
        narrow.twinPrefixes = ["a", "b"]
        var waiting = ApplyPolicy()
        waiting.dangling = .wait(.seconds(3600))
        return [ApplyPolicy(), strict, snapshot, narrow, waiting]
    }()

    @Test(arguments: UInt64(0)..<30)
    func `are refused or stored, and whatever is stored can be read`(seed: UInt64) throws {
        let service = try ServiceFixture()
        let fixture = service.base
        var stream = HostileStream(seed: seed)
        for round in 0..<120 {
            let policy = Self.policies[round % Self.policies.count]
            let (job, record) = fixture.job("source-\(round)", policy: policy, bytes: 1000, released: true)
            let builder = try fixture.store.graph.changeSet(for: job)
            let bytes = stream.make()
            do throws(DropError) {
                try unsafe builder.absorb(bytes.span.bytes)
                let changes = try builder.finish()
                _ = try fixture.store.graph.commit([(changes, record)])[0].get()
            } catch {
                #expect(error.remedy == .quarantine || error.remedy == .hold, "seed \(seed) round \(round): \(error)")
                builder.abandon()
            }
        }
        try fixture.store.history.forEachTwin { _ in }
        for text in ["SELECT * FROM DIGITALTWINS", "SELECT * FROM RELATIONSHIPS", "SELECT * FROM DIGITALTWINS T WHERE T.a > 0"] {
            _ = try fixture.store.queries.query(text, continuation: nil, limit: 1000)
        }
        #expect(try fixture.store.maintenance.quickCheck() == [])
        try fixture.reopen()
        try fixture.store.history.forEachTwin { _ in }
    }

    @Test func `name no relationship that the stream did not define, whatever else is known`() throws {
        let service = try ServiceFixture()
        try service.base.drop { $0.twin("f", model: "dtmi:test:Floor;1", [:]) }
        let body: [UInt8] = [1, 0x66] + [0xE0, 0xD4, 0x03] + [1, 0x67, 1, 0x72]  // From f by key 60000 to g, with the id r.
        var policy = ApplyPolicy()
        policy.validation = .strict
        let builder = try service.base.store.graph.changeSet(for: service.base.job("other", policy: policy).0)
        let bytes: [UInt8] = [0x01, 0, 1, 0x14, UInt8(body.count), 0, 0, 0] + body
        let error = #expect(throws: DropError.self) { try unsafe builder.absorb(bytes.span.bytes) }
        #expect(error?.code == .protocol && error?.message.contains("60000") == true, "\(error?.message ?? "")")
        builder.abandon()
    }
}
