import DropCore
import DropSpooling
import Foundation
import Pipeline
import Testing
import ThreadKit
import TwinModel

/// Claims every file, each of three bytes.
private struct Claiming: FileClaimer {
    let spool: SpoolFolder

    func prepare(_ files: [(file: SettledFile, id: DropID)]) throws(DropError) -> any PreparedClaim {
        FakeClaim(files) { [spool] in
            for (_, id) in files { try? Data("abc".utf8).write(to: URL(fileURLWithPath: spool.path(of: id))) }
            return files.map { .claimed($0.id, bytes: 3) }
        }
    }

    func recover(_ intents: [DropRecord]) throws(DropError) -> [RecoveredClaim] { [] }
}

/// An ordered source whose drops are held, each of them.
@Suite(.serialized) struct `Acts on a held drop` {
    private let scratch: Scratch
    private let spool: SpoolFolder
    private let books = Books(Diary())
    private let pipeline: DropPipeline
    private let person = Person.token("test")

    init() throws {
        scratch = try Scratch()
        spool = try SpoolFolder(state: scratch.path)
        let hold = DropError(.guardDeletes, "It is too much.", hint: "Look at it.", remedy: .hold)
        let ports = PipelinePorts(
            register: books, graph: books, transformer: Transforming(diary: books.diary, outcome: hold),
            claimer: Claiming(spool: spool), spool: spool, receipts: books,
            makeArchive: { [books] () throws(DropError) in books }, clock: { 1_795_000_000_000 })
        var limits = PipelineLimits()
        (limits.softFree, limits.hardFree) = ((0, 0), (0, 0))
        pipeline = DropPipeline(
            ports: ports, sources: [PipelineSource(name: SourceName("s")!, policy: ApplyPolicy(), order: .arrival)],
            limits: limits, emit: { _ in })
        try pipeline.start()
    }

    /// The drop, as soon as its row says that it is held.
    private func held() throws -> DropID {
        pipeline.submit([
            SettledFile(
                source: SourceName("s")!, folder: "/", name: FileName("x"), bytes: 3,
                identity: FileIdentity(device: 1, inode: 2, changeTime: 3))
        ])
        books.diary.waitFor("held")
        return try #require(books.rows.with { $0.keys.first })
    }

    @Test func `wait until the flow has let it go`() throws {
        books.mayWrite.with { $0 = false }  // Its row is written, its receipt is not.
        let drop = try held()
        let released = Monitor<DropState?>(nil)
        let act = NamedThread("act") { [pipeline, person] in
            let record = try? pipeline.release(drop, force: false, by: person, reason: nil)
            released.with { $0 = record?.state }
        }
        // Room for what must not come.
        #expect(!act.join(timeout: .milliseconds(100)), "it was released while it was being held")
        books.mayWrite.with { $0 = true }
        act.join()
        #expect(released.with { $0 } == .registered)
        books.diary.waitFor("a second transform") { $0.count { $0 == "transformed" } == 2 }
        pipeline.stop(patience: .seconds(5))
    }

    @Test func `go one after the other`() throws {
        let drop = try held()
        let answers = Monitor<[String]>([])
        let callers = (0..<6).map { _ in
            NamedThread("act") { [pipeline, person] in
                do throws(DropError) {
                    _ = try pipeline.discard(drop, by: person, reason: nil)
                    answers.with { $0.append("discarded") }
                } catch { answers.with { $0.append(error.code.text) } }
            }
        }
        for caller in callers { caller.join() }
        #expect(answers.with { $0.sorted() } == ["discarded"] + [String](repeating: "wrong-state", count: 5))
        books.diary.waitFor("an end") { $0.count { $0 == "receipt" } == 2 }
        #expect(pipeline.waitUntilIdle() == nil)
        pipeline.stop(patience: .seconds(5))
    }

    /// The code of the error that `act` throws.
    private func code(_ act: () throws(DropError) -> some Any) -> String? {
        do throws(DropError) {
            _ = try act()
            return nil
        } catch { return error.code.text }
    }

    @Test func `are those that its state allows`() throws {
        let drop = try held()
        #expect(pipeline.waitUntilIdle() == nil)
        #expect(code { () throws(DropError) in try pipeline.retry(drop, by: person, reason: nil) } == "wrong-state")
        // Quarantined, and its bytes are not in the archive yet.
        books.rows.with { $0[drop]?.state = .quarantined }
        books.rows.with { $0[drop]?.container = nil }
        #expect(
            code { () throws(DropError) in try pipeline.release(drop, force: false, by: person, reason: nil) } == "wrong-state")
        #expect(code { () throws(DropError) in try pipeline.discard(drop, by: person, reason: nil) } == "not-archived")
        #expect(books.rows.with { $0[drop]?.state } == .quarantined)
        pipeline.stop(patience: .seconds(5))
    }

    /// Catches a discard that calls an applied drop `not-applied`, or forgets why the archive lacks it.
    @Test func `end an applied drop whose bytes are gone without taking anything back`() throws {
        let drop = try held()
        #expect(pipeline.waitUntilIdle() == nil)
        books.rows.with {
            $0[drop]?.state = .applied
            $0[drop]?.container = nil
            $0[drop]?.reason = DropReason(ByteLoss.missing("the spool")).ofApplied(drop)
        }
        let before = books.rows.with { $0[drop]?.reason?.hint }
        #expect(before?.contains("twindrop discard \(drop)") == true)
        let ended = try pipeline.discard(drop, by: person, reason: nil)
        #expect(ended.state == .done && ended.outcome != .notApplied && ended.isNeverArchived)
        #expect(ended.reason?.code == ByteLoss.missing)
        #expect(ended.reason?.hint.contains("A person ended the drop") == true)
        #expect(code { () throws(DropError) in try pipeline.discard(drop, by: person, reason: nil) } == "wrong-state")
        pipeline.stop(patience: .seconds(5))
    }

    @Test func `give up a drop that waits for its turn`() throws {
        let first = try held()
        pipeline.submit([
            SettledFile(
                source: SourceName("s")!, folder: "/", name: FileName("y"), bytes: 3,
                identity: FileIdentity(device: 1, inode: 9, changeTime: 3))
        ])
        // Its claim takes a moment; the held drop is counted in the queue for a moment, too.
        var found: DropRecord?
        for _ in 0..<10_000 where found == nil {
            let seen = pipeline.snapshot()
            if seen.queues.first(where: { $0.stage == "transform" })?.count == 1 {
                found = seen.inFlight.first { $0.id != first }
            }
            if found == nil { usleep(1000) }
        }
        let waiting = try #require(found)
        books.rows.with { $0[waiting.id] = waiting }  // As the intent's row.
        #expect(pipeline.waitUntilIdle() == nil, "it waits behind the held one")
        let ended = try pipeline.discard(waiting.id, by: person, reason: nil)
        #expect(ended.state == .discarded)
        books.diary.waitFor("discarded")
        #expect(books.diary.lines.with { $0.count { $0 == "transformed" } } == 1)
        pipeline.stop(patience: .seconds(5))
    }
}
