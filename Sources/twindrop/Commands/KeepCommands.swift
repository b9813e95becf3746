import ArgumentParser
import HomeConfiguration
import DropCore
import DropSpooling
import Evidence
import Foundation
import PluginHost
import TwinModel
import TwinStore

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Checks the home: configuration, plugins, database, archive, space.",
        discussion: "Example:\n  twindrop doctor")

    @OptionGroup var home: HomeOptions

    mutating func run() throws {
        let opened = try home.open()
        let examination = Examination(opened)
        let checks = try examination.run()
        let sound = checks.allSatisfy(\.findings.isEmpty)
        if home.json {
            Terminal.print([
                "sound": .bool(sound), "waiting": try examination.waiting()["json"] ?? .null,
                "checks": .array(
                    checks.map { ["check": .string($0.name), "findings": .array($0.findings.map { .string($0) })] }),
            ])
        } else {
            for check in checks {
                Terminal.print("\(check.findings.isEmpty ? "ok   " : "FOUND") \(check.name)")
                for finding in check.findings { Terminal.print("      \(finding)") }
            }
        }
        if !sound { throw CommandFailure(.negative, lines: ["Something needs a person."]) }
    }
}

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Writes a consistent copy of the twin database, while the daemon runs or not.",
        discussion: "The archive is not in it: copy the archive folder beside it.\n\nExample:\n  twindrop backup nightly.twindb")

    @OptionGroup var home: HomeOptions
    @Argument(help: "The file to write; it must not exist.", completion: .file()) var file: String

    mutating func run() throws {
        let opened = try home.open()
        let path = URL(fileURLWithPath: file).standardizedFileURL.path
        guard !FileCalls.isTaken(path) else {
            throw CommandFailure(.usage, "\(path) exists already.", "Choose another name.")
        }
        let store = try opened.openGraph(withModels: false)
        try reporting { () throws(DropError) in try store.backup(to: path) }
        if home.json { Terminal.print(["backup": .string(path)]) } else { Terminal.print("Written to \(path)") }
    }
}

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Puts a backup in place of the twin database; the daemon must not run.",
        discussion:
            "The present database is kept beside it as twin.db.before-restore.\n\nExample:\n  twindrop restore nightly.twindb")

    @OptionGroup var home: HomeOptions
    @Argument(help: "A file that `backup` wrote.", completion: .file()) var file: String

    mutating func run() throws {
        let opened = try home.open()
        let path = URL(fileURLWithPath: file).standardizedFileURL.path
        try reporting { () throws(DropError) in
            try Folders.make([opened.paths.state])
            let lock = try HomeLock(state: opened.paths.state)
            guard Folders.exists(path) else {
                throw DropError(
                    "missing", "There is no file \(path).", hint: "Name a file that `twindrop backup` wrote.",
                    remedy: .suspendSource)
            }
            try TwinStore.restore(from: path, folder: opened.paths.state)
            try lock.release()
        }
        if home.json { Terminal.print(["restored": .string(path)]) } else { Terminal.print("Restored from \(path)") }
    }
}

/// The checks of `doctor`.
struct Examination {
    struct Check {
        let name: String
        let findings: [String]
    }

    private let home: Home

    init(_ home: Home) { self.home = home }

    func run() throws(CommandFailure) -> [Check] {
        let store = try home.openGraph(withModels: false)
        let found = try found()
        return try reporting { () throws(DropError) in
            [
                Check(name: "configuration", findings: configuration()),
                Check(name: "plugins", findings: plugins()),
                Check(name: "programs", findings: programs()),
                Check(name: "sandbox", findings: sandbox(store)),
                Check(name: "database", findings: try store.quickCheck()),
                Check(name: "archive", findings: try archive(store)),
                Check(name: "unfinished drops", findings: try unfinished(store)),
                Check(name: "open files", findings: openFiles()),
                Check(name: "sources and files", findings: found.words),
                Check(name: "space", findings: try space() + found.space),
            ]
        }
    }

