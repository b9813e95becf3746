import DropCore
import Foundation
import Testing
import TwinModel

@testable import Evidence

@Suite struct `Recovery after a crash` {
    /// An archive with one container of three drops, and the chain as it was before them.
    private func crashed(_ fixture: Fixture, chainRecords: Int) throws -> (items: [ArchiveItem], places: [ArchivedItem]) {
        let writer = try fixture.writer()
        let items = try (0..<3).map { try fixture.item("row \($0)\n") }
        for item in items { try writer.append(item, now: Fixture.morning) }
        let places = try writer.close(now: Fixture.morning)
        // The head is written after the records: without them it is that of before.
        try fixture.writeChain(Array(fixture.records().prefix(chainRecords)))
        try fixture.remove("archive/chain.head")
        return (items, places)
    }

    @Test func `deletes a temporary container`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        try fixture.write("archive/.tmp/1.tar.zst", [1, 2])
        let writer = try fixture.writer()
        #expect(fixture.files("archive/.tmp") == [])
        #expect(try writer.recover(expecting: [], now: Fixture.morning) == ArchiveRecovery())
    }

    @Test(arguments: 1...5)
    func `completes the chain from a container, whatever part of its records is there`(records: Int) throws {
        let fixture = try Fixture()
        let (items, places) = try crashed(fixture, chainRecords: records)
        let writer = try fixture.writer()
        let recovery = try writer.recover(expecting: items.map(\.record), now: Fixture.morning)
        #expect(recovery.archived.sorted { $0.leaf < $1.leaf } == places)
        #expect(recovery.completed == (records == 5 ? [] : [places[0].container]))
        #expect(recovery.findings == [])
        #expect(try fixture.verify(full: true).findings == [])
    }

    @Test func `changes nothing a second time`() throws {
        let fixture = try Fixture()
        let (items, places) = try crashed(fixture, chainRecords: 1)
        _ = try fixture.writer().recover(expecting: items.map(\.record), now: Fixture.morning)
        let chain = try fixture.read("archive/chain.log")
        let again = try fixture.writer().recover(expecting: items.map(\.record), now: Fixture.morning)
        #expect(again.archived == places)
        #expect(again.completed == [])
        #expect(try fixture.read("archive/chain.log") == chain)
    }

    @Test func `moves a container aside that nobody expects`() throws {
        let fixture = try Fixture()
        let (items, places) = try crashed(fixture, chainRecords: 1)
        let writer = try fixture.writer()
        let recovery = try writer.recover(expecting: [items[0].record], now: Fixture.morning)
        #expect(recovery.movedAside == [places[0].container])
        #expect(recovery.archived == [])
        #expect(fixture.files("archive/aside") == ["2026-11-21-000001.tar.zst"])
        try writer.append(items[0], now: Fixture.morning)
        #expect(try writer.close(now: Fixture.morning).map(\.drop) == [items[0].record.id])
        #expect(try fixture.verify(full: true).findings == [])
    }

    @Test func `moves a container aside that is damaged or no container`() throws {
        let fixture = try Fixture()
        let (items, places) = try crashed(fixture, chainRecords: 1)
        let name = "archive/" + places[0].container
        try fixture.write(name, fixture.read(name).dropLast(40))
        try fixture.write("archive/2026/11/21/notes.txt", [1])
        let recovery = try fixture.writer().recover(expecting: items.map(\.record), now: Fixture.morning)
        #expect(recovery.movedAside.count == 2)
        #expect(recovery.archived == [])
    }

    @Test func `does not call a drop archived whose container is damaged`() throws {
        let fixture = try Fixture()
        let (items, places) = try crashed(fixture, chainRecords: 5)
        let name = "archive/" + places[0].container
        try fixture.write(name, fixture.read(name).dropLast(40))
        let recovery = try fixture.writer().recover(expecting: items.map(\.record), now: Fixture.morning)
        #expect(recovery.archived == [])
        #expect(recovery.findings.count == 1)
    }

    @Test(arguments: [1, 16, 100, 300])
    func `cuts off a torn last record`(bytes: Int) throws {
        let fixture = try Fixture()
        try fixture.fill()
        let whole = try fixture.read("archive/chain.log")
        let torn = ChainRecord.line(try fixture.records()[4]).prefix(bytes)
        try fixture.write("archive/chain.log", whole + torn)
        let writer = try fixture.writer()
        #expect(try writer.recover(expecting: [], now: Fixture.morning).cutBytes == UInt64(bytes))
        #expect(try fixture.read("archive/chain.log") == whole)
    }

    @Test func `cuts off an append whose pages came to the medium in part`() throws {
        let fixture = try Fixture()
        let (items, places) = try crashed(fixture, chainRecords: 5)
        var chain = try fixture.read("archive/chain.log")
        let second = ChainRecord.line(try fixture.records()[0]).count
        for index in second..<(second + 100) { chain[index] = 0 }
        try fixture.write("archive/chain.log", chain)
        let recovery = try fixture.writer().recover(expecting: items.map(\.record), now: Fixture.morning)
        #expect(recovery.archived == places)
        #expect(try fixture.verify(full: true).findings == [])
    }

    @Test func `refuses a chain that is damaged before its end`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        try fixture.remove("archive/chain.head")
        var chain = try fixture.read("archive/chain.log")
        chain[chain.count / 2] ^= 1
        try fixture.write("archive/chain.log", chain)
        let error = #expect(throws: DropError.self) { try fixture.writer() }
        #expect(error?.code == .unsound)
        #expect(error?.remedy == .stop)
    }

    @Test(arguments: [true, false])
    func `refuses a chain that lost its end`(withHead: Bool) throws {
        let fixture = try Fixture()
        try fixture.fill()
        if !withHead { try fixture.remove("archive/chain.head") }
        try fixture.writeChain(Array(fixture.records().dropLast()))
        #expect(throws: DropError.self) { try fixture.writer() }
    }

    @Test func `survives a head that is damaged or old`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        for head in [[], Array("{}".utf8), ChainHead().file] {
            try fixture.write("archive/chain.head", head)
            _ = try fixture.writer()
            #expect(try fixture.verify().findings == [])
        }
    }

    @Test func `numbers on after a container that was lost`() throws {
        let fixture = try Fixture()
        let places = try fixture.fill()
        try fixture.remove("archive/" + places[6].container)
        let now = Fixture.morning + 101_000_000
        let writer = try fixture.writer(now: now)
        try writer.append(fixture.item("new\n"), now: now)
        let place = try #require(try writer.close(now: now).first)
        #expect(place.container > places[6].container)
    }

    @Test func `finds a drop far back in the chain`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let item = try fixture.item("early\n")
        try writer.append(item, now: Fixture.morning)
        let place = try #require(try writer.close(now: Fixture.morning).first)
        let filler = JSON.string(String(repeating: "x", count: 30_000))
        for _ in 0..<60 { try writer.note("note", extra: ["filler": filler], now: Fixture.morning) }
        #expect(try fixture.read("archive/chain.log").count > 1 << 20)
        #expect(try writer.recover(expecting: [item.record], now: Fixture.morning).archived == [place])
    }
}
