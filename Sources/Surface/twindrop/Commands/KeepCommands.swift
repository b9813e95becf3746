import ArgumentParser
import CodecKit
import HomeConfiguration
import DropCore
import DropSpooling
import Evidence
import Foundation
import HomeReports
import PluginHost
import SystemKit
import TwinModel
import TwinStore

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Checks the home: configuration, plugins, database, archive, space.",
        discussion: "Example:\n  twindrop doctor")

    @OptionGroup var home: HomeOptions

    mutating func run() throws {
        let opened = try home.open()
        let doctor = Doctor(opened)
        let checks = try doctor.run()
        let sound = checks.allSatisfy(\.findings.isEmpty)
        if home.json {
            Terminal.print([
                "sound": .bool(sound), "waiting": try doctor.hasDatabase ? doctor.waiting()["json"] ?? .null : .null,
                "checks": .array(
                    checks.map { ["check": .string($0.name), "findings": .array($0.findings.map { .string($0) })] }),
            ])
        } else {
            for check in checks {
                Terminal.print("\(check.findings.isEmpty ? "ok     " : "PROBLEM") \(check.name)")
                for finding in check.findings { Terminal.print("        \(finding)") }
            }
        }
        if !sound { throw CommandFailure(.negative, lines: ["Something needs a person."]) }
    }
}

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Writes a consistent copy of the twin database, while the daemon runs or not.",
        discussion: """
            It holds the graph, its history, the models, and the register of drops. It does not hold the bytes of drops: copy the
            archive folder beside it, state/spool and state/quarantine for drops that wait for a person, and twindrop.yaml with
            mappings, models and plugins. \(DocumentPage.path("operations.md")) has a recipe.

            Example:
              twindrop backup nightly.twindb
            """)

    @OptionGroup var home: HomeOptions
    @Argument(help: "The file to write; it must not exist.", completion: .file()) var file: String

    mutating func run() throws {
        let opened = try home.open()
        let path = URL(fileURLWithPath: file).standardizedFileURL.path
        guard !FileCalls.isTaken(path) else {
            throw CommandFailure(.usage, "\(path) exists already.", "Choose another name.")
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard FileCalls.isFolder(folder) else {
            throw CommandFailure(.usage, "There is no folder \(Escaping.visible(folder)).", "Make it, or name another.")
        }
        let store = try opened.openGraph(withModels: false)
        try reporting { () throws(DropError) in try store.maintenance.backup(to: path) }
        if home.json { Terminal.print(["backup": .string(path)]) } else { Terminal.print("Written to \(path)") }
    }
}

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Puts a backup in place of the twin database; the daemon must not run.",
        discussion: """
            The database that was there is kept beside it as twin.db.before-restore-N; none is ever replaced. Drops that the
            backup does not know, or takes for unfinished, are named at the next start.

            Example:
              twindrop restore nightly.twindb --reason "the disk of the state folder failed"
            """)

    @OptionGroup var home: HomeOptions
    @OptionGroup var why: ReasonOption
    @Argument(help: "A file that `backup` wrote.", completion: .file()) var file: String

    mutating func run() throws {
        let opened = try home.open()
        let path = URL(fileURLWithPath: file).standardizedFileURL.path
        let reason = why.given(for: "restore \(file)", asks: !home.json)
        let lock = try reporting { () throws(DropError) in
            try Folders.make([opened.paths.state])
            return try HomeLock(state: opened.paths.state)
        }
        guard FileCalls.isFile(path) else {
            throw CommandFailure(
                .usage, "There is no file \(Escaping.visible(path)).", "Name a file that `twindrop backup` wrote.")
        }
        let restored = try reporting { () throws(DropError) in
            let archived = try ArchiveCatalogue(root: opened.paths.archive).newest().last?.leaf
            let act = Act(
                .restore, source: nil, facts: [.init("backup", .string(Escaping.visible(path)))], reason: reason)
            let restored = try TwinStore.restore(from: path, folder: opened.paths.state, archived: archived, by: act)
            try lock.release()
            return restored
        }
        let kept = try Self.kept(restored, path, opened)
        if home.json {
            return Terminal.print(["restored": .string(path), "kept": kept.map { .string($0) } ?? .null])
        }
        Terminal.print("Restored from \(path)")
        if let kept { Terminal.print("What was there is kept as \(kept)") }
    }

    /// Where the database that was there lies now; where the file did not take its place, why.
    private static func kept(_ restored: TwinStore.Restored, _ path: String, _ home: Home) throws(CommandFailure) -> String? {
        switch restored {
        case .done(let kept): return kept
        case .noBackup:
            throw CommandFailure(
                .usage, "\(Escaping.visible(path)) is no backup that `twindrop backup` wrote. Nothing was changed.",
                "Name a file that `twindrop backup` wrote, or a state/twin.db.before-restore-N.")
        case .ofAnotherHome:
            throw CommandFailure(
                .usage,
                "\(Escaping.visible(path)) is the backup of another home than \(home.paths.state)/twin.db, which holds drops. "
                    + "Nothing was changed.",
                "Name a backup of this home. If this home is to go on as the other one, move state/twin.db, with its -wal and "
                    + "-shm, away first.")
        }
    }
}
