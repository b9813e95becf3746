import DropCore
import DropSpooling
import Foundation
import Glibc
import Pipeline
import Testing
import ThreadKit
import TwinModel

/// Claims by moving a file with the text `old` into the spool, after `begun` has shown how far the pipeline went meanwhile.
private final class HoldingClaimer: FileClaimer {
    enum End {
        case moved
        /// The file goes back to its folder.
        case back
        /// Its bytes could not be synced; what the spool gets is `new`.
        case copied
        /// It found no room, twice.
        case full
    }

    let diary: Diary
    let folder: String
    let spool: SpoolFolder
    let end: End
    let begun: @Sendable () -> Void
    private let claims = Monitor(0)

    init(_ diary: Diary, in folder: String, _ spool: SpoolFolder, _ end: End, begun: @escaping @Sendable () -> Void) {
        self.diary = diary
        self.folder = folder
        self.spool = spool
        self.end = end
        self.begun = begun
    }

    func prepare(_ files: [(file: SettledFile, id: DropID)]) throws(DropError) -> any PreparedClaim {
        let (file, id) = files[0]
        guard file.name == FileName("x") else {  // Claimed in the usual way.
            return FakeClaim(files) { [self] in
                put("abc", spool.path(of: id))
                return [.claimed(id, bytes: 3)]
            }
        }
        let count = claims.with {
            $0 += 1
            return $0
        }
        let path = folder + "/x"
        put("old", path)
        let descriptor = unsafe open(path, O_RDONLY)
        return FakeClaim(
            files, held: descriptor,
            move: { [self] () throws(DropError) in
                close(descriptor)
                begun()
                return try move(path, id, attempt: count)
            },
            wait: { [self] () throws(DropError) in
                if end == .back, count == 1 { return [.notYet(WaitingReason(.writer))] }
                diary.note("claimed")
                return [.claimed(id, bytes: 3)]
            })
    }

    private func move(_ path: String, _ id: DropID, attempt: Int) throws(DropError) -> [ClaimResult?] {
        let claimed = ClaimResult.claimed(id, bytes: 3)
        switch end {
        case .moved:
            unsafe rename(path, spool.path(of: id))
            return [claimed]
        case .back where attempt == 1:
            diary.note("back")
            return [.notYet(WaitingReason(.writer))]
        case .full where attempt <= 2:
            diary.note("full")
            throw DropError(.diskFull, "No room.", hint: "Make room.", remedy: .retry(after: .milliseconds(1)))
        case .back, .full:
            put("abc", spool.path(of: id))
            return [claimed]
        case .copied:
            put("new", spool.path(of: id))
            return [nil]
        }
    }

    private func put(_ text: String, _ path: String) { try? Data(text.utf8).write(to: URL(fileURLWithPath: path)) }

    func recover(_ intents: [DropRecord]) throws(DropError) -> [RecoveredClaim] { [] }
}

/// Notes the bytes it is given; can be kept in the middle of a drop.
private struct Reading: Transformer {
    let diary: Diary
    let failure: DropError?
    let mayGoOn: Monitor<Bool>
    /// False: it goes on although it is told to end.
    let heedsTheEnd: Bool

    func transform(
        _ job: TransformJob, into sink: any OperationSink, ran: inout TransformSummary?
    ) throws(DropError) {
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = unsafe read(job.descriptor, &buffer, buffer.count)
        diary.note("transformed \(job.fileName) " + String(decoding: buffer[..<max(0, count)], as: UTF8.self))
        while !mayGoOn.withoutWaking({ $0 }), !heedsTheEnd || !job.isCancelled() { usleep(1000) }
        if heedsTheEnd, job.isCancelled() {
            diary.note("cancelled")
            throw DropError(.cancelled, "Cancelled.", hint: "", remedy: .retry(after: .zero))
        }
        if let failure { throw failure }
        ran = TransformSummary(
            pluginID: "p", pluginVersion: "1", pluginDigest: ContentDigest(bytes: [UInt8](repeating: 0, count: 32)), log: [])
    }

    func transformDigest(of source: SourceName) throws(DropError) -> ContentDigest {
        ContentDigest(bytes: [UInt8](repeating: 1, count: 32))
    }
}

