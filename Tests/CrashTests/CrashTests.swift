import Foundation
import ProgramKit
import Testing

/// The crash tests of `Tests/Crash`, which drive the built programs from outside (docs/crash-tests.md).
///
/// `TWINDROP_CRASH=all` runs every call in every mode, and the trials of a daemon with their full numbers of files; modes of
/// `crash.py` and trials of `daemon.py`, separated by commas, run those alone. `TWINDROP_FULL=1`: the full numbers of files.
enum Driver {
    static let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/Crash"

    static let programs = BuiltPrograms.folder

    private static let chosen = (ProcessInfo.processInfo.environment["TWINDROP_CRASH"] ?? "").split(separator: ",")
        .map(String.init)
    private static let trials: Set<String> = ["helpers", "leaks", "full-disk", "writers", "watches", "strangers", "burst"]

    /// Every call is tried, not a sample.
    static var isWhole: Bool { !chosen.isEmpty }
    static var isFull: Bool { isWhole || ProcessInfo.processInfo.environment["TWINDROP_FULL"] == "1" }

    /// The modes of `crash.py` that were asked for; "" for none.
    static var modes: String { chosen.filter { !trials.contains($0) }.joined(separator: ",") }

    /// Whether a trial of `daemon.py` is to run.
    static func runs(_ trial: String) -> Bool { chosen.isEmpty || chosen.contains("all") || chosen.contains(trial) }

    /// Python, a C compiler, zstd and the programs are there; what is missing is said.
    static let isReady: Bool = {
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").map(String.init)
        let missing =
            ["python3", "cc", "zstd"].filter { tool in
                !path.contains { FileManager.default.isExecutableFile(atPath: $0 + "/" + tool) }
            }
            + ["twindrop", "twindrop-watch", "twindrop-worker"].map { programs + "/" + $0 }.filter {
                !FileManager.default.isExecutableFile(atPath: $0)
            }
        if !missing.isEmpty { print("Crash tests are skipped: there is no \(missing.joined(separator: ", no ")).") }
        return missing.isEmpty
    }()

    /// What a script said and how it ended. A whole run takes hours.
    static func run(_ script: String, _ arguments: String...) throws -> Child.Ended {
        let ended = try Child.run(
            "python3", [scripts + "/" + script] + arguments + ["--build", programs], seconds: 24 * 3600, merging: true)
        print(ended.text, terminator: "")
        return ended
    }
}

@Suite(.serialized, .enabled(if: Driver.isReady)) struct `A batch that is interrupted` {
    @Test(.enabled(if: !Driver.isWhole))
    func `comes to what the model says, at calls taken at random`() throws {
        let ended = try Driver.run("crash.py", "--seconds", "40")
        #expect(ended.code == 0, "\(ended.text)")
    }

    @Test(.enabled(if: !Driver.modes.isEmpty))
    func `comes to what the model says, at every call and killed 200 times at any moment`() throws {
        let ended = try Driver.run("crash.py", "--modes", Driver.modes)
        #expect(ended.code == 0, "\(ended.text)")
    }
}

@Suite(.serialized, .enabled(if: Driver.isReady)) struct `A daemon in trouble` {
    /// - Parameter count: files in `make test`; 0 for the full number.
    private func passes(_ trial: String, count: Int) throws {
        guard Driver.runs(trial) else { return }
        let ended = try Driver.run("daemon.py", trial, "--count", Driver.isFull ? "0" : "\(count)")
        if ended.code == 77 { return print("SKIPPED: \(ended.text)") }
        #expect(ended.code == 0, "\(ended.text)")
    }

    @Test func `applies every file once while its workers and its watcher are killed`() throws {
        try passes("helpers", count: 150)
    }

    @Test func `has no more descriptors, threads and children after many drops`() throws {
        try passes("leaks", count: 60)
    }

    @Test func `goes on by itself when a full disk has room again`() throws {
        try passes("full-disk", count: 90)
    }

    @Test func `takes no file of a slow writer before it is whole`() throws {
        try passes("writers", count: 24)
    }

    @Test func `polls what it cannot watch, and says so`() throws {
        try passes("watches", count: 12)
    }

    @Test func `takes the files of other users without rights of its own`() throws {
        try passes("strangers", count: 20)
    }

    @Test func `misses no file when the kernel's event queue overflows`() throws {
        try passes("burst", count: 9000)
    }
}
