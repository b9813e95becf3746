import CodecKit
import DropCore
import Foundation
import Testing
import TwinModel

@testable import Evidence

@Suite struct `The archive writer` {
    @Test func `leaves no temporary file`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        #expect(fixture.files("archive/.tmp") == [])
        #expect(!fixture.files("archive").contains { $0.hasSuffix(".tmp") })
    }

    @Test func `archives an empty file`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let item = try fixture.item([])
        try writer.append(item, now: Fixture.morning)
        let place = try #require(try writer.close(now: Fixture.morning).first)
        #expect(try fixture.verify(full: true).findings == [])
        #expect(try fixture.run("tar --zstd -xOf \(place.container) \(place.member) | wc -c").output == "0\n")
    }

    @Test func `archives a file larger than its buffers`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let content = (0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 7 / 3) }
        try writer.append(fixture.item(content), now: Fixture.morning)
        _ = try writer.close(now: Fixture.morning)
        #expect(try fixture.verify(full: true).findings == [])
    }

    @Test(arguments: [
        Array("../../etc/passwd".utf8.map { $0 == 0x2F ? 0x5C : $0 }), [0xFF, 0x0A, 0x1B, 0x5B], Array("-rf".utf8),
        Array("..".utf8),
        Array("\u{202E}vsc.\"\\".utf8), [UInt8](repeating: 0x61, count: 255), Array("x.c$(id)v".utf8),
    ])
    func `keeps hostile names out of paths, and as data`(bytes: [UInt8]) throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let item = try fixture.item([1, 2], name: FileName(bytes: bytes))
        try writer.append(item, now: Fixture.morning)
        let place = try #require(try writer.close(now: Fixture.morning).first)
        #expect(place.member == "\(item.record.id).erp.content")
        #expect(try fixture.verify(full: true).findings == [])
        let found = try #require(try ArchiveCatalogue(root: fixture.archive).find(item.record.id))
        #expect(found.file == item.record.fileName.description)
    }

    @Test func `refuses a spooled file that changed, and goes on with the others`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let good = try fixture.item("good\n")
        let bad = try fixture.item("bad!\n")
        let later = try fixture.item("later\n")
        try Data("BAD!\n".utf8).write(to: URL(fileURLWithPath: bad.path))
        try writer.append(good, now: Fixture.morning)
        let error = #expect(throws: DropError.self) { try writer.append(bad, now: Fixture.morning) }
        #expect(error?.code == .contentChanged)
        #expect(error?.remedy == .quarantine)
        try writer.append(later, now: Fixture.morning)
        #expect(try writer.close(now: Fixture.morning).map(\.drop) == [good.record.id, later.record.id])
        #expect(try fixture.verify(full: true).findings == [])
    }

    @Test func `stores repeated bytes once`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let first = try fixture.item("same\n")
        try writer.append(first, now: Fixture.morning)
        _ = try writer.close(now: Fixture.morning)
        let again = try fixture.item(Array("same\n".utf8), kind: "duplicate", same: first.record.id)
        try writer.append(again, now: Fixture.morning)
        let place = try #require(try writer.close(now: Fixture.morning).first)
        #expect(place.member.hasSuffix(".drop.json"))
        #expect(try fixture.verify(full: true).findings == [])
        let path = try ArchiveCatalogue(root: fixture.archive).extract(again.record.id, into: fixture.folder + "/out")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "same\n")
    }

    @Test func `is full at 256 drops or 64 MiB`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        for _ in 0..<255 { try writer.append(fixture.item("x"), now: Fixture.morning) }
        #expect(!writer.isFull)
        try writer.append(fixture.item("x"), now: Fixture.morning)
        #expect(writer.isFull)
        #expect(try writer.close(now: Fixture.morning).count == 256)
        try writer.append(fixture.item([UInt8](repeating: 0, count: 64 << 20)), now: Fixture.morning)
        #expect(writer.isFull)
    }

    @Test func `keeps labels monotonic when the clock is set back, and says so`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        let writer = try fixture.writer(now: 1000)
        try writer.append(fixture.item("late\n"), now: 1000)
        let place = try #require(try writer.close(now: 1000).first)
        try writer.stop(now: 1000)
        #expect(place.container.hasPrefix("2026/11/22/"))
        #expect(try fixture.verify().findings == [])
        let records = try fixture.records().compactMap { ChainRecord(parsing: $0[...]) }
        #expect(records.filter { $0.kind == .clock }.count == 1)
        #expect(zip(records, records.dropFirst()).allSatisfy { $0.at.milliseconds <= $1.at.milliseconds })
    }

    @Test func `seals at the end of a day, covering that day and no more`() throws {
        let fixture = try Fixture()
        let places = try fixture.fill()
        let seals = fixture.files("archive/seals")
        let lastOfFirstDay = places.last { $0.container.hasPrefix("2026/11/21") }!.leaf
        #expect(seals.contains("2026-11-22/\(lastOfFirstDay + 1).json"))
    }

    @Test func `seals after an hour and after 1000 records`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        #expect(try writer.sealIfDue(now: Fixture.morning + 3_599_999) == nil)
        #expect(try writer.sealIfDue(now: Fixture.morning + 3_600_000) == "seals/2026-11-21/1.json")
        for number in 0..<999 { try writer.note("note", extra: ["n": .int(Int64(number))], now: Fixture.morning) }
        #expect(try writer.sealIfDue(now: Fixture.morning + 3_600_001) == nil)
        try writer.note("note", extra: [:], now: Fixture.morning)
        #expect(try writer.sealIfDue(now: Fixture.morning + 3_600_001) == "seals/2026-11-21/1001.json")
    }

    @Test func `publishes how far the chain is durable`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        try writer.note("note", extra: [:], now: Fixture.morning)
        #expect(try Int(writer.verifiedBytes) == fixture.read("archive/chain.log").count)
    }
}

