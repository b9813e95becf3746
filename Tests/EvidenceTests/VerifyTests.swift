import CodecKit
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
        #expect(try fixture.verify().findings.map(\.code) == [.chainUnfinished, .containerExtra], "nobody writes any more")
    }
}

@Suite struct `Verifying a damaged archive` {
    @Test(arguments: Damage.all)
    func `names the damage`(damage: Damage) throws {
        let fixture = try Fixture()
        try fixture.fill()
        let look = try damage.harm(fixture)
        let findings = try look.verify(fixture).findings
        #expect(findings.contains { $0.code == damage.code }, "\(findings.map { "\($0.code): \($0.message)" })")
    }

    @Test(arguments: VerifyFinding.Code.allCases)
    func `is tried for every finding that there is`(code: VerifyFinding.Code) throws {
        if VerifyFinding.Code.ofHome.contains(code) {
            // Only the program finds these, which opens the database: its tests start it.
            let folder = URL(fileURLWithPath: Fixture.packageRoot + "/Tests/MainPathTests")
            let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            let texts = try files.filter { $0.pathExtension == "swift" }.map { try String(contentsOf: $0, encoding: .utf8) }
            #expect(texts.contains { $0.contains("\"\(code.rawValue)\"") }, "no test of MainPathTests expects \(code)")
        } else {
            #expect(Damage.all.contains { $0.code == code }, "no damage case expects \(code)")
        }
    }

    @Test func `can say nothing that the format's document does not list, and all of that`() throws {
        let text = try String(contentsOfFile: Fixture.packageRoot + "/docs/archive-format.md", encoding: .utf8)
        let section = try #require(text.components(separatedBy: "\n## ").first { $0.hasPrefix("What `verify` finds") })
        let first = section.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { $0.split(separator: "|")[0] }
        let listed = first.flatMap { $0.split(separator: "`").filter { !$0.contains(" ") && !$0.contains(",") } }.map(String.init)
        #expect(listed.sorted() == VerifyFinding.Code.allCases.map(\.rawValue).sorted())
    }

    @Test func `names the drop whose member was changed, in a container that reads well`() throws {
        let fixture = try Fixture()
        let places = try fixture.fill()
        let script = """
            mkdir x; tar --zstd -xf \(places[0].container) -C x; echo forged >> x/\(places[1].member)
            tar -C x -c $(ls x) | zstd -qf -o \(places[0].container); rm -r x
            """
        #expect(try fixture.run(script).succeeded)
        let altered = try fixture.verify().findings.filter { $0.code == .memberAltered }
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
        #expect(try old.verify(anchor: Anchor(file: fixture.folder + "/anchor.json")).findings.map(\.code) == [.rolledBack])
    }

    @Test func `finds a rewritten history with rewritten seals by an anchor`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        try fixture.write("anchor.json", fixture.read(fixture.seals().last!))
        try Damage.rewrite(fixture)
        #expect(try fixture.verify(anchor: fixture.folder + "/anchor.json").findings.contains { $0.code == .anchorRoot })
    }

    @Test func `says so when the drop to prove is unknown`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        let result = try fixture.verify(prove: DropID(high: 1, low: 1))
        #expect(result.findings.map(\.code) == [.dropUnknown])
        #expect(result.proof == nil)
    }

    @Test func `refuses a folder that is no archive`() throws {
        let fixture = try Fixture()
        #expect(throws: DropError.self) { try fixture.verify() }
    }
}
