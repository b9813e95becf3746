import DropCore
import Foundation
import Testing
import TwinModel

@testable import Evidence

@Suite struct `Verifying a good archive` {
    @Test(arguments: [false, true])
    func `finds nothing`(full: Bool) throws {
        let fixture = try Fixture()
        try fixture.fill()
        let result = try fixture.verify(full: full)
        #expect(result.findings == [])
        #expect(result.drops == 7)
        #expect(result.containers == 3)
        #expect(result.records == 11)
        #expect(result.sealed == 11)
    }

    @Test func `finds nothing in one that was only opened`() throws {
        let fixture = try Fixture()
        _ = try fixture.writer()
        #expect(try fixture.verify(full: true).findings == [])
    }

    @Test func `finds nothing without the head, which is advice`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        try fixture.remove("archive/chain.head")
        #expect(try fixture.verify().findings == [])
    }

    @Test func `changes nothing in the folder`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        let state = "find . -type f -printf '%p %s %T@ %C@\\n' | sort; find . -type d -printf '%p %T@\\n' | sort"
        let before = try fixture.run(state).output
        _ = try fixture.verify(full: true)
        #expect(try fixture.run(state).output == before)
    }

    @Test func `accepts an anchor it has grown past`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        try writer.append(fixture.item("a\n"), now: Fixture.morning)
        _ = try writer.close(now: Fixture.morning)
        let seal = try #require(try writer.stop(now: Fixture.morning))
        try fixture.write("anchor.json", fixture.read("archive/" + seal))
        try writer.append(fixture.item("b\n"), now: Fixture.morning + 1)
        _ = try writer.close(now: Fixture.morning + 1)
        #expect(try fixture.verify(anchor: fixture.folder + "/anchor.json").findings == [])
    }

    @Test func `takes an announced container and a line in the making as not yet there`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        var head = try #require(ChainHead(file: fixture.read("archive/chain.head")))
        head.pending = "2026/11/22/000009.tar.zst"
        try fixture.write("archive/2026/11/22/000009.tar.zst", [1])
        var writer: ArchiveWriter? = try fixture.writer(now: Fixture.morning + 101_000_000)
        try fixture.write("archive/chain.head", head.file)
        let chain = FileHandle(forWritingAtPath: fixture.archive + "/chain.log")
        try chain?.seekToEnd()
        try chain?.write(contentsOf: Data("000812 0a".utf8))
        try withExtendedLifetime(writer) {
            let result = try fixture.verify()
            #expect(result.findings == [])
            #expect(result.unpublishedBytes == 9)
        }
        writer = nil
        #expect(try fixture.verify().findings.map(\.code) == ["chain-unfinished", "container-extra"], "nobody writes any more")
    }
}

