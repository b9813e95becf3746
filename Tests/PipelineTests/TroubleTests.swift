import DropCore
import DropSpooling
import Foundation
import Pipeline
import Testing
import ThreadKit
import TwinModel

/// Claims every file: its bytes are as many `a` as the file says.
private struct Claiming: FileClaimer {
    let spool: SpoolFolder

    func prepare(_ files: [(file: SettledFile, id: DropID)]) throws(DropError) -> any PreparedClaim {
        FakeClaim(files) { [spool] in
            for (file, id) in files {
                try? Data(repeating: 0x61, count: Int(file.bytes)).write(to: URL(fileURLWithPath: spool.path(of: id)))
            }
            return files.map { .claimed($0.id, bytes: $0.file.bytes) }
        }
    }

    func recover(_ intents: [DropRecord]) throws(DropError) -> [RecoveredClaim] { [] }
}

/// A spool whose large files take as long to read as the test wants, or until nobody wants them any more.
private func slowSpool(_ spool: SpoolFolder, _ diary: Diary, _ mayRead: Monitor<Bool>) -> SpoolReadOtherwise {
    SpoolReadOtherwise(spool: spool) { (drop, isCancelled) throws(DropError) in
        let bytes = try spool.withDescriptor(of: drop) { (_, bytes) throws(DropError) in bytes }
        if bytes >= 100 {
            diary.note("reading")
            while !mayRead.wait(until: { $0 }, timeout: .milliseconds(10), { $0 }) {
                guard !isCancelled() else {
                    throw DropError(.cancelled, "It ended.", hint: "It runs again.", remedy: .retry(after: .zero))
                }
            }
        }
        return try spool.digest(of: drop)
    }
}

private func settled(_ name: String, of source: String = "s", bytes: UInt64 = 3) -> SettledFile {
    SettledFile(
        source: SourceName(source)!, folder: "/", name: FileName(name), bytes: bytes,
        identity: FileIdentity(device: 1, inode: UInt64(name.utf8.count), changeTime: 3))
}

/// A pipeline of fakes with the sources `s` and `t`, and what it tells.
private final class Line {
    let scratch: Scratch
    let diary = Diary()
    let books: Books
    let spool: SpoolFolder
    let mayRead = Monitor(false)
    let pipeline: DropPipeline
    let told = Monitor<[String]>([])

    init(order: DropOrder = .none, transform: DropError? = nil, waitsForSpace: Bool = true) throws {
        scratch = try Scratch()
        spool = try SpoolFolder(state: scratch.path)
        books = Books(diary)
        let ports = PipelinePorts(
            register: books, graph: books, transformer: Transforming(diary: diary, outcome: transform),
            claimer: Claiming(spool: spool), spool: slowSpool(spool, diary, mayRead), receipts: books,
            makeArchive: { [books] () throws(DropError) in books },
            clock: { UInt64(Date().timeIntervalSince1970 * 1000) })
        var limits = PipelineLimits()
        limits.aheadBytes = 100
        limits.waitsForSpace = waitsForSpace
        pipeline = DropPipeline(
            ports: ports,
            sources: ["s", "t"].map { PipelineSource(name: SourceName($0)!, policy: ApplyPolicy(), order: order) },
            limits: limits,
            emit: { [told] event in
                switch event {
                case .failed(let error): told.with { $0.append(error.code.text) }
                case .goesOn(let code, _): told.with { $0.append("over: \(code.rawValue)") }
                default: break
                }
            })
        try pipeline.start()
    }

    func wait(for what: String, _ isSo: () -> Bool) {
        let deadline = Date(timeIntervalSinceNow: 30)
        while !isSo(), deadline > .now { usleep(10_000) }
        if !isSo() { Issue.record("waited in vain for \(what)") }
    }

    func reasons() -> [WaitingReason.Code] { pipeline.waitingDrops().map(\.reason.code) }

    /// How long a stop takes.
    func stop() -> Duration {
        let begun = ContinuousClock.now
        pipeline.stop()
        return .now - begun
    }
}

@Suite(.serialized) struct `An archive without room` {
    private let full = DropError(.diskFull, "There is no room.", hint: "Make some.", remedy: .retry(after: .milliseconds(50)))

    @Test func `is a reason of every drop that waits for it, told once, and over when there is room`() throws {
        let line = try Line()
        line.books.archiveFailure.with { [full] in $0 = full }
        line.pipeline.submit([settled("a"), settled("b", of: "t")])
        line.wait(for: "two reasons") { line.reasons() == [.archiveFull, .archiveFull] }
        #expect(line.pipeline.snapshot().archiveReason?.code == .archiveFull)
        line.diary.waitFor("four attempts") { $0.count { $0 == "archive failed" } >= 4 }
        #expect(line.told.with { $0 } == ["disk-full"])
        line.books.archiveFailure.with { $0 = nil }
        line.wait(for: "an end") { line.books.written.with { $0.count { $0.state == .done } } == 2 }
        line.wait(for: "no reason") { line.reasons().isEmpty }
        #expect(line.pipeline.snapshot().archiveReason == nil)
        #expect(line.told.with { $0 } == ["disk-full", "over: archive-full"])
        _ = line.stop()
    }

    @Test func `does not keep the end waiting`() throws {
        let line = try Line()
        line.books.archiveFailure.with { [full] in $0 = full }
        line.pipeline.submit([settled("a")])
        line.diary.waitFor("archive failed")
        #expect(line.stop() < .seconds(5))
        #expect(line.pipeline.failure == nil)
    }
}

