import DropCore
import DropSpooling
import Foundation
import Pipeline
import SystemKit
import Testing
import ThreadKit
import TwinModel

/// Claims every file, each of three bytes, and finds every intent's file in the spool.
private struct Finding: FileClaimer {
    let spool: SpoolFolder

    func prepare(_ files: [(file: SettledFile, id: DropID)]) throws(DropError) -> any PreparedClaim {
        FakeClaim(files) { [spool] in
            for (_, id) in files { try? Data("abc".utf8).write(to: URL(fileURLWithPath: spool.path(of: id))) }
            return files.map { .claimed($0.id, bytes: 3) }
        }
    }

    func recover(_ intents: [DropRecord]) throws(DropError) -> [RecoveredClaim] {
        intents.map { spool.contains($0.id) ? .adopted($0.id, bytes: 3) : .missing($0.id) }
    }
}

/// docs/decisions/0048-replacing-a-drop.md: in an ordered source whose drops are held, each of them.
@Suite(.serialized) struct `A corrected file in the place of a held drop` {
    private let scratch: Scratch
    private let spool: SpoolFolder
    private let books = Books(Diary())
    private let pipeline: DropPipeline
    private let source = SourceName("s")!

    init() throws {
        scratch = try Scratch()
        spool = try SpoolFolder(state: scratch.path)
        let hold = DropError(.guardDeletes, "It is too much.", hint: "Look at it.", remedy: .hold)
        let ports = PipelinePorts(
            register: books, graph: books, transformer: Transforming(diary: books.diary, outcome: hold),
            claimer: Finding(spool: spool), spool: spool, receipts: books,
            makeArchive: { [books] () throws(DropError) in books }, clock: { 1_795_000_000_000 })
        var limits = PipelineLimits()
        (limits.softFree, limits.hardFree) = ((0, 0), (0, 0))
        pipeline = DropPipeline(
            ports: ports, sources: [PipelineSource(name: source, policy: ApplyPolicy(), order: .arrival)], limits: limits,
            emit: { _ in })
    }

    /// A drop as its row has it, with its bytes in the spool.
    private func spooled(_ number: UInt64, _ state: DropState, link: DropLink? = nil) throws -> DropRecord {
        let id = DropID(high: 1_795_000_000_000 << 16, low: number)
        try Data("abc".utf8).write(to: URL(fileURLWithPath: spool.path(of: id)))
        let digest = try spool.digest(of: id)
        let record = DropRecord(
            id: id, source: source, fileName: FileName("x"), bytes: 3, digest: state == .claimed ? nil : digest, state: state,
            claimedAt: 1, changedAt: 1, intake: FileIdentity(device: 1, inode: number, changeTime: 3), link: link)
        books.rows.with { $0[id] = record }
        return record
    }

    private func row(_ id: DropID) -> DropRecord? { books.rows.with { $0[id] } }

    @Test func `closes that drop, and runs under its name`() throws {
        let old = try spooled(1, .held)
        try pipeline.start()
        let new = try pipeline.replace(
            old.id,
            with: Replacement(bytes: 5) { (descriptor) throws(DropError) in
                try? System.write(Array("right".utf8), to: descriptor, "copy")
            }, by: .token("test"), reason: nil)
        #expect(new.fileName == old.fileName && new.bytes == 5 && new.link == DropLink(kind: .retries, drop: old.id))
        #expect(row(old.id)?.state == .discarded)
        #expect(row(old.id)?.closedBy == DropClosing(drop: new.id, how: .retry))
        books.diary.waitFor("transformed")
        #expect(pipeline.waitUntilIdle() == nil)
        #expect(FileManager.default.contents(atPath: spool.path(of: new.id)).map { Array($0) } == Array("right".utf8))
        pipeline.stop(patience: .seconds(5))
    }

    @Test func `that cannot be copied leaves that drop as it was`() throws {
        let old = try spooled(1, .held)
        try pipeline.start()
        let full = DropError(.diskFull, "There is no room.", hint: "", remedy: .retry(after: .seconds(1)))
        #expect(throws: full) {
            try pipeline.replace(
                old.id, with: Replacement(bytes: 5) { (_) throws(DropError) in throw full }, by: .token("test"), reason: nil)
        }
        #expect(row(old.id) == old)
        #expect(books.withdrawn.with { $0.count } == 1)
        #expect(pipeline.waitUntilIdle() == nil)
        pipeline.stop(patience: .seconds(5))
    }

    @Test func `closes that drop at a start, where the last run ended between the two`() throws {
        let old = try spooled(1, .held)
        let new = try spooled(2, .claimed, link: DropLink(kind: .retries, drop: old.id))
        try pipeline.start()
        books.diary.waitFor("transformed")
        #expect(pipeline.waitUntilIdle() == nil)
        #expect(row(old.id)?.state == .discarded && row(old.id)?.closedBy?.drop == new.id)
        #expect(row(new.id)?.state == .held, "it did not wait behind the drop that it replaces")
        pipeline.stop(patience: .seconds(5))
    }
}