/// One way to damage a good archive, and the finding that must name it.
struct Damage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: String
    let full: Bool
    let harm: @Sendable (Fixture) throws -> Void

    init(_ name: String, _ code: String, full: Bool = false, _ harm: @escaping @Sendable (Fixture) throws -> Void) {
        testDescription = name
        self.code = code
        self.full = full
        self.harm = harm
    }

    static let first = "archive/2026/11/21/000001.tar.zst"

    static let all: [Damage] = [
        Damage("a flipped bit in a container", "container-altered") { try flip($0, first) { $0 / 2 } },
        Damage("a flipped bit in a container, read whole", "container-altered", full: true) { try flip($0, first) { $0 / 2 } },
        Damage("a truncated container", "container-damaged") { try $0.write(first, $0.read(first).dropLast(40)) },
        Damage("a missing container", "container-missing") { try $0.remove(first) },
        Damage("an extra container", "container-extra") { try $0.write("archive/2026/11/21/000077.tar.zst", [1, 2, 3]) },
        Damage("two containers swapped", "container-altered") { fixture in
            let second = "archive/2026/11/21/000002.tar.zst"
            let other = fixture.files("archive/2026").map { "archive/2026/" + $0 }.first { $0 != first } ?? second
            let (a, b) = try (fixture.read(first), fixture.read(other))
            try fixture.write(first, b)
            try fixture.write(other, a)
        },
        Damage("a flipped bit in the chain", "record-damaged") { try flip($0, "archive/chain.log") { $0 / 2 } },
        Damage("a record edited, its checksum with it", "record-altered") { fixture in
            var records = try fixture.records()
            records[3] = Array(String(decoding: records[3], as: UTF8.self).replacing("orders", with: "0rders").utf8)
            try fixture.writeChain(records)
        },
        Damage("a record removed", "record-removed") { fixture in
            var records = try fixture.records()
            records.remove(at: 3)
            try fixture.writeChain(records)
        },
        Damage("records reordered", "record-moved") { fixture in
            var records = try fixture.records()
            records.swapAt(3, 4)
            try fixture.writeChain(records)
        },
        Damage("a record inserted", "record-inserted") { fixture in
            var records = try fixture.records()
            records.insert(records[2], at: 5)
            try fixture.writeChain(records)
        },
        Damage("the tail cut at a record", "chain-truncated") { try $0.writeChain($0.records().dropLast(2)) },
        Damage("the tail cut within a record", "chain-truncated") {
            try $0.write("archive/chain.log", $0.read("archive/chain.log").dropLast(20))
        },
        Damage("the tail cut, and no head", "chain-truncated") { fixture in
            try fixture.writeChain(fixture.records().dropLast(2))
            try fixture.remove("archive/chain.head")
        },
        Damage("the chain rewritten, consistent in itself", "seal-root") { try rewrite($0) },
        Damage("the chain gone", "chain-missing") { try $0.remove("archive/chain.log") },
        Damage("a seal's root edited", "seal-root") { fixture in
            try edit(fixture, seal: 0) {
                Seal(bytes: $0.bytes, size: $0.size, root: $0.previous, time: $0.time, previous: $0.previous)
            }
        },
        Damage("a seal's time edited", "seal-chain") { fixture in
            try edit(fixture, seal: 0) {
                Seal(
                    bytes: $0.bytes, size: $0.size, root: $0.root, time: UTCTime(milliseconds: $0.time.milliseconds + 1),
                    previous: $0.previous)
            }
        },
        Damage("a seal that is no JSON", "seal-altered") { try $0.write($0.seals()[0], [1, 2]) },
        Damage("a seal missing", "seal-chain") { try $0.remove($0.seals()[0]) },
        Damage("the newest seal missing", "seal-missing") { fixture in
            try fixture.remove(fixture.seals().last!)
        },
    ]

    private static func flip(_ fixture: Fixture, _ name: String, _ at: (Int) -> Int) throws {
        var bytes = try fixture.read(name)
        bytes[at(bytes.count)] ^= 1
        try fixture.write(name, bytes)
    }

    private static func edit(_ fixture: Fixture, seal index: Int, _ change: (Seal) -> Seal) throws {
        let name = try fixture.seals()[index]
        try fixture.write(name, change(Seal(file: fixture.read(name))!).file)
    }

    /// Changes one record and makes all after it fit, as somebody with time would.
    static func rewrite(_ fixture: Fixture) throws {
        var previous = ChainRecord.origin
        let records = try fixture.records().map { text in
            var record = ChainRecord(parsing: text[...])!
            if record.index == 3 { record.file = "other.csv" }
            record.previous = previous
            previous = MerkleTree.leaf(record.text[...])
            return record.text
        }
        try fixture.writeChain(records)
    }
}

@Suite struct `Verifying a damaged archive` {
    @Test(arguments: Damage.all)
    func `names the damage`(damage: Damage) throws {
        let fixture = try Fixture()
        try fixture.fill()
        try damage.harm(fixture)
        let findings = try fixture.verify(full: damage.full).findings
        #expect(findings.contains { $0.code == damage.code }, "\(findings.map { "\($0.code): \($0.message)" })")
    }

    @Test func `names the drop whose member was changed, in a container that reads well`() throws {
        let fixture = try Fixture()
        let places = try fixture.fill()
        let script = """
            mkdir x; tar --zstd -xf \(places[0].container) -C x; echo forged >> x/\(places[1].member)
            tar -C x -c $(ls x) | zstd -qf -o \(places[0].container); rm -r x
            """
        #expect(try fixture.run(script).succeeded)
        let altered = try fixture.verify().findings.filter { $0.code == "member-altered" }
        #expect(altered.map(\.drop) == [places[1].drop])
    }

    @Test func `finds the whole folder rolled back by an anchor`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        try writer.append(fixture.item("a\n"), now: Fixture.morning)
        _ = try writer.close(now: Fixture.morning)
        #expect(try fixture.run("cp -r . ../old").succeeded)
        try writer.append(fixture.item("b\n"), now: Fixture.morning)
        _ = try writer.close(now: Fixture.morning)
        let seal = try #require(try writer.stop(now: Fixture.morning))
        try fixture.write("anchor.json", fixture.read("archive/" + seal))
        let old = ArchiveVerifier(root: fixture.folder + "/old")
        #expect(try old.verify().findings == [])
        #expect(try old.verify(anchor: Anchor(file: fixture.folder + "/anchor.json")).findings.map(\.code) == ["rolled-back"])
    }

    @Test func `finds a rewritten history with rewritten seals by an anchor`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        try fixture.write("anchor.json", fixture.read(fixture.seals().last!))
        try Damage.rewrite(fixture)
        #expect(try fixture.verify(anchor: fixture.folder + "/anchor.json").findings.contains { $0.code == "anchor-root" })
    }

    @Test func `says so when the drop to prove is unknown`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        let result = try fixture.verify(prove: DropID(high: 1, low: 1))
        #expect(result.findings.map(\.code) == ["drop-unknown"])
        #expect(result.proof == nil)
    }

    @Test func `refuses a folder that is no archive`() throws {
        let fixture = try Fixture()
        #expect(throws: DropError.self) { try fixture.verify() }
    }
}
