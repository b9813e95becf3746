import Foundation
import Testing
import TwinModel

/// The built programs, run as a user would.
enum Program {
    /// The folder the test bundle lies in, which is where the executables are.
    static let folder = Bundle.main.executableURL!.resolvingSymlinksInPath().deletingLastPathComponent().path.hasSuffix("/usr/bin")
        ? CommandLine.arguments.compactMap { $0.hasSuffix(".xctest") ? URL(fileURLWithPath: $0).deletingLastPathComponent().path : nil }[0]
        : Bundle.main.executableURL!.resolvingSymlinksInPath().deletingLastPathComponent().path

    static var twindrop: String { folder + "/twindrop" }

    /// What a run printed and how it ended.
    struct Ended {
        let code: Int32
        let out: String
        let err: String

        /// The one object, or the lines, of `--json`.
        func json() throws -> [JSON] { try out.split(separator: "\n").map { try JSON(parsing: String($0)) } }
    }

    /// Runs `twindrop` with `arguments` to its end, in at most 120 s.
    static func run(_ arguments: String..., home: Home) throws -> Ended { try run(arguments + ["--home", home.path]) }

    static func run(_ arguments: [String], in folder: String? = nil) throws -> Ended { try run(twindrop, arguments, in: folder) }

    static func run(_ program: String, _ arguments: [String], in folder: String? = nil) throws -> Ended {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("td-out-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let files = [scratch.appendingPathComponent("out"), scratch.appendingPathComponent("err")]
        for file in files { FileManager.default.createFile(atPath: file.path, contents: nil) }
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        let texts = try files.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
        return Ended(code: process.terminationReason == .uncaughtSignal ? -process.terminationStatus : process.terminationStatus, out: texts[0], err: texts[1])
    }
}

/// A home in a folder of its own, removed with this value.
final class Home {
    let path: String

    /// - Parameter configuration: the text of twindrop.yaml.
    init(_ configuration: String, mappings: [String: String] = [:]) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("td-home-\(UUID().uuidString.prefix(8))").path
        for folder in ["", "/mappings", "/dropzone", "/files"] {
            try FileManager.default.createDirectory(atPath: path + folder, withIntermediateDirectories: true)
        }
        try Data(configuration.utf8).write(to: URL(fileURLWithPath: path + "/twindrop.yaml"))
        for (name, text) in mappings { try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/mappings/\(name)")) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file outside the drop zone; its path.
    func file(_ name: String, _ text: String) throws -> String {
        let file = path + "/files/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    /// Puts a file into a source's folder by rename, as a sender does.
    func deliver(_ name: String, _ text: String, to source: String) throws {
        let folder = path + "/dropzone/" + source
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: try file(name, text), toPath: folder + "/" + name)
    }

    /// The one JSON object a command prints.
    func ask(_ arguments: String..., code: Int32 = 0) throws -> JSON {
        let ended = try Program.run(arguments + ["--home", path, "--json"])
        try #require(ended.code == code, "\(arguments) ended with \(ended.code): \(ended.err)")
        return try #require(try ended.json().first, "\(arguments) printed nothing")
    }

    /// The NDJSON a command prints.
    func list(_ arguments: String..., code: Int32 = 0) throws -> [JSON] {
        let ended = try Program.run(arguments + ["--home", path, "--json"])
        try #require(ended.code == code, "\(arguments) ended with \(ended.code): \(ended.err)")
        return try ended.json()
    }
}

/// A daemon that runs until it is stopped, at the latest with this value.
final class Daemon {
    private let process = Process()
    private let out = Pipe()

    init(_ home: Home) throws {
        process.executableURL = URL(fileURLWithPath: Program.twindrop)
        process.arguments = ["run", "--home", home.path]
        process.standardOutput = out
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let line = out.fileHandleForReading.availableData
        try #require(String(decoding: line, as: UTF8.self) == "ready\n", "the daemon did not start")
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var processID: Int32 { process.processIdentifier }

    /// Ends it with a signal; the exit code, negative for a signal.
    func end(_ signal: Int32 = SIGTERM) -> Int32 {
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        return process.terminationReason == .uncaughtSignal ? -process.terminationStatus : process.terminationStatus
    }
}