    /// What waits, as a running daemon knows it, or as the folders and the database tell.
    func waiting() throws(CommandFailure) -> JSON {
        if let told = try ControlClient.ask(home.controlSocket, ["do": "waiting"]) {
            return ["json": told, "findings": told["findings"] ?? .null]
        }
        let store = try home.openGraph(withModels: false)
        let report = try reporting { () throws(DropError) in try WaitingReport.atRest(home, store) }
        return ["json": report.answer, "findings": report.answer["findings"] ?? .null]
    }

    private func found() throws(CommandFailure) -> (words: [String], space: [String]) {
        let waiting = try waiting()
        let words = (waiting["findings"]?.elements ?? []).compactMap(\.string)
        let room = (waiting["json"]?["files"]?.elements ?? []).filter { group in
            [WaitingReason.Code.noRoom, .diskFull].map(\.rawValue).contains(group["code"]?.string ?? "")
        }
        return (words, room.compactMap { $0["sentence"]?.string })
    }

    private func configuration() -> [String] { home.configuration.allMistakes?.errors.map(\.description) ?? [] }

    private func plugins() -> [String] {
        home.configuration.sources.compactMap { source in
            PluginDefect.of(source).map { "source \(source.name): \($0)" }
        }
    }

    private func programs() -> [String] {
        ["twindrop-worker", "twindrop-watch"].map(Installation.current.path)
            .filter { !FileManager.default.isExecutableFile(atPath: $0) }.map { "\($0) is missing or not executable" }
    }

    private func sandbox(_ store: TwinStore) -> [String] {
        let host = Assembly.host(of: home.configuration.sources, in: home.configuration, keys: store)
        guard let missing = host.sandboxMissing() else { return ["no worker can be started: reinstall twindrop-worker"] }
        let isRequired = home.configuration.sources.contains { $0.worker.sandbox == .required }
        return missing.isEmpty
            ? []
            : [
                "this kernel lacks \(missing.joined(separator: ", ")): "
                    + (isRequired
                        ? "no plugin runs, because limits.worker.sandbox is required"
                        : "plugins run without; a newer kernel has them")
            ]
    }

    private func archive(_ store: TwinStore) throws(DropError) -> [String] {
        let root = home.paths.archive
        let witness = try ArchiveWitness(store, root: root)
        let witnessed = [witness.missing, try witness.forgotten()].compactMap { $0?.message }
        guard Folders.exists(root + "/chain.log") else { return witnessed }
        return try ArchiveVerifier(root: root).verify().findings.map(\.message) + witnessed
    }

    private func unfinished(_ store: TwinStore) throws(DropError) -> [String] {
        let retried = try store.retried()
        return try store.drops(in: [.held, .quarantined]).filter { !retried.contains($0.id) }.map {
            "\($0.fileName) is \($0.state.rawValue): \($0.reason?.message ?? "")"
        }
        .suffix(20).map { $0 }
    }

    /// Of the running daemon where there is one, else as this process would have it.
    private func openFiles() -> [String] {
        let remedy = "raise LimitNOFILE= in the unit, or ulimit -n in the shell, to 4096 or more"
        // A daemon that does not answer is none whose limit can be looked at.
        if let told = try? ControlClient.ask(home.controlSocket, ["do": "open-files"]), let limit = told["limit"]?.int,
            let open = told["open"]?.int, let connections = told["connections"]?.int
        {
            let wanted = home.configuration.http.limits.connections
            guard open + 32 > limit || connections < min(wanted, 512) else { return [] }
            return [
                "the daemon may have \(limit) files open and has \(open); \(connections) of \(wanted) connections fit: \(remedy)"
            ]
        }
        let limit = OpenFiles.raise()
        return limit < 1024 ? ["the limit of open files is \(limit): \(remedy)"] : []
    }

    private func space() throws(DropError) -> [String] {
        let space = try SpoolFolder(state: home.paths.state).freeSpace()
        let limits = home.configuration.limits.space
        let mark = min(limits.softBytes, UInt64(Double(space.bytesTotal) * limits.softShare))
        return space.bytesFree < mark
            ? ["only \(space.bytesFree >> 20) MiB are free; below \(mark >> 20) MiB nothing is claimed"] : []
    }
}
