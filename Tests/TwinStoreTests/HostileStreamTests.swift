import DropCore
import Testing
import TwinModel

@testable import TwinStore

@Suite struct `A hostile operation stream` {
    private static func sample() -> [UInt8] {
        var writer = OperationWriter()
        writer.span(.header, length: 4, name: "header")
        writer.twin(
            "twin-é", model: "dtmi:m;1",
            [
                "a": .bool(true), "b": .integer(-7), "c": .double(2.5), "d": .string("text"),
                "e": .dateTime(microseconds: 1, offsetMinutes: -60), "f": .date(days: 3), "g": .time(microseconds: 9),
                "h": .duration(months: 1, microseconds: 2), "i": .json(["k": [1, 2]]),
            ])
        writer.twin("twin-é", .patchTwin, ["a": .absent])
        writer.relationship("twin-é", "feeds", "twin-é", id: "r", .upsertRelationship, ["a": .bool(false)])
        writer.twin("gone", .deleteTwin)
        return writer.takeBytes()
    }

    @Test(arguments: UInt64(0)..<40)
    func `is refused or applied, and never harms the store`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let fixture = try StoreFixture()
        let good = Self.sample()
        for round in 0..<60 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeLast(Int.random(in: 0..<min(bytes.count, 20), using: &random))
                default:
                    bytes.insert(UInt8.random(in: 0...255, using: &random), at: Int.random(in: 0...bytes.count, using: &random))
                }
                if bytes.isEmpty { bytes = [1] }
            }
            let (job, record) = fixture.job("source-\(round)", released: true)
            let builder = try fixture.store.graph.changeSet(for: job)
            do {
                try unsafe builder.absorb(bytes.span.bytes)
                _ = try fixture.store.graph.commit([(try builder.finish(), record)])[0].get()
            } catch {
                // A scope that is no text is the file's, not the plugin's.
                #expect([.protocol, .refused].contains(error.code), "seed \(seed) round \(round): \(error)")
                builder.abandon()
            }
        }
        try fixture.store.history.forEachTwin { _ in }
        #expect(try fixture.store.maintenance.quickCheck() == [])
    }

    @Test(
        arguments: [
            ([0x10, 5, 0, 0, 0, 1], "longer than its frame"), ([0x01, 0x80], "middle of a number"),
            ([0x77], "unknown kind"), ([0x04, 2, 0xC0, 0x80], "not UTF-8"), ([0x04, 1, 0], "NUL"), ([0x04, 0], "1 to 2048"),
            ([0x01, 0x80, 0x00, 1], "shortest form"),
            ([0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], "64 bits"),
            ([0x01, 0, 1, 0x10, 5, 0, 0, 0, 1, 0x61, 0, 9, 2], "not defined"),
            ([0x10, 3, 0, 0, 0, 1, 0x61, 0], "outside a record"),
        ] as [([UInt8], String)])
    func `is refused with what is wrong`(bytes: [UInt8], message: String) throws {
        let fixture = try StoreFixture()
        let builder = try fixture.store.graph.changeSet(for: fixture.job().0)
        let error = #expect(throws: DropError.self) { try unsafe builder.absorb(bytes.span.bytes) }
        #expect(error?.code == .protocol)
        #expect(error?.remedy == .quarantine)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        builder.abandon()
    }

    @Test func `may have durations of the greatest length in either direction`() throws {
        let fixture = try StoreFixture()
        try fixture.drop { writer in
            writer.twin(
                "d",
                ["a": .duration(months: -Int32.max, microseconds: .min), "b": .duration(months: 0, microseconds: .max)])
        }
        #expect(try fixture.store.history.twin("d")?["a"]?.string?.hasPrefix("-P178956970Y7M") == true)
    }

    /// A value that is none of its type refuses its record, with its place, and no more: data are never the plugin's fault.
    @Test(
        arguments: [
            ([4, 0, 0, 0, 0, 0, 0, 0xF0, 0x7F], "infinite"), ([4, 0, 0, 0, 0, 0, 0, 0, 0x80], "-0"),
            ([6, 0x81, 0x80, 0xDE, 0xF2, 0xDF, 0xFF, 0xDF, 0xDC, 0x01, 0], "years 1 to 9999"), ([6, 0, 0xC0, 0x16], "23:59"),
            ([7, 0xC2, 0x82, 0xE6, 0x02], "years 1 to 9999"), ([8, 0x80, 0xC0, 0xDD, 0xEE, 0xC1, 0x02], "24:00"),
            ([9, 2, 1], "signs"), ([9, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0], "too large"),
            ([10, 2, 0x5B, 0x5B], "JSON"), ([10, 5, 0x31, 0x65, 0x39, 0x39, 0x39], "larger than a double"), ([5, 1, 0], "UTF-8"),
            ([5, 2, 0xC0, 0x80], "UTF-8"), ([10, 1, 0xFF], "UTF-8"),
        ] as [([UInt8], String)])
    func `has its values judged, record by record`(value: [UInt8], word: String) throws {
        let fixture = try StoreFixture()
        let (job, record) = fixture.job(released: true)
        let builder = try fixture.store.graph.changeSet(for: job)
        func operation(_ id: UInt8, _ value: [UInt8]) -> [UInt8] {
            let body: [UInt8] = [1, id, 0, 1] + value
            return [0x01, 0, 1, 0x10, UInt8(body.count), 0, 0, 0] + body
        }
        let bytes: [UInt8] = [0x04, 1, 0x6B] + operation(0x61, [2]) + operation(0x62, value) + operation(0x63, [2])
        try unsafe builder.absorb(bytes.span.bytes)
        let set = try builder.finish()
        #expect(set.rejections.count == 1)
        #expect(set.rejections[0].record == 2 && set.rejections[0].offset == 1 && set.rejections[0].length == 1)
        #expect(set.rejections[0].code == "bad-value")
        #expect(
            set.rejections[0].message.contains("property k") && set.rejections[0].message.contains(word), "\(set.rejections[0])")
        #expect(set.books.created == 2)
        _ = try fixture.store.graph.commit([(set, record)])[0].get()
    }

    @Test func `has an id that is no text judged with its record`() throws {
        let fixture = try StoreFixture()
        let builder = try fixture.store.graph.changeSet(for: fixture.job().0)
        let bytes: [UInt8] = [0x01, 0, 1, 0x10, 4, 0, 0, 0, 2, 0xC0, 0x80, 0, 0x01, 0, 1, 0x10, 3, 0, 0, 0, 1, 0x61, 0]
        try unsafe builder.absorb(bytes.span.bytes)
        let set = try builder.finish()
        #expect(set.rejections.map(\.code) == ["id"] && set.books.created == 1)
    }

    @Test func `may quote bytes that are no text in a reject`() throws {
        let fixture = try StoreFixture()
        let builder = try fixture.store.graph.changeSet(for: fixture.job(released: true).0)
        let bytes: [UInt8] = [0x01, 0, 1, 0x03, 1, 0x61, 2, 0xFF, 0]
        try unsafe builder.absorb(bytes.span.bytes)
        #expect(try builder.finish().rejections.count == 1)
    }

    @Test(arguments: [[4, 0], [5, 9, 1], [11], [10, 3, 0x31]] as [[UInt8]])
    func `has the form of its values checked`(value: [UInt8]) throws {
        let fixture = try StoreFixture()
        let builder = try fixture.store.graph.changeSet(for: fixture.job().0)
        let body: [UInt8] = [1, 0x61, 0, 1] + value
        let bytes: [UInt8] = [0x04, 1, 0x6B, 0x01, 0, 1, 0x10, UInt8(body.count), 0, 0, 0] + body
        let error = #expect(throws: DropError.self) { try unsafe builder.absorb(bytes.span.bytes) }
        #expect(error?.code == .protocol)
        builder.abandon()
    }
}