@Suite struct `A lone small file` {
    private let scratch: Scratch
    private let spool: SpoolFolder
    private let diary = Diary()
    private let mayGoOn = Monitor(true)

    init() throws {
        scratch = try Scratch()
        spool = try SpoolFolder(state: scratch.path)
    }

    private func settled(_ name: String) -> SettledFile {
        SettledFile(
            source: SourceName("s")!, folder: "/", name: FileName(name), bytes: 3,
            identity: FileIdentity(device: 1, inode: UInt64(name.utf8[name.utf8.startIndex]), changeTime: 3))
    }

    /// Runs the pipeline with `files`, one after the other, until the last is applied or at its end; returns what was noted.
    private func run(
        _ end: HoldingClaimer.End, failure: DropError? = nil, files: [String] = ["x"], until line: String,
        begun: @escaping @Sendable () -> Void
    ) throws -> [String] {
        let pipeline = makePipeline(HoldingClaimer(diary, in: scratch.path, spool, end, begun: begun), failure: failure)
        try pipeline.start()
        for name in files {
            pipeline.submit([settled(name)])
            // One claim each.
            if name != files.last {
                diary.waitFor("the transform of \(name)") { $0.contains { $0.hasPrefix("transformed \(name)") } }
            }
        }
        diary.waitFor(line)
        pipeline.stop(patience: .seconds(5))
        return diary.lines.with { $0 }
    }

    private func makePipeline(
        _ claimer: HoldingClaimer, failure: DropError? = nil, heedsTheEnd: Bool = true,
        afterClaim: @escaping @Sendable ([(SettledFile, ClaimResult)]) -> Void = { _ in }
    ) -> DropPipeline {
        let books = Books(diary)
        let ports = PipelinePorts(
            register: books, graph: books,
            transformer: Reading(diary: diary, failure: failure, mayGoOn: mayGoOn, heedsTheEnd: heedsTheEnd), claimer: claimer,
            spool: spool, receipts: books, makeArchive: { () throws(DropError) in books }, clock: { 1_795_000_000_000 })
        var limits = PipelineLimits()
        limits.softFree = (0, 0)
        limits.hardFree = (0, 0)
        return DropPipeline(
            ports: ports, sources: [PipelineSource(name: SourceName("s")!, policy: ApplyPolicy())], limits: limits,
            afterClaim: afterClaim,
            emit: { [diary] event in
                if case .applied(let record) = event { diary.note("applied \(record.fileName) \(record.digest!)") }
            })
    }

    private func digest(_ text: String) throws -> String {
        let other = DropID(high: 1, low: 1)
        try Data(text.utf8).write(to: URL(fileURLWithPath: spool.path(of: other)))
        return try spool.digest(of: other).description
    }

    @Test func `is transformed while its claim is made, and nothing is written down before`() throws {
        let diary = diary
        let lines = try run(.moved, until: "receipt") { diary.waitFor("transformed x old") }
        #expect(lines.prefix(3) == ["transformed x old", "claimed", "rejects"])
        #expect(lines.contains("applied x \(try digest("old"))"))
    }

    @Test func `whose claim comes to nothing leaves nothing, and its source goes on`() throws {
        let diary = diary
        let lines = try run(.back, files: ["x", "y"], until: "receipt") { diary.waitFor("transformed x old") }
        // Whether the transform was done before it was given up is a matter of luck.
        #expect(lines.filter { $0 != "cancelled" }.prefix(4) == ["transformed x old", "back", "transformed y abc", "rejects"])
        #expect(lines.filter { $0.hasPrefix("applied") } == ["applied y \(try digest("abc"))"])
        #expect(lines.filter { $0 == "committed" }.count == 1)
    }

    @Test func `is not quarantined for what was read of it when its claim comes to nothing`() throws {
        let diary = diary
        let failure = DropError(.refused, "It is no CSV.", hint: "Send CSV.", remedy: .quarantine)
        let lines = try run(.back, failure: failure, files: ["x", "y"], until: "quarantined") {
            diary.waitFor("transformed x old")
        }
        #expect(lines.filter { $0 == "quarantined" }.count == 1)
        #expect(lines.firstIndex(of: "quarantined")! > lines.firstIndex(of: "transformed y abc")!)
    }