@Suite struct `The catalogue of an archive` {
    @Test func `lists drops by date, source, file and content`() throws {
        let fixture = try Fixture()
        let places = try fixture.fill()
        let catalogue = ArchiveCatalogue(root: fixture.archive)
        func list(_ change: (inout ArchiveCatalogue.Filter) -> Void) throws -> [DropID] {
            var filter = ArchiveCatalogue.Filter()
            change(&filter)
            var found: [DropID] = []
            try catalogue.list(filter) {
                found.append($0.drop); return true
            }
            return found
        }
        #expect(try list { _ in } == places.map(\.drop))
        #expect(try list { $0.from = "2026-11-22" } == places.filter { $0.container.hasPrefix("2026/11/22") }.map(\.drop))
        #expect(try list { $0.through = "2026-11-20" } == [])
        #expect(try list { $0.source = SourceName("wms") } == [])
        #expect(try list { $0.file = "rders" }.count == 7)
        #expect(try list { $0.content = StreamHash.digest(of: Array("id;n\n0;1\n".utf8)) } == [places[1].drop])
    }

    @Test func `gives a drop's bytes`() throws {
        let fixture = try Fixture()
        let place = try fixture.fill()[4]
        let catalogue = ArchiveCatalogue(root: fixture.archive)
        let pipe = Pipe()
        try catalogue.cat(place.drop, to: pipe.fileHandleForWriting.fileDescriptor)
        try pipe.fileHandleForWriting.close()
        #expect(try pipe.fileHandleForReading.readToEnd() == Data("id;n\n1;1\n".utf8))
    }

    @Test func `extracts under a generated name, and never over a file`() throws {
        let fixture = try Fixture()
        let place = try fixture.fill()[0]
        let catalogue = ArchiveCatalogue(root: fixture.archive)
        let path = try catalogue.extract(place.drop, into: fixture.folder + "/out")
        #expect(path == fixture.folder + "/out/\(place.drop).erp.content.csv")
        #expect(throws: DropError.self) { try catalogue.extract(place.drop, into: fixture.folder + "/out") }
    }

    @Test func `refuses to give changed bytes, and leaves none behind`() throws {
        let fixture = try Fixture()
        let place = try fixture.fill()[0]
        let script = """
            mkdir x; tar --zstd -xf \(place.container) -C x; tr 0 9 < x/\(place.member) > y; mv y x/\(place.member)
            tar -C x -c $(ls x) | zstd -qf -o \(place.container)
            """
        #expect(try fixture.run(script).succeeded)
        let error = #expect(throws: DropError.self) {
            try ArchiveCatalogue(root: fixture.archive).extract(place.drop, into: fixture.folder + "/out")
        }
        #expect(error?.code == .unsound)
        #expect(fixture.files("out") == [])
    }

    @Test func `says so when it has no such drop`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        let error = #expect(throws: DropError.self) {
            try ArchiveCatalogue(root: fixture.archive).cat(DropID(high: 0, low: 1), to: 1)
        }
        #expect(error?.code == .missing)
    }
}
