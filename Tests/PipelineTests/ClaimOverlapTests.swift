import DropCore
import DropSpooling
import Foundation
import Pipeline
import Testing
import ThreadKit
import TwinModel

/// Moves files and syncs when it is told to.
private struct SlowClaimer: FileClaimer {
    let diary: Diary
    let spool: SpoolFolder

    func prepare(_ files: [(file: SettledFile, id: DropID)]) throws(DropError) -> any PreparedClaim {
        let results = files.map { ClaimResult.claimed($0.id, bytes: 3) }
        return FakeClaim(
            files,
            move: { [spool] () throws(DropError) in
                for (_, id) in files { try? Data("abc".utf8).write(to: URL(fileURLWithPath: spool.path(of: id))) }
                return results
            },
            wait: { [diary] () throws(DropError) in
                diary.isSynced.wait(until: { $0 }) { _ in }
                diary.note("synced")
                return results
            })
    }

    func recover(_ intents: [DropRecord]) throws(DropError) -> [RecoveredClaim] { [] }
}

@Suite struct `A file whose claim is not durable yet` {
    private let scratch: Scratch
    private let spool: SpoolFolder
    private let diary = Diary()
    private let source = SourceName("s")!

    init() throws {
        scratch = try Scratch()
        spool = try SpoolFolder(state: scratch.path)
    }

    /// What was written down before the claim was durable, and what after it. With a `defect` nothing is transformed.
    private func run(
        _ outcome: DropError?, defect: DropError? = nil, aheadBytes: UInt64 = 64 << 20, until line: String
    ) throws -> (before: [String], after: [String]) {
        var limits = PipelineLimits()
        limits.aheadBytes = aheadBytes
        limits.softFree = (0, 0)
        let books = Books(diary)
        let ports = PipelinePorts(
            register: books, graph: books, transformer: Transforming(diary: diary, outcome: outcome),
            claimer: SlowClaimer(diary: diary, spool: spool), spool: spool, receipts: books,
            makeArchive: { [diary] () throws(DropError) in Books(diary) }, clock: { 1_795_000_000_000 })
        let pipeline = DropPipeline(
            ports: ports,
            sources: [
                PipelineSource(name: source, policy: ApplyPolicy())
            ], limits: limits,
            emit: { [diary] event in
                if case .claimed = event { diary.note("claimed") }
            })
        try pipeline.start()
        pipeline.submit([
            SettledFile(
                source: source, folder: "/", name: FileName("x.csv"), bytes: 3,
                identity: FileIdentity(device: 1, inode: 2, changeTime: 3), defect: defect)
        ])
        var expected = defect == nil ? ["claimed", "transformed"] : ["claimed"]
        if aheadBytes == 3 { expected.append("ahead") }
        for line in expected { diary.waitFor(line) }
        // Room for what must not come.
        diary.lines.wait(until: { $0.count > expected.count }, timeout: .milliseconds(100)) { _ in }
        diary.isSynced.with { $0 = true }
        diary.waitFor(line)
        pipeline.stop(patience: .zero)
        let lines = diary.lines.with { $0 }
        let parts = lines.split(separator: "synced", maxSplits: 1, omittingEmptySubsequences: false)
        return (Array(parts[0]), Array(parts[1]))
    }

    @Test func `is transformed already, and its rejects and changes are written after`() throws {
        let (before, after) = try run(nil, until: "committed")
        #expect(before == ["claimed", "transformed"])
        #expect(after.prefix(2) == ["rejects", "committed"])
    }

    @Test func `is compressed ahead where it is large, and that forgotten when the archive has it`() throws {
        let (before, after) = try run(nil, aheadBytes: 3, until: "forgotten")
        #expect(before.sorted() == ["ahead", "claimed", "transformed"])
        #expect(after.contains("committed"))
    }

    @Test(arguments: [DropError.Remedy.quarantine, .hold, .suspendSource])
    func `has what was compressed ahead forgotten when it ends otherwise`(remedy: DropError.Remedy) throws {
        let refusal = DropError(.refused, "It is no CSV.", hint: "Send CSV.", remedy: remedy)
        let (before, _) = try run(refusal, aheadBytes: 3, until: "forgotten")
        #expect(before.contains("ahead"))
    }

    @Test func `is held or quarantined after`() throws {
        let refusal = DropError(.refused, "It is no CSV.", hint: "Send CSV.", remedy: .quarantine)
        let (before, after) = try run(refusal, until: "quarantined")
        #expect(before == ["claimed", "transformed"])
        #expect(after.first == "quarantined")
    }

    @Test func `is quarantined after, too, where its claim says so`() throws {
        let (before, after) = try run(nil, defect: TruncationRule.defect(of: FileName("x.csv")), until: "quarantined")
        #expect(before == ["claimed"])
        #expect(after.first == "quarantined")
        #expect(!after.contains("transformed"))
    }
}