@Suite(.serialized) struct `Receipts that cannot be written` {
    private let broken = DropError(.receiptsUnusable, "No.", hint: "Mend it.", remedy: .retry(after: .milliseconds(50)))

    @Test func `are owed by their source alone, and written when they can be`() throws {
        let line = try Line()
        line.books.receiptFailures.with { [broken] in $0[SourceName("s")!] = broken }
        line.pipeline.submit([settled("a"), settled("b", of: "t")])
        line.wait(for: "the other's receipt") { line.books.written.with { $0.map(\.source.text) } == ["t"] }
        line.wait(for: "a reason") { line.reasons() == [.receiptsUnusable] }
        #expect(line.pipeline.snapshot().receiptTroubles.keys.map(\.text) == ["s"])
        #expect(line.told.with { $0 } == ["receipts-unusable"])
        line.pipeline.submit([settled("cc", of: "t")])
        line.wait(for: "the next receipt") { line.books.written.with { $0.count } == 2 }
        line.books.receiptFailures.with { $0 = [:] }
        line.wait(for: "what was owed") { line.books.written.with { $0.contains { $0.source.text == "s" && $0.state == .done } } }
        line.wait(for: "no reason") { line.reasons().isEmpty }
        #expect(line.pipeline.waitUntilIdle() == nil)
        #expect(line.stop() < .seconds(5))
    }

    @Test(arguments: [DropError.Remedy.hold, .quarantine])
    func `of drops that wait for a person are owed as well`(remedy: DropError.Remedy) throws {
        let line = try Line(transform: DropError(.settings, "It is bad.", hint: "Mend it.", remedy: remedy))
        line.books.receiptFailures.with { [broken] in $0[SourceName("s")!] = broken }
        line.pipeline.submit([settled("a")])
        line.wait(for: "a reason") { line.reasons() == [.receiptsUnusable] }
        #expect(line.pipeline.failure == nil)
        line.books.receiptFailures.with { $0 = [:] }
        line.wait(for: "the receipt") { line.books.written.with { $0.count } == 1 }
        #expect(line.stop() < .seconds(5))
    }

    @Test func `do not keep a command that ends waiting`() throws {
        let line = try Line(waitsForSpace: false)
        line.books.receiptFailures.with { [broken] in $0[SourceName("s")!] = broken }
        line.pipeline.submit([settled("a")])
        #expect(line.pipeline.waitUntilIdle() == nil)
        #expect(line.reasons() == [.receiptsUnusable])
        _ = line.stop()
    }
}

@Suite(.serialized) struct `A large file that is being read` {
    @Test func `holds up nobody but those behind it in its source`() throws {
        let line = try Line()
        line.pipeline.submit([settled("large", bytes: 200)])
        line.diary.waitFor("reading")
        line.pipeline.submit([settled("behind")])
        line.pipeline.submit([settled("other", of: "t")])
        line.wait(for: "the other") { line.books.written.with { $0.map(\.fileName.description) } == ["other"] }
        line.wait(for: "a reason, and the same for what is behind") { line.reasons() == [.reading, .reading] }
        #expect(
            line.pipeline.waitingDrops().last?.reason.message.contains("(large) of its source goes first, and its ") == true)
        line.mayRead.with { $0 = true }
        line.wait(for: "the rest") { line.books.written.with { $0.count } == 3 }
        #expect(line.stop() < .seconds(5))
    }

    @Test func `is left to the next start when the end is asked for`() throws {
        let line = try Line()
        line.pipeline.submit([settled("large", bytes: 200)])
        line.diary.waitFor("reading")
        #expect(line.stop() < .seconds(5))
        #expect(line.pipeline.failure == nil)
        #expect(!line.diary.lines.with { $0.contains("transformed") })
    }
}

@Suite(.serialized) struct `A drop that is tried again and again` {
    @Test func `has a reason after some seconds`() throws {
        let line = try Line(
            transform: DropError(.pluginChanging, "It changes.", hint: "Let it be.", remedy: .retry(after: .milliseconds(20))))
        line.pipeline.submit([settled("a")])
        line.diary.waitFor("transformed")
        line.wait(for: "a reason") { line.reasons() == [.retrying] }
        #expect(line.pipeline.waitingDrops().first?.reason.message == "It changes.")
        #expect(line.stop() < .seconds(5))
    }

    /// Those behind it were said to be on their way, for as long as the disk was full.
    @Test func `is the reason of those behind it in its source, and a full disk of the receipts stops the home`() throws {
        let line = try Line(
            transform: DropError(.receiptsFull, "It is full.", hint: "Make room.", remedy: .retry(after: .milliseconds(20))))
        line.pipeline.submit([settled("a")])
        line.diary.waitFor("transformed")
        line.pipeline.submit([settled("bb"), settled("ccc")])
        line.wait(for: "three reasons") { line.reasons() == [.receiptsFull, .receiptsFull, .receiptsFull] }
        let behind = line.pipeline.waitingDrops()
        #expect(
            behind.map { $0.reason.message.contains("(a) of its source goes first, and waits: It is full.") } == [
                false, true, true,
            ])
        #expect(behind.allSatisfy { $0.reason.hint == "Make room." })
        #expect(line.pipeline.snapshot().receiptsAreFull)
        #expect(line.stop() < .seconds(5))
    }
}
