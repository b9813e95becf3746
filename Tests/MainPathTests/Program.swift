import Foundation
import Synchronization
import Testing
import TwinModel

/// The built programs, run as a user would run them.
enum Program {
    /// The folder with the executables: `TWINDROP_BIN`, else the one the test bundle lies in.
    static let folder: String = {
        if let folder = ProcessInfo.processInfo.environment["TWINDROP_BIN"], !folder.isEmpty { return folder }
        let bundles = CommandLine.arguments.filter { $0.hasSuffix(".xctest") }
        let bundle = bundles.first.map { URL(fileURLWithPath: $0) } ?? Bundle.main.executableURL ?? URL(fileURLWithPath: ".")
        return bundle.resolvingSymlinksInPath().deletingLastPathComponent().path
    }()

    static var twindrop: String { folder + "/twindrop" }

    /// What a run printed and how it ended.
    struct Ended {
        /// The exit code, negative for a signal.
        let code: Int32
        let bytes: Data
        let err: String

        var out: String { String(decoding: bytes, as: UTF8.self) }

        /// The one object, or the lines, of `--json`.
        func json() throws -> [JSON] { try out.split(separator: "\n").map { try JSON(parsing: String($0)) } }
    }

    /// The program did not end in time; it was killed.
    struct Late: Error { let command: [String] }

    /// Runs `twindrop` with `arguments` to its end.
    static func run(_ arguments: String..., home: Home) throws -> Ended { try run(twindrop, arguments + ["--home", home.path]) }

    /// Runs `program`, a path, to its end; kills it after `seconds`.
    static func run(
        _ program: String, _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:],
        seconds: Double = 60
    ) throws -> Ended {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        if !environment.isEmpty {
            process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        }
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("td-out-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let files = [scratch.appendingPathComponent("out"), scratch.appendingPathComponent("err")]
        for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        process.standardInput = FileHandle.nullDevice
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        guard ended.wait(timeout: .now() + seconds) == .success else {
            kill(process.processIdentifier, SIGKILL)
            throw Late(command: [program] + arguments)
        }
        return Ended(
            code: process.code, bytes: try Data(contentsOf: files[0]),
            err: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self))
    }

    /// Runs a tool of the system, found by its name.
    static func tool(_ name: String, _ arguments: String..., in folder: String? = nil) throws -> Ended {
        try run("/usr/bin/env", [name] + arguments, in: folder)
    }
}

extension Process {
    /// How it ended: the exit code, negative for a signal.
    fileprivate var code: Int32 { terminationReason == .uncaughtSignal ? -terminationStatus : terminationStatus }
}

/// A daemon that runs until it is ended, at the latest with this value. What it logs is kept, and can be waited for.
final class Daemon {
    private let process = Process()
    private let out = Pipe()
    private let ended = DispatchSemaphore(value: 0)
    private let log = DaemonLog()

    /// Starts it, and waits until it says that it watches.
    convenience init(_ home: Home, _ arguments: String...) throws {
        try self.init(starting: home, arguments)
        try waitUntilReady()
    }

    /// Starts it; what it logs can be waited for before it watches.
    init(starting home: Home, _ arguments: [String] = []) throws {
        process.executableURL = URL(fileURLWithPath: Program.twindrop)
        process.arguments = ["run", "--home", home.path] + arguments
        let errors = Pipe()
        process.standardOutput = out
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        process.terminationHandler = { [ended] _ in ended.signal() }
        log.read(errors.fileHandleForReading)
        try process.run()
    }

    func waitUntilReady() throws {
        let line = out.fileHandleForReading.availableData
        try #require(String(decoding: line, as: UTF8.self) == "ready\n", "the daemon did not start: \(log.text)")
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var processID: Int32 { process.processIdentifier }

    /// Ends it with a signal, in at most 60 s; the exit code, negative for a signal.
    func end(_ signal: Int32 = SIGTERM) throws -> Int32 {
        kill(process.processIdentifier, signal)
        return try waitForEnd()
    }

    /// The exit code of a daemon that ends by itself, in at most 60 s.
    func waitForEnd() throws -> Int32 {
        guard ended.wait(timeout: .now() + 60) == .success else { throw Program.Late(command: ["run"]) }
        return process.code
    }

    /// What it printed on stdout after `ready`, once it has ended.
    func printed() -> String { String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) }

    /// Waits until it has logged `count` messages with this text, in at most 60 s.
    func wait(for message: String, count: Int = 1) throws {
        try #require(log.wait(for: message, count: count), "the daemon never logged \(count) × \(message) \(log.text)")
    }
}

/// The log lines of one daemon: a thread reads them, tests wait for them.
private final class DaemonLog: @unchecked Sendable {  // `lines` is only touched under `condition`.
    private let condition = NSCondition()
    private var lines: [String] = []

    func read(_ handle: FileHandle) {
        let thread = Thread { [self] in
            var rest = Data()
            while case let block = handle.availableData, !block.isEmpty {
                rest += block
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = String(decoding: rest[..<end], as: UTF8.self)
                    rest = Data(rest[rest.index(after: end)...])
                    condition.withLock {
                        lines.append(line)
                        condition.broadcast()
                    }
                }
            }
        }
        thread.start()
    }

    var text: String { condition.withLock { lines.suffix(20).joined(separator: "\n") } }

    func wait(for message: String, count: Int) -> Bool {
        let limit = Date(timeIntervalSinceNow: 60)
        return condition.withLock {
            while lines.count(where: { $0.contains("\"\(message)\"") }) < count {
                guard condition.wait(until: limit) else { return false }
            }
            return true
        }
    }
}
