import DropCore
import DropSpooling
import Foundation
import Pipeline
import Testing
import ThreadKit
import TwinModel

/// Answers every claim with `result`, and keeps what it was asked for and what was durable then.
private final class KeepingClaimer: FileClaimer {
    private let books: Books
    private let spool: SpoolFolder
    private let result: @Sendable (DropID) -> ClaimResult
    let asked = Monitor<[DropID]>([])
    /// Intents that were taken back when the newest files were asked for.
    let withdrawnAtPrepare = Monitor<[DropID]>([])
    let intendedAtCommit = Monitor<[DropID]?>(nil)
    let withdrawnAtFinish = Monitor<[DropID]?>(nil)

    init(_ books: Books, _ spool: SpoolFolder, _ result: @escaping @Sendable (DropID) -> ClaimResult) {
        (self.books, self.spool, self.result) = (books, spool, result)
    }

    func prepare(_ files: [(file: SettledFile, id: DropID)]) throws(DropError) -> any PreparedClaim {
        asked.with { $0 += files.map(\.id) }
        withdrawnAtPrepare.with { $0 = books.withdrawn.with { $0 } }
        let results = files.map { result($0.id) }
        return FakeClaim(
            files,
            move: { [self] () throws(DropError) in
                intendedAtCommit.with { $0 = books.intended.with { $0.map(\.id) } }
                for (_, id) in files { try? Data("abc".utf8).write(to: URL(fileURLWithPath: spool.path(of: id))) }
                return results
            },
            wait: { [self] () throws(DropError) in
                withdrawnAtFinish.with { $0 = books.withdrawn.with { $0 } }
                return results
            })
    }

    func recover(_ intents: [DropRecord]) throws(DropError) -> [RecoveredClaim] { [] }
}

@Suite struct `The steps of a claim` {
    private let scratch: Scratch
    private let spool: SpoolFolder
    private let books = Books(Diary())
    private let defect = DropError(SettledFile.stillOpen, "open", hint: "close", remedy: .quarantine)

    init() throws {
        scratch = try Scratch()
        spool = try SpoolFolder(state: scratch.path)
    }

    /// Hands one file over, several times; what became of it first.
    private func claim(_ claimer: KeepingClaimer, defect: DropError? = nil, times: Int = 1) throws -> ClaimResult {
        let results = Monitor<[ClaimResult]>([])
        var limits = PipelineLimits()
        (limits.softFree, limits.hardFree) = ((0, 0), (0, 0))
        let ports = PipelinePorts(
            register: books, graph: books, transformer: Transforming(diary: books.diary, outcome: nil), claimer: claimer,
            spool: spool, receipts: books, makeArchive: { [books] () throws(DropError) in books },
            clock: { 1_795_000_000_000 })
        let pipeline = DropPipeline(
            ports: ports, sources: [PipelineSource(name: SourceName("s")!, policy: ApplyPolicy())], limits: limits,
            afterClaim: { told in results.with { $0 += told.map(\.1) } }, emit: { _ in })
        try pipeline.start()
        for time in 1...times {
            pipeline.submit([
                SettledFile(
                    source: SourceName("s")!, folder: "/", name: FileName("x"), bytes: 3,
                    identity: FileIdentity(device: 1, inode: 2, changeTime: 3), defect: defect)
            ])
            results.wait(until: { $0.count >= time }, timeout: .seconds(30)) { _ in }
        }
        pipeline.stop()
        return try #require(results.with { $0.first })
    }

    /// Fails where a file is moved before its intent is durable.
    @Test func `are the intent before the move, with the file's name and size`() throws {
        let claimer = KeepingClaimer(books, spool) { .claimed($0, bytes: 3) }
        _ = try claim(claimer)
        #expect(claimer.intendedAtCommit.with { $0 } == claimer.asked.with { $0 })
        let intent = try #require(books.intended.with { $0.first })
        #expect(intent.state == .claimed && intent.fileName == FileName("x") && intent.bytes == 3)
        #expect(books.withdrawn.with { $0.isEmpty })
    }

    /// Fails where an intent stays whose file stays, or goes while its file may lie in the spool.
    @Test func `end with the intents of files that stay taken back, once that is durable`() throws {
        let claimer = KeepingClaimer(books, spool) { _ in .notYet(WaitingReason(.writer)) }
        #expect(try claim(claimer) == .notYet(WaitingReason(.writer)))
        #expect(claimer.withdrawnAtFinish.with { $0 } == [])
        #expect(books.withdrawn.with { $0 } == claimer.asked.with { $0 })
    }

    /// Fails where a file may have two intents: a start after a crash would set one of them aside as a drop without bytes.
    @Test func `begin with the intents that could not be taken back before`() throws {
        let claimer = KeepingClaimer(books, spool) { _ in .notYet(WaitingReason(.writer)) }
        books.withdrawFailures.with {
            $0 = [DropError(.diskFull, "No room.", hint: "Make room.", remedy: .retry(after: .milliseconds(1)))]
        }
        _ = try claim(claimer, times: 2)
        let asked = claimer.asked.with { $0 }
        #expect(asked.count == 2 && claimer.withdrawnAtPrepare.with { $0 } == [asked[0]])
        #expect(books.withdrawn.with { $0 } == asked)
    }

    /// Fails where a file that a writer keeps open becomes a new drop with every start.
    @Test func `are not begun for a file held open that an earlier run has quarantined`() throws {
        var known = SettledFile(
            source: SourceName("s")!, folder: "/", name: FileName("x"), bytes: 3,
            identity: FileIdentity(device: 1, inode: 2, changeTime: 3), defect: defect
        ).claimed(as: DropID(high: 1, low: 1), bytes: 3, at: 1)
        known.state = .quarantined
        books.known.with { [known] in $0 = known }
        let claimer = KeepingClaimer(books, spool) { .claimed($0, bytes: 3) }
        #expect(try claim(claimer, defect: defect) == .refused(defect))
        #expect(claimer.asked.with { $0.isEmpty } && books.intended.with { $0.isEmpty })
    }
}

@Suite struct `A drop of a source that skips any repetition` {
    /// Fails where a commit that went through in part, and is tried again, makes a drop a repetition of itself.
    @Test func `repeats another with its bytes, and never itself`() throws {
        let books = Books(Diary())
        var source = PipelineSource(name: SourceName("s")!, policy: ApplyPolicy())
        source.duplicates = .skipAny
        func row(_ number: UInt64) -> DropRecord {
            DropRecord(
                id: DropID(high: number, low: 0), source: source.name, fileName: FileName("x"), bytes: 3,
                digest: ContentDigest(bytes: [UInt8](repeating: 1, count: 32)), state: .registered, claimedAt: 1, changedAt: 1,
                intake: FileIdentity(device: 1, inode: number, changeTime: 1))
        }
        func repeated() throws -> DropID? {
            try DropJudgement(row(1), of: source).repeated(register: books, graph: books, newest: nil) { () throws(DropError) in
                ContentDigest(bytes: [UInt8](repeating: 2, count: 32))
            }?.id
        }
        books.sameBytes.with { $0 = row(1) }
        #expect(try repeated() == nil)
        books.sameBytes.with { $0 = row(2) }
        #expect(try repeated() == row(2).id)
    }
}
