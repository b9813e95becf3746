import DropCore
import Foundation
import Glibc
import PluginHost
import Testing

@Suite struct `A hostile plugin` {
    /// Plugin, code of its error, and a word of its message.
    static let deadly: [(String, DropError.Code, String)] = [
        ("crash-at-load", .crashed, "SIGSEGV"),
        ("crash-at-call", .crashed, "SIGABRT"),
        ("endless-loop", .timeout, "processor time"),
        ("sleep", .timeout, "silent"),
        ("memory", .crashed, "SIGABRT"),
        ("threads", .limit, "threads"),
        ("trace", .crashed, "SIGSYS"),
        ("output-flood", .limit, "output"),
        ("torn-frame", .protocol, "4294967295"),
    ]

    @Test(arguments: deadly)
    func `loses its drop with the right code, after one retry`(plugin: String, code: DropError.Code, word: String) throws {
        let bench = Bench(plugin)
        let sink = RecordingSink()
        let failure = try #require(bench.failure(into: sink))
        #expect(failure.code == code)
        #expect(failure.message.contains(word), "\(failure.message)")
        #expect(failure.message.contains("drop.csv"))
        #expect(failure.remedy == .quarantine)
        #expect(sink.restarts == 1)
        #expect(!bench.host.status()[0].hasWarmWorker)
    }

    @Test(arguments: ["fork", "socket", "exec"])
    func `is refused the deed and may go on`(plugin: String) throws {
        let summary = try Bench(plugin).run()
        #expect(summary.log == ["warning: denied with error \(EPERM)"])
    }

    @Test func `cannot write or read files`() throws {
        let path = Workshop.folder.appendingPathComponent("written-by-a-plugin").path
        let summary = try Bench("file-write", settings: "\"\(path)\"").run()
        #expect(summary.log.count == 1)
        #expect(summary.log[0].hasPrefix("warning: denied with error"))
        #expect(unsafe access(path, F_OK) != 0)
    }

    @Test func `does not disturb another source`() throws {
        var limits = Bench.limits()
        limits.dropsPerWorker = .max
        let honest = Bench("honest", limits: limits)
        let hostile = ["crash-at-call", "endless-loop", "output-flood"].map { Bench($0) }
        let threads = hostile.map { bench in
            let thread = Thread { _ = bench.failure() }
            thread.start()
            return thread
        }
        var pids: Set<Int32?> = []
        repeat {
            let sink = RecordingSink()
            pids.insert(Bench.pid(try honest.run("a 1\nb 2\n", into: sink)))
            #expect(sink.entries.count == 5)
        } while threads.contains { !$0.isFinished }
        #expect(pids.count == 1)
    }

    @Test func `floods its log in vain`() throws {
        let summary = try Bench("chatter").run()
        let bytes = summary.log.reduce(0) { $0 + $1.utf8.count }
        #expect(bytes < 200_000)
        #expect(summary.log.last?.hasSuffix("bytes more were dropped.") == true)
        #expect(!summary.log.contains { $0.utf8.contains(0x1B) })
        #expect(summary.log.allSatisfy { $0.hasPrefix("info: ") || $0.hasPrefix("printed: ") || $0.hasPrefix("… ") })
    }
}

@Suite(.serialized) struct `After hostile plugins` {
    private static func descriptors() -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? -1  // -1 fails the test
    }

    private static func children() -> [String] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return tasks.flatMap { task in
            ((try? String(contentsOfFile: "/proc/self/task/\(task)/children", encoding: .utf8)) ?? "").split(separator: " ").map(
                String.init)
        }
    }

    @Test func `their hosts leave no process and no descriptor behind`() throws {
        var pids: [Int32] = []
        var counts: [Int] = []
        for _ in 0..<3 {
            do {
                let honest = Bench("honest")
                pids.append(try #require(Bench.pid(try honest.run())))
                _ = Bench("crash-at-call").failure()
                _ = Bench("torn-frame").failure()
            }
            counts.append(Self.descriptors())
        }
        for pid in pids { #expect(kill(pid, 0) == -1 && errno == ESRCH) }
        // Other suites run beside this one: a leak would show as steady growth of at least one descriptor a round.
        #expect(counts[2] <= counts[0] + 60)
        #expect(Self.children().allSatisfy { !pids.map(String.init).contains($0) })
    }
}
