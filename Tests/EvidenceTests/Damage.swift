import CodecKit
import DropCore
import Foundation
import Testing
import TwinModel

@testable import Evidence

/// How an archive is looked at after it was damaged.
struct Look {
    var full = false
    var prove: DropID?
    var anchor: String?
    var register: RegisteredArchive?

    func verify(_ fixture: Fixture) throws -> VerifyResult {
        try ArchiveVerifier(root: fixture.archive).verify(
            full: full, prove: prove, anchor: try anchor.map { try Anchor(file: $0) }, register: register)
    }
}

/// One way to damage a good archive, and the finding that must name it.
struct Damage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: VerifyFinding.Code
    /// Damages the archive that `Fixture.fill` made, and says how to look at it then.
    let harm: @Sendable (Fixture) throws -> Look

    init(
        _ name: String, _ code: VerifyFinding.Code, full: Bool = false, _ harm: @escaping @Sendable (Fixture) throws -> Void
    ) {
        self.init(name, looked: code) { fixture in
            try harm(fixture)
            return Look(full: full)
        }
    }

    init(_ name: String, looked code: VerifyFinding.Code, _ harm: @escaping @Sendable (Fixture) throws -> Look) {
        testDescription = name
        self.code = code
        self.harm = harm
    }

    static let all = chain + records + contradictions + containers + seals + acts + beside

    static let first = "archive/2026/11/21/000001.tar.zst"

    /// The file of the chain, and what stands beside it.
    private static let chain: [Damage] = [
        Damage("the chain gone", .chainMissing) { try $0.remove("archive/chain.log") },
        Damage("the tail cut at a record", .chainTruncated) { try $0.writeChain($0.records().dropLast(2)) },
        Damage("the tail cut within a record", .chainTruncated) {
            try $0.write("archive/chain.log", $0.read("archive/chain.log").dropLast(20))
        },
        Damage("the tail cut, and no head", .chainTruncated) { fixture in
            try fixture.writeChain(fixture.records().dropLast(2))
            try fixture.remove("archive/chain.head")
        },
        Damage("the tail cut within a record, and no head", .chainTorn) { fixture in
            try fixture.write("archive/chain.log", fixture.read("archive/chain.log").dropLast(20))
            try fixture.remove("archive/chain.head")
        },
        Damage("a link in the place of the chain", .chainUnreadable) { try link($0, "archive/chain.log") },
        Damage("a link in the place of the head", .headAltered) { try link($0, "archive/chain.head") },
        Damage("bytes behind the head", .chainUnfinished) {
            try $0.write("archive/chain.log", $0.read("archive/chain.log") + Array("more".utf8))
        },
        Damage("the chain rewritten, and its seals taken away", .chainRewritten) { fixture in
            try rewrite(fixture) { if $0.index == 3 { $0.file = "0rders.csv" } }
            for seal in try fixture.seals() { try fixture.remove(seal) }
        },
        Damage("a folder that leads in a circle", .folderUnreadable) { fixture in
            try FileManager.default.createSymbolicLink(
                atPath: fixture.archive + "/2026/12", withDestinationPath: fixture.archive + "/2026/12")
        },
        Damage("a format to come", .formatUnknown) { try rewrite($0) { if $0.index == 0 { $0.extra = ["format": 2] } } },
    ]

    /// One record, and its place in the row.
    private static let records: [Damage] = [
        Damage("a flipped bit in the chain", .recordDamaged) { try flip($0, "archive/chain.log") { $0 / 2 } },
        Damage("a record edited, its checksum with it", .recordAltered) { fixture in
            var records = try fixture.records()
            records[3] = Array(String(decoding: records[3], as: UTF8.self).replacing("orders", with: "0rders").utf8)
            try fixture.writeChain(records)
        },
        Damage("a record removed", .recordRemoved) { fixture in
            var records = try fixture.records()
            records.remove(at: 3)
            try fixture.writeChain(records)
        },
        Damage("records reordered", .recordMoved) { fixture in
            var records = try fixture.records()
            records.swapAt(3, 4)
            try fixture.writeChain(records)
        },
        Damage("a record inserted", .recordInserted) { fixture in
            var records = try fixture.records()
            records.insert(records[2], at: 5)
            try fixture.writeChain(records)
        },
        Damage("a record dated before the one before it", .recordTime) { fixture in
            try rewrite(fixture) { if $0.index == 5 { $0.at = UTCTime(milliseconds: Fixture.morning - 1) } }
        },
    ]

    /// Chains rewritten with all that follows from it, whose records contradict each other.
    private static let contradictions: [Damage] = [
        Damage("a record moved into another container", .recordContainer) { fixture in
            try rewrite(fixture) { if $0.index == 3 { $0.container = "2026/11/21/000002.tar.zst" } }
        },
        Damage("a container with one drop more than it has", .containerCount) { fixture in
            try rewrite(fixture) { if $0.index == 1 { $0.drops = 4 } }
        },
        Damage("a drop closed twice", .dropTwice) { fixture in
            let first = try ChainRecord(parsing: fixture.records()[2][...])?.drop
            try rewrite(fixture) { if $0.index == 3 { $0.drop = first } }
        },
        Damage("bytes that are said to be those of a drop that is nowhere", .sameUnknown) { fixture in
            try rewrite(fixture) { if $0.index == 3 { $0.same = DropID(high: 1, low: 1) } }
        },
    ]

    private static let containers: [Damage] = [
        Damage("a flipped bit in a container", .containerAltered) { try flip($0, first) { $0 / 2 } },
        Damage("a flipped bit in a container, read whole", .containerAltered, full: true) { try flip($0, first) { $0 / 2 } },
        Damage("a truncated container", .containerDamaged) { try $0.write(first, $0.read(first).dropLast(40)) },
        Damage("a missing container", .containerMissing) { try $0.remove(first) },
        Damage("an extra container", .containerExtra) { try $0.write("archive/2026/11/21/000077.tar.zst", [1, 2, 3]) },
        Damage("two containers swapped", .containerAltered) { fixture in
            let second = "archive/2026/11/21/000002.tar.zst"
            let other = fixture.files("archive/2026").map { "archive/2026/" + $0 }.first { $0 != first } ?? second
            let (a, b) = try (fixture.read(first), fixture.read(other))
            try fixture.write(first, b)
            try fixture.write(other, a)
        },
        Damage("a member edited in a container that reads well", .memberAltered) {
            try repack($0) { "echo forged >> $(ls *.content.csv | head -1)" }
        },
        Damage("a member taken out of a container that reads well", .memberCount) {
            try repack($0) { "rm $(ls *.content.csv | head -1)" }
        },
    ]

    private static let seals: [Damage] = [
        Damage("the chain rewritten, consistent in itself", .sealRoot) { try rewrite($0) },
        Damage("a seal's root edited", .sealRoot) { fixture in
            try edit(fixture, seal: 0) {
                Seal(bytes: $0.bytes, size: $0.size, root: $0.previous, time: $0.time, previous: $0.previous)
            }
        },
        Damage("a seal's time edited", .sealChain) { fixture in
            try edit(fixture, seal: 0) {
                Seal(
                    bytes: $0.bytes, size: $0.size, root: $0.root, time: UTCTime(milliseconds: $0.time.milliseconds + 1),
                    previous: $0.previous)
            }
        },
        Damage("a seal that is no JSON", .sealAltered) { try $0.write($0.seals()[0], [1, 2]) },
        Damage("a seal missing", .sealChain) { try $0.remove($0.seals()[0]) },
        Damage("the newest seal missing", .sealMissing) { fixture in
            try fixture.remove(fixture.seals().last!)
        },
    ]

    private static let acts: [Damage] = [
        Damage("an act without its kind", .actIncomplete) { fixture in
            try noteActs(fixture)
            try rewrite(fixture) { if $0.index == 11 { $0.extra = without("act", in: $0.extra) } }
        },
        Damage("an act that is recorded twice", .actTwice) { fixture in
            try noteActs(fixture)
            let first = try ChainRecord(parsing: fixture.records()[11][...])?.extra
            try rewrite(fixture) { if $0.index == 12 { $0.extra = first } }
        },
    ]

    /// What only shows beside something else: a seal kept elsewhere, a drop that somebody asks for, the database.
    private static let beside: [Damage] = [
        Damage("the chain rewritten, beside a seal kept elsewhere", looked: .anchorRoot) { fixture in
            try fixture.write("anchor.json", fixture.read(fixture.seals().last!))
            try rewrite(fixture)
            return Look(anchor: fixture.folder + "/anchor.json")
        },
        Damage("all of it put back to what it was, beside a seal kept elsewhere", looked: .rolledBack) { fixture in
            try #require(try fixture.run("cp -r . ../old").succeeded)
            let later = Fixture.morning + 102_000_000
            let writer = try fixture.writer(now: later)
            try writer.append(fixture.item("later\n", now: later), now: later)
            _ = try writer.close(now: later)
            let seal = try #require(try writer.stop(now: later))
            try fixture.write("anchor.json", fixture.read("archive/" + seal))
            try #require(try fixture.run("cd ..; rm -r archive; mv old archive").succeeded)
            return Look(anchor: fixture.folder + "/anchor.json")
        },
        Damage("a drop to prove that is in no record", looked: .dropUnknown) { _ in Look(prove: DropID(high: 1, low: 1)) },
        Damage("a record rewritten, beside the database's row", looked: .registerDiffers) { fixture in
            let record = try #require(try ChainRecord(parsing: fixture.records()[3][...]))
            let row = try fixture.row(of: record)
            try rewrite(fixture) { if $0.index == 3 { $0.bytes! += 1 } }
            return Look(register: RegisteredArchive(head: nil) { drop throws(DropError) in drop == row.id ? row : nil })
        },
        Damage("the chain rewritten, beside what the database saw", looked: .otherThanDatabase) { fixture in
            let head = try ArchiveHead(#require(try ChainHead.read(ArchivePlaces(root: fixture.archive))))
            try rewrite(fixture)
            return Look(register: RegisteredArchive(head: head) { _ throws(DropError) in nil })
        },
    ]
}

