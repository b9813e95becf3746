import DropCore
import Foundation
import Testing
import TwinModel

@testable import Evidence

@Suite struct `What is compressed ahead of a drop` {
    private let fixture: Fixture
    private let writer: ArchiveWriter
    private let content = (0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7) }

    init() throws {
        fixture = try Fixture()
        writer = try fixture.writer()
    }

    private func prepare(_ item: ArchiveItem, until isOver: () -> Bool = { false }) {
        writer.compressAhead(item.record, path: item.path, until: isOver)
    }

    /// Archives the item, and expects it to be there as if nothing had been done ahead.
    private func archive(_ item: ArchiveItem) throws -> ArchivedItem {
        try writer.append(item, now: Fixture.morning)
        let place = try #require(try writer.close(now: Fixture.morning).first)
        #expect(try fixture.verify(full: true).findings == [])
        #expect(fixture.files("archive/.tmp") == [])
        return place
    }

    private var ahead: String { "archive/.tmp/" + (fixture.files("archive/.tmp").first ?? "") }

    /// Frames that are skipped, and others.
    private func frames(of place: ArchivedItem) throws -> String {
        try fixture.run("zstd -l \(place.container) | tail -n 1 | awk '{print $1, $2}'").output
    }

    @Test func `becomes its container, which a stranger reads like any other`() throws {
        let item = try fixture.item(content)
        prepare(item)
        #expect(fixture.files("archive/.tmp").count == 1)
        try writer.append(item, now: Fixture.morning)
        #expect(writer.isFull)
        writer.forgetAhead(item.record.id)
        let place = try #require(try writer.close(now: Fixture.morning).first)
        #expect(try fixture.verify(full: true).findings == [])
        #expect(try frames(of: place) == "3 1\n")
        let names = try fixture.run("tar --zstd -tf \(place.container)").output
        #expect(names == "\(item.record.id).erp.drop.json\n\(place.member)\n")
        let sum = try fixture.run("zstd -dc \(place.container) | tar -xOf - \(place.member) | sha256sum").output
        #expect(try sum.hasPrefix(#require(item.record.digest).description))
        #expect(fixture.files("archive/.tmp") == [])
    }

    @Test func `is finished by the archive where it is not done yet`() throws {
        let item = try fixture.item(content)
        prepare(item, until: { true })
        #expect(try frames(of: archive(item)) == "3 1\n")
    }

    @Test func `can be taken over while it is compressed`() throws {
        let large = [UInt8](repeating: 7, count: 24 << 20)
        let item = try fixture.item(large)
        let begun = DispatchSemaphore(value: 0)
        let thread = Thread { [writer] in
            writer.compressAhead(item.record, path: item.path) {
                begun.signal()
                return false
            }
        }
        thread.start()
        begun.wait()
        let place = try archive(item)
        #expect(try fixture.run("zstd -dc \(place.container) | tar -xOf - \(place.member) | wc -c").output == "\(large.count)\n")
    }

    @Test(arguments: ["quarantined", "discarded"]) func `is thrown away where it was not applied`(kind: String) throws {
        let item = try fixture.item(content, kind: kind)
        prepare(item)
        #expect(try frames(of: archive(item)) == "1 0\n")
    }

    @Test func `is thrown away where its bytes are in the archive already`() throws {
        let first = try fixture.item(content)
        _ = try archive(first)
        let again = try fixture.item(content, same: first.record.id)
        prepare(again)
        #expect(try archive(again).member.hasSuffix(".drop.json"))
    }

    @Test func `is forgotten when nobody needs it, and when the next begins`() throws {
        let one = try fixture.item(content)
        let other = try fixture.item("other\n")
        prepare(one)
        prepare(other)
        #expect(fixture.files("archive/.tmp") == ["ahead-\(other.record.id).tar.zst"])
        writer.forgetAhead(one.record.id)
        #expect(fixture.files("archive/.tmp").count == 1)
        writer.forgetAhead(other.record.id)
        #expect(fixture.files("archive/.tmp") == [])
        #expect(try frames(of: archive(one)) == "1 0\n")
    }

    @Test func `does not hide that the spooled file changed`() throws {
        let item = try fixture.item(content)
        var changed = content
        changed[1_000_000] ^= 1
        try Data(changed).write(to: URL(fileURLWithPath: item.path))
        prepare(item)
        #expect(fixture.files("archive/.tmp") == [])
        let error = #expect(throws: DropError.self) { try writer.append(item, now: Fixture.morning) }
        #expect(error?.code == .contentChanged)
    }

    @Test func `is written anew where it rots before it is used`() throws {
        let item = try fixture.item(content)
        prepare(item)
        var bytes = try fixture.read(ahead)
        bytes[(Int(ContentAhead.startBytes) + bytes.count) / 2] ^= 1
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: fixture.folder + "/" + ahead))
        try file.write(contentsOf: Data(bytes))  // In place: the writer has it open.
        try file.close()
        #expect(try frames(of: archive(item)) == "1 0\n")
    }

    @Test func `gives way to a header that is too long for the room before it`() throws {
        var record = try fixture.item(content).record
        let path = fixture.folder + "/spool/\(record.id)"
        record.plugin = TransformSummary(
            pluginID: "p", pluginVersion: "1", pluginDigest: StreamHash.digest(of: [1]),
            log: (0..<2000).map { "line \($0) of many that the plugin had to say" })
        let item = ArchiveItem(record: record, path: path, kind: "applied", lineage: [:])
        prepare(item)
        #expect(try frames(of: archive(item)) == "1 0\n")
    }

    @Test func `is completed in the chain after a crash between container and records`() throws {
        let item = try fixture.item(content)
        prepare(item)
        _ = try archive(item)
        try fixture.writeChain(Array(fixture.records().prefix(1)))
        try fixture.remove("archive/chain.head")
        let next = try fixture.writer()
        let recovery = try next.recover(expecting: [item.record], now: Fixture.morning)
        #expect(recovery.archived.map(\.drop) == [item.record.id])
        #expect(recovery.findings == [])
        #expect(try fixture.verify(full: true).findings == [])
    }
}
