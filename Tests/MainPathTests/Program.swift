import Foundation
import ProgramKit
import Testing
import ThreadKit
import TwinModel

/// The built programs, run as a user would run them.
enum Program {
    static let folder = BuiltPrograms.folder
    static let twindrop = BuiltPrograms.path("twindrop")

    /// What a run printed and how it ended.
    struct Ended {
        private let ended: Child.Ended

        init(_ ended: Child.Ended) { self.ended = ended }

        /// The exit code, negative for a signal.
        var code: Int32 { ended.code }
        var bytes: Data { Data(ended.out) }
        var out: String { ended.text }
        var err: String { String(decoding: ended.err, as: UTF8.self) }

        /// The one object, or the lines, of `--json`.
        func json() throws -> [JSON] { try out.split(separator: "\n").map { try JSON(parsing: String($0)) } }
    }

    /// Runs `twindrop` with `arguments` to its end.
    static func run(_ arguments: String..., home: Home) throws -> Ended { try run(twindrop, arguments + ["--home", home.path]) }

    /// Runs `program`, a path, to its end; kills it after `seconds`.
    static func run(
        _ program: String, _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:],
        seconds: Double = 60
    ) throws -> Ended {
        try Ended(Child.run(program, arguments, in: folder, environment: environment, seconds: seconds))
    }

    /// Runs a tool of the system, found by its name.
    static func tool(_ name: String, _ arguments: String..., in folder: String? = nil) throws -> Ended {
        try run(name, arguments, in: folder)
    }
}

/// A daemon that runs until it is ended, at the latest with this value. What it logs is kept, and can be waited for.
final class Daemon {
    private let child: Child
    private let out: FileHandle
    private let log: DaemonLog

    /// Starts it, and waits until it says that it watches.
    convenience init(_ home: Home, _ arguments: String...) throws {
        try self.init(starting: home, arguments)
        try waitUntilReady()
    }

    /// Starts it; what it logs can be waited for before it watches.
    ///
    /// - Parameters:
    ///   - openFiles: the process may have no more files open; nil: as many as the tests may.
    ///   - environment: beside that of the tests.
    init(
        starting home: Home, _ arguments: [String] = [], openFiles: Int? = nil, environment: [String: String] = [:]
    ) throws {
        let words = [Program.twindrop, "run", "--home", home.path] + arguments
        let limited = openFiles.map { ["/bin/sh", "-c", "ulimit -n \($0) && exec \"$0\" \"$@\""] } ?? []
        child = try Child(
            (limited + words)[0], Array((limited + words).dropFirst()), environment: environment, output: .pipe, error: .pipe)
        out = FileHandle(fileDescriptor: child.output, closeOnDealloc: false)
        log = DaemonLog(child.error)
    }

    func waitUntilReady() throws {
        let line = out.availableData
        try #require(String(decoding: line, as: UTF8.self) == "ready\n", "the daemon did not start: \(log.text)")
    }

    var processID: Int32 { child.processID }
    var isRunning: Bool { child.isRunning }

    func send(_ signal: Int32) { child.send(signal) }

    /// Ends it with a signal, in at most 60 s; the exit code, negative for a signal.
    func end(_ signal: Int32 = SIGTERM) throws -> Int32 {
        send(signal)
        return try waitForEnd()
    }

    /// The exit code of a daemon that ends within so many seconds; nil when it runs on.
    func end(within seconds: Double) -> Int32? { child.wait(seconds: seconds) }

    /// The exit code of a daemon that ends by itself, in at most 60 s.
    func waitForEnd() throws -> Int32 {
        try #require(child.wait(seconds: 60), "the daemon runs on: \(log.text)")
    }

    /// What it printed on stdout after `ready`, once it has ended.
    func printed() -> String { String(decoding: out.readDataToEndOfFile(), as: UTF8.self) }

    /// Waits until it has logged `count` messages with this text, in at most 60 s.
    func wait(for message: String, count: Int = 1) throws {
        try #require(log.wait(for: message, count: count), "the daemon never logged \(count) × \(message) \(log.text)")
    }
}

/// The log lines of one daemon: a thread reads them, tests wait for them.
private struct DaemonLog {
    private let lines = Monitor<[String]>([])

    /// Reads until the daemon ends. `descriptor` stays the caller's.
    init(_ descriptor: CInt) {
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        _ = NamedThread("daemon-log") { [lines] in
            let handle = FileHandle(fileDescriptor: own, closeOnDealloc: true)
            var rest = Data()
            while case let block = handle.availableData, !block.isEmpty {
                rest += block
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = String(decoding: rest[..<end], as: UTF8.self)
                    rest = Data(rest[rest.index(after: end)...])
                    lines.with { $0.append(line) }
                }
            }
        }
    }

    var text: String { lines.with { $0.suffix(20).joined(separator: "\n") } }

    func wait(for message: String, count: Int) -> Bool {
        let isThere = { (lines: [String]) in lines.count(where: { $0.contains("\"\(message)\"") }) >= count }
        return lines.wait(until: isThere, timeout: .seconds(60)) { isThere($0) }
    }
}