extension Damage {
    /// Changes records, one of them where nothing else is said, and makes all after them fit, as somebody with time would.
    static func rewrite(
        _ fixture: Fixture, _ change: (inout ChainRecord) -> Void = { if $0.index == 3 { $0.file = "other.csv" } }
    ) throws {
        var previous = ChainRecord.origin
        let records = try fixture.records().map { text in
            var record = ChainRecord(parsing: text[...])!
            change(&record)
            record.previous = previous
            previous = MerkleTree.leaf(record.text[...])
            return record.text
        }
        try fixture.writeChain(records)
    }

    private static func flip(_ fixture: Fixture, _ name: String, _ at: (Int) -> Int) throws {
        var bytes = try fixture.read(name)
        bytes[at(bytes.count)] ^= 1
        try fixture.write(name, bytes)
    }

    private static func edit(_ fixture: Fixture, seal index: Int, _ change: (Seal) -> Seal) throws {
        let name = try fixture.seals()[index]
        try fixture.write(name, change(Seal(file: fixture.read(name))!).file)
    }

    private static func link(_ fixture: Fixture, _ name: String) throws {
        try fixture.remove(name)
        try FileManager.default.createSymbolicLink(atPath: fixture.folder + "/" + name, withDestinationPath: "/etc/hostname")
    }

    /// Unpacks the first container, runs a script among its members, and packs them again.
    private static func repack(_ fixture: Fixture, _ script: () -> String) throws {
        let file = first.dropFirst("archive/".count)
        let ran = try fixture.run(
            """
            mkdir x; tar --zstd -xf \(file) -C x
            (cd x; \(script()))
            tar -C x -c $(ls x) | zstd -qf -o \(file); rm -r x
            """)
        try #require(ran.succeeded, "\(ran.output)")
    }

    /// Adds two acts, as records 11 and 12.
    private static func noteActs(_ fixture: Fixture) throws {
        let later = Fixture.morning + 102_000_000
        let acts = (1...2).map { number in
            Act(
                id: DropID(high: later << 16, low: UInt64(number)), kind: .release, at: later,
                by: .user(number: 1000, name: "alice"), reason: "because", drop: DropID(high: 1 << 30, low: UInt64(number)),
                source: fixture.source, facts: [])
        }
        try #require(try fixture.writer(now: later).note(acts, now: later) == [11, 12])
    }

    private static func without(_ name: String, in extra: JSON?) -> JSON? {
        (extra?.members).map { .object($0.filter { $0.name != name }) }
    }
}
