import DropCore
import Foundation
import Testing
import TwinModel

@testable import Evidence

/// Something in the place of a file of the archive.
enum Stranger: String, CaseIterable, Sendable {
    case pipe = "mkfifo $F", link = "ln -s /etc/hostname $F", loop = "ln -s $F $F", folder = "mkdir $F"
    case huge = "truncate -s 300M $F"
    case nothing = ": > $F"
}

@Suite struct `Verifying an archive in which somebody put something else` {
    /// Puts it in the place of what `find` finds; what `verify` says.
    private func findings(_ find: String, _ stranger: Stranger) throws -> [VerifyFinding.Code] {
        let fixture = try Fixture()
        try fixture.fill()
        let made = try fixture.run("F=$(\(find)); rm -r $F; \(stranger.rawValue)")
        try #require(made.succeeded, "\(made.output)")
        return try fixture.verify(full: true).findings.map(\.code)
    }

    @Test(arguments: Stranger.allCases)
    func `for a container names it, and looks at the rest`(stranger: Stranger) throws {
        #expect(
            try Set(findings("ls 2*/*/*/*.zst | head -1", stranger)).subtracting([.containerDamaged]) == [.containerAltered])
    }

    @Test func `for a container, larger than any disk, does not read it to find that out`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        let made = try fixture.run("truncate -s 10T $(ls 2*/*/*/*.zst | head -1)")
        try #require(made.succeeded, "\(made.output)")
        let begun = ContinuousClock.now
        #expect(try fixture.verify(full: true).findings.map(\.code) == [.containerAltered])
        #expect(.now - begun < .seconds(20))
    }

    @Test(arguments: Stranger.allCases)
    func `for a seal names it, and looks at the rest`(stranger: Stranger) throws {
        #expect(try findings("ls seals/*/*.json | head -1", stranger).contains(.sealAltered))
    }

    @Test(arguments: Stranger.allCases)
    func `for the chain names it`(stranger: Stranger) throws {
        let found = try findings("ls chain.log", stranger)
        #expect(
            !Set(found).isDisjoint(with: [.chainUnreadable, .chainTruncated, .chainTorn, .recordDamaged]), "\(found)")
    }

    @Test(arguments: Stranger.allCases)
    func `for the head names it, unless it could be left of a power cut`(stranger: Stranger) throws {
        #expect(try findings("ls chain.head", stranger) == (stranger == .nothing ? [] : [.headAltered]))
    }

    @Test(arguments: [Stranger.pipe, .link, .huge])
    func `for the anchor is a mistake of the caller`(stranger: Stranger) throws {
        let fixture = try Fixture()
        try fixture.fill()
        let path = fixture.folder + "/anchor.json"
        try #require(try fixture.run("F=\(path); \(stranger.rawValue)").succeeded)
        let error = #expect(throws: StartError.self) { try fixture.verify(anchor: path) }
        #expect(error?.code == .anchor)
    }

    @Test(arguments: ["whole records", "half a record", "anything"])
    func `behind the head of the chain names it when nobody writes`(what: String) throws {
        let fixture = try Fixture()
        try fixture.fill()
        var more: [UInt8]
        if what == "anything" {
            more = Array("never mind".utf8)
        } else {
            let last = try #require(try fixture.records().last)
            var record = try #require(ChainRecord(parsing: last[...]))
            record.previous = MerkleTree.leaf(last[...])
            record.index += 1
            more = ChainRecord.line(record.text)
            if what == "half a record" { more.removeLast(20) }
        }
        try fixture.write("archive/chain.log", fixture.read("archive/chain.log") + more)
        #expect(try fixture.verify().findings.contains { $0.code == .chainUnfinished })
    }

    @Test func `of a format to come says so`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        var previous = ChainRecord.origin
        try fixture.writeChain(
            fixture.records().map { text in
                var record = ChainRecord(parsing: text[...])!
                if record.index == 0 { record.extra = ["format": 2] }
                record.previous = previous
                previous = MerkleTree.leaf(record.text[...])
                return record.text
            })
        #expect(try fixture.verify().findings.contains { $0.code == .formatUnknown })
    }
}

