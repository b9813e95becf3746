import DropCore
import Foundation
import Glibc
import PluginHost
import ProgramKit
import Testing

@Suite struct `A worker` {
    @Test func `serves the next drop of its source, too`() throws {
        let bench = Bench("honest")
        let first = try #require(Bench.pid(try bench.run()))
        #expect(Bench.pid(try bench.run()) == first)
        #expect(bench.host.status()[0].hasWarmWorker)
    }

    @Test func `is replaced after its number of drops`() throws {
        var limits = Bench.limits()
        limits.dropsPerWorker = 2
        let bench = Bench("honest", limits: limits)
        let pids = try (0..<4).map { _ in try #require(Bench.pid(try bench.run())) }
        #expect(pids[0] == pids[1])
        #expect(pids[1] != pids[2])
        #expect(pids[2] == pids[3])
    }

    @Test func `is replaced when it is old`() throws {
        var limits = Bench.limits()
        limits.workerAge = .zero
        let bench = Bench("honest", limits: limits)
        #expect(Bench.pid(try bench.run()) != Bench.pid(try bench.run()))
    }

    @Test func `that was killed while it had no work is replaced without a word`() throws {
        let bench = Bench("honest")
        let first = try #require(Bench.pid(try bench.run()))
        #expect(kill(first, SIGKILL) == 0)
        let sink = RecordingSink()
        let second = try #require(Bench.pid(try bench.run(into: sink)))
        #expect(second != first)
        #expect(sink.restarts <= 1)
    }

    /// Such as an update that writes the program in place (ETXTBSY), or no room for another process.
    @Test func `that cannot be started for a moment fails no drop and suspends nothing`() throws {
        let program = Workshop.folder.appendingPathComponent("worker-being-replaced")
        try FileManager.default.copyItem(at: URL(fileURLWithPath: Workshop.worker), to: program)
        defer { try? FileManager.default.removeItem(at: program) }  // Its folder goes at the end of the run.
        let bench = Bench("honest", worker: program.path)
        let writer = unsafe open(program.path, O_WRONLY | O_CLOEXEC)
        try #require(writer >= 0)
        let failure = #expect(throws: DropError.self) { try bench.run() }
        #expect(failure?.code == .workerStart)
        #expect(failure?.remedy == .retry(after: .seconds(1)))
        #expect(failure?.message.contains("Text file busy") == true)
        close(writer)
        #expect(throws: Never.self) { try bench.run() }
        #expect(bench.host.status()[0].failuresInARow == 0)
    }

    @Test func `is never shared between sources`() throws {
        let names = ["one", "two"].map { SourceName($0)! }
        let host = PluginHost(
            configuration: .init(
                workerPath: Workshop.worker,
                sources: names.map { PluginSource(name: $0, libraryPath: Workshop.plugin("honest")) }, keyTable: EmptyKeyTable()))
        let pids = try names.map { name in
            let descriptor = Workshop.input("a 1\n")
            defer { close(descriptor) }
            let job = TransformJob(
                drop: Workshop.dropID(), source: name, fileName: FileName("x"), descriptor: descriptor, bytes: 4)
            return Bench.pid(try host.transform(job, into: RecordingSink()))
        }
        #expect(pids[0] != pids[1])
    }

    @Test func `reads its own copy of the descriptor, from the start`() throws {
        let bench = Bench("honest")
        let descriptor = Workshop.input("a 1\nb 2\n")
        defer { close(descriptor) }
        lseek(descriptor, 4, SEEK_SET)
        let sink = RecordingSink()
        let job = TransformJob(
            drop: Workshop.dropID(), source: bench.source, fileName: FileName("x"), descriptor: descriptor, bytes: 8)
        _ = try bench.host.transform(job, into: sink)
        #expect(sink.entries.filter { $0.hasPrefix("record") }.count == 2)
        #expect(lseek(descriptor, 0, SEEK_CUR) == 4)
    }

    @Test func `dies with the daemon`() throws {
        // The end of its input lets the holder of the worker's socket go.
        let parent = try Child(Workshop.program("parent"), [Workshop.worker], input: .pipe, output: .pipe)
        let output = FileHandle(fileDescriptor: parent.output, closeOnDealloc: false)
        let line = String(decoding: output.availableData, as: UTF8.self)
        let worker = try #require(Int32(line.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(kill(worker, 0) == 0)
        let handle = syscallPidfdOpen(worker)
        defer { close(handle) }
        parent.send(SIGKILL)
        var poll = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
        #expect(unsafe Glibc.poll(&poll, 1, 10_000) == 1)
        #expect(parent.wait(seconds: 10) == -SIGKILL)
    }

    @Test func `is ended when its drop is cancelled`() throws {
        let bench = Bench("sleep")
        let started = ContinuousClock.now
        do throws(DropError) {
            try bench.run(isCancelled: { ContinuousClock.now - started > .milliseconds(200) })
            Issue.record("the transform ended well")
        } catch {
            #expect(error.code == .cancelled)
            #expect(error.remedy == .retry(after: .zero))
        }
        #expect(bench.host.status()[0].failuresInARow == 0)
    }

    @Test func `has every layer of the sandbox, or says which are missing`() throws {
        let identity = try Bench("honest").host.identify(SourceName("tests")!)
        #expect(identity.id == "honest")
        #expect(identity.version == "1.0.0")
        #expect(identity.abiMajor == 1)
        #expect(!identity.sandboxMissing.contains("resource limits"))
        #expect(!identity.sandboxMissing.contains("seccomp"))
    }

    @Test func `probes a head of a file`() throws {
        let bench = Bench("honest")
        #expect(try bench.host.probe(bench.source, name: FileName("x.csv"), head: Array("a".utf8)) == 50)
        #expect(try bench.host.probe(bench.source, name: FileName("x.csv"), head: []) == 0)
        _ = try bench.run()
    }

    private func syscallPidfdOpen(_ process: Int32) -> CInt { CInt(truncatingIfNeeded: syscallNumber(434, Int(process), 0)) }

    /// `syscall` is variadic in C; this is its C function under another type.
    private func syscallNumber(_ number: Int, _ first: Int, _ second: Int) -> Int {
        typealias Call = @convention(c) (Int, Int, Int) -> Int
        let symbol = unsafe dlsym(nil, "syscall")
        return unsafe unsafeBitCast(symbol, to: Call.self)(number, first, second)
    }
}
