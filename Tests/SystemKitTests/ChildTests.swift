import Glibc
import SystemKit
import Testing

@Suite struct `A program that is started` {
    private func output(of arguments: [String], environment: [String] = [], inPath: Bool = false) throws -> (CInt, String) {
        let pipe = try System.pipe()
        let read = Descriptor(pipe.read)
        let process: Int32
        do {
            defer { System.close(pipe.write) }
            process = try ChildProcess.start(
                arguments[0], arguments, environment: environment, streams: [0, pipe.write, 2], inPath: inPath)
        }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = try System.read(read.number, into: &buffer, "pipe"), count > 0 { text += buffer[..<count] }
        return (try ChildProcess.reap(process), String(decoding: text, as: UTF8.self))
    }

    @Test func `has the arguments and the environment it was given, and no other`() throws {
        let (code, text) = try output(of: ["/bin/sh", "-c", "echo $0 $A; env", "x y"], environment: ["A=b"])
        #expect(code == 0)
        #expect(text.hasPrefix("x y b\n"))
        #expect(text.contains("A=b\n"))
        #expect(!text.contains("HOME="))
    }

    @Test func `says how it ended`() throws {
        #expect(try output(of: ["/bin/sh", "-c", "exit 7"]).0 == 7)
        #expect(try output(of: ["/bin/sh", "-c", "kill -9 $$"]).0 == -SIGKILL)
        #expect(try output(of: ["true"], environment: ["PATH=/usr/bin:/bin"], inPath: true).0 == 0)
    }

    @Test func `inherits no descriptor of ours`() throws {
        let secret = Descriptor(try System.open("/dev/null", .read))
        let (_, text) = try output(of: ["/bin/sh", "-c", "[ -e /proc/self/fd/\(secret.number) ] && echo there || echo none"])
        #expect(text == "none\n")
    }

    @Test func `is told of when there is none`() {
        let error = #expect(throws: SystemError.self) {
            try ChildProcess.start("/nowhere/x", ["x"], environment: [], streams: [])
        }
        #expect(error?.description == "posix_spawn /nowhere/x: No such file or directory")
    }
}

@Suite struct `One run of a program` {
    private func run(_ script: String, input: String = "", seconds: Double = 20) throws(ProgramRun.Failure) -> ProgramRun.Ended {
        try ProgramRun.run(
            ["/bin/sh", "-c", script], input: Array(input.utf8), environment: ["A=b"], seconds: seconds, isCancelled: { false })
    }

    @Test func `reads its input and is heard`() throws {
        let ended = try run("cat; echo $A >&2; exit 3", input: "one\n")
        #expect(ended.code == 3)
        #expect(String(decoding: ended.output, as: UTF8.self) == "one\nb\n")
    }

    @Test func `keeps the first bytes of a long output`() throws {
        let ended = try run("yes | head -c 100000")
        #expect(ended.code == 0)
        #expect(ended.output.count == ProgramRun.outputBytesMax)
    }

    @Test func `is killed when its time is over, with what it started`() throws {
        let before = ContinuousClock.now
        let failure = #expect(throws: ProgramRun.Failure.self) { try run("sleep 60 & wait", seconds: 0.3) }
        #expect(failure?.message == "/bin/sh did not end within 0 s, and was killed.")
        #expect(ContinuousClock.now - before < .seconds(20))
    }

    @Test func `cannot be started where there is none`() throws {
        let failure = #expect(throws: ProgramRun.Failure.self) {
            try ProgramRun.run(["/nowhere/x"], input: [], environment: [], seconds: 1, isCancelled: { false })
        }
        #expect(failure?.message == "/nowhere/x cannot be started: No such file or directory")
    }
}