@Suite struct `Verifying an archive beside its database` {
    /// A good archive, and what a database would know of it.
    private func known(_ fixture: Fixture) throws -> (head: ArchiveHead, rows: [DropID: DropRecord]) {
        let writer = try fixture.writer()
        var rows: [DropID: DropRecord] = [:]
        for number in 0..<3 {
            let item = try fixture.item("row \(number)\n")
            try writer.append(item, now: Fixture.morning)
            let place = try #require(try writer.close(now: Fixture.morning).first)
            rows[item.record.id] = item.record
            rows[item.record.id]?.container = place.container
        }
        defer { _ = try? writer.stop(now: Fixture.morning) }
        return (writer.head, rows)
    }

    private func findings(_ fixture: Fixture, _ head: ArchiveHead?, _ rows: [DropID: DropRecord]) throws -> [VerifyFinding.Code] {
        let register = RegisteredArchive(head: head) { drop throws(DropError) in rows[drop] }
        return try ArchiveVerifier(root: fixture.archive).verify(register: register).findings.map(\.code)
    }

    @Test func `finds nothing where they agree, and nothing where the database has forgotten a drop`() throws {
        let fixture = try Fixture()
        var (head, rows) = try known(fixture)
        #expect(try findings(fixture, head, rows) == [])
        rows[rows.keys.first!] = nil
        #expect(try findings(fixture, head, rows) == [])
    }

    @Test func `names a drop that is another in the database`() throws {
        let fixture = try Fixture()
        let (head, rows) = try known(fixture)
        for change in [
            { (row: inout DropRecord) in row.digest = StreamHash.digest(of: [1]) }, { $0.bytes += 1 },
            { $0.container = "2026/11/21/000009.tar.zst" },
        ] as [(inout DropRecord) -> Void] {
            var changed = rows
            change(&changed[rows.keys.first!]!)
            #expect(try findings(fixture, head, changed) == [.registerDiffers])
        }
    }

    @Test func `finds a chain that was rewritten with all that follows from it`() throws {
        let fixture = try Fixture()
        let (head, rows) = try known(fixture)
        #expect(try ArchiveCatalogue(root: fixture.archive).has(head))
        try Damage.rewrite(fixture)
        for name in try fixture.seals() { try fixture.remove(name) }
        try fixture.remove("archive/chain.head")
        #expect(try findings(fixture, nil, [:]) == [])
        #expect(try findings(fixture, head, rows) == [.otherThanDatabase])
        #expect(try !ArchiveCatalogue(root: fixture.archive).has(head))
    }

    /// `chain.head` alone told of the newest seal, and went with it.
    @Test func `misses the newest seal, also where the head went with it`() throws {
        let fixture = try Fixture()
        _ = try known(fixture)
        let head = try ArchiveHead(#require(try ChainHead.read(ArchivePlaces(root: fixture.archive))))
        #expect(head.seal != nil && ArchiveHead(head.text) == head)
        #expect(try findings(fixture, head, [:]) == [])
        try fixture.remove(#require(fixture.seals().last))
        try fixture.remove("archive/chain.head")
        #expect(try findings(fixture, nil, [:]) == [], "the folder alone does not tell")
        #expect(try findings(fixture, head, [:]) == [.sealMissing])
    }

    @Test func `finds a chain that was cut off, or is another's`() throws {
        let fixture = try Fixture()
        let (head, _) = try known(fixture)
        try fixture.writeChain(fixture.records().dropLast())
        #expect(try !ArchiveCatalogue(root: fixture.archive).has(head))
        #expect(try !ArchiveCatalogue(root: Fixture().archive).has(head))
    }
}