    @Test func `that is being transformed when its claim comes to nothing is given up`() throws {
        mayGoOn.with { $0 = false }
        let (diary, mayGoOn) = (diary, mayGoOn)
        let watcher = NamedThread("cancelled") {
            diary.waitFor("cancelled")
            mayGoOn.with { $0 = true }
        }
        let lines = try run(.back, files: ["x", "y"], until: "receipt") { diary.waitFor("transformed x old") }
        watcher.join()
        #expect(lines.prefix(4) == ["transformed x old", "back", "cancelled", "transformed y abc"])
    }

    @Test func `that is being transformed is left to the next start when the end is asked for again`() throws {
        mayGoOn.with { $0 = false }
        let pipeline = makePipeline(HoldingClaimer(diary, in: scratch.path, spool, .moved) {})
        try pipeline.start()
        pipeline.submit([settled("x")])
        diary.waitFor("claimed")
        diary.waitFor("transformed x old")
        let began = ContinuousClock.now
        let stopping = NamedThread("stopping") { pipeline.stop(patience: .seconds(60)) }
        pipeline.abandon()
        stopping.join()
        #expect(ContinuousClock.now - began < .seconds(50), "the patience of the first was waited for")
        #expect(diary.lines.with { $0.last } == "cancelled")
        #expect(spool.contains(try #require(pipeline.snapshot().inFlight.first).id))
    }

    @Test func `whose claim comes to nothing while the end is asked for leaves nothing either`() throws {
        mayGoOn.with { $0 = false }
        let diary = diary
        let running = Monitor<DropPipeline?>(nil)
        let claimer = HoldingClaimer(diary, in: scratch.path, spool, .back) {
            diary.waitFor("transformed x old")
            running.with { $0 }?.beginStop()
        }
        let pipeline = makePipeline(claimer, heedsTheEnd: false) { _ in diary.note("answered") }
        running.with { $0 = pipeline }
        try pipeline.start()
        pipeline.submit([settled("x")])
        diary.waitFor("answered")
        mayGoOn.with { $0 = true }
        pipeline.stop()
        running.with { $0 = nil }
        #expect(diary.lines.with { $0 } == ["transformed x old", "back", "answered"])
    }

    @Test func `that waits behind another drop when its claim comes to nothing is taken out`() throws {
        mayGoOn.with { $0 = false }
        let (diary, mayGoOn) = (diary, mayGoOn)
        let later = Monitor<NamedThread?>(nil)
        let lines = try run(.back, files: ["y", "x"], until: "receipt") {
            diary.waitFor("transformed y abc")
            later.with {
                $0 = NamedThread("later") {
                    diary.waitFor("back")
                    mayGoOn.with { $0 = true }
                }
            }
        }
        later.with { $0 }?.join()
        #expect(!lines.contains { $0.hasPrefix("transformed x") })
        #expect(lines.filter { $0.hasPrefix("applied") } == ["applied y \(try digest("abc"))"])
    }

    @Test func `is read anew where the spool got other bytes than were read`() throws {
        let diary = diary
        let lines = try run(.copied, until: "receipt") { diary.waitFor("transformed x old") }
        #expect(lines.filter { $0 != "cancelled" }.prefix(3) == ["transformed x old", "claimed", "transformed x new"])
        #expect(lines.filter { $0.hasPrefix("applied") } == ["applied x \(try digest("new"))"])
    }

    @Test func `is begun again for each attempt of a claim that finds no room`() throws {
        let diary = diary
        let lines = try run(.full, until: "receipt") {
            diary.waitFor("one more transform") { lines in
                lines.filter { $0 == "transformed x old" }.count > lines.filter { $0 == "full" }.count
            }
        }
        #expect(lines.filter { $0 == "full" }.count == 2)
        #expect(lines.filter { $0.hasPrefix("transformed") } == [String](repeating: "transformed x old", count: 3))
        #expect(lines.filter { $0.hasPrefix("applied") } == ["applied x \(try digest("old"))"])
    }
}
