import ArgumentParser
import Daemon
import HomeConfiguration
import DropCore
import DropSpooling
import Foundation
import HomeReports
import Logging
import SystemKit
import ThreadKit
import TwinModel
import TwinStore

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Makes a home with a commented twindrop.yaml and a sample source.",
        discussion: "Example:\n  twindrop init factory")

    @Argument(
        help: "The folder; it is made where it does not exist. Without one, the current folder, where that is empty.",
        completion: .directory)
    var dir: String?
    @OptionGroup var home: HomeOptions

    mutating func run() throws {
        let folder = dir ?? home.folder
        if dir == nil, home.home == nil, HomeOptions.fromEnvironment == nil { try checkEmpty(folder) }
        let made = try HomeTemplate.write(to: folder)
        if home.json { return Terminal.print(["home": .string(folder), "files": .array(made.map { .string($0) })]) }
        Terminal.print("A home is in \(folder):")
        for file in made { Terminal.print("  \(file)") }
        Terminal.print("Next: twindrop run --home \(folder)")
        Terminal.print("then: twindrop drop \(folder)/\(HomeTemplate.sampleFile) --source assets --wait --home \(folder)")
    }

    /// Whoever names no folder may not think of the one that they are in.
    private func checkEmpty(_ folder: String) throws(CommandFailure) {
        guard !FileCalls.isTaken(folder + "/" + Configuration.fileName),
            let names = try? FileManager.default.contentsOfDirectory(atPath: folder), !names.isEmpty
        else { return }
        throw CommandFailure(
            .usage, "\(folder) has other files in it (\(counted(names.count, "name"))), and no folder was named.",
            "`twindrop init DIR` makes a home in a folder of its own; `twindrop init .` makes it here, among them.")
    }
}

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Watches the drop zone and processes what arrives, until SIGTERM.",
        discussion: """
            Prints exactly `ready` on stdout when it watches. With --once it takes every file that is present, waits at most one
            settle interval for each, processes them and ends: 1 when a drop was quarantined or held, or waits, or a file was left.

            The twin service (the Azure Digital Twins API) is at the URL in state/endpoint: \(DocumentPage.path("twin-api.md")).

            SIGHUP looks through the drop zone again, and takes over a changed twindrop.yaml, unless it has a mistake. A second
            SIGTERM leaves the drops in hand to the next start.

            Examples:
              twindrop run
              twindrop run --once --home factory
            """)

    @OptionGroup var home: HomeOptions
    @Flag(help: "Process what is there, then exit.") var once = false
    @Option(
        help: ArgumentHelp(
            "Where the twin service listens (default: http.listen of the configuration; port 0: a free one; off: nowhere).",
            valueName: "host:port"))
    var listen: String?
    @Flag(help: "Go on although the archive folder lacks what the database has archived: where that is lost for good.")
    var newArchive = false
    @Flag(
        help: "Go on although the database is older than the archive, or new: what it has forgotten is delivered again by hand.")
    var acceptDatabase = false

    mutating func run() throws {
        Signals.takeOver()
        System.forbidCoreDumps()
        let opened = try home.open()
        let acceptance = Engine.Acceptance(archive: newArchive, database: acceptDatabase)
        guard once else { return try serve(DaemonRun(opened, acceptance: acceptance, listen: listen)) }
        let engine = try Engine(opened, intake: .once, acceptance: acceptance)
        do {
            try reporting { () throws(DropError) in try engine.start() }
            try processOnce(engine)
        } catch {
            engine.stop()
            throw error
        }
    }

    private func processOnce(_ engine: Engine) throws {
        try engine.finish()
        engine.stop()
        let bad = engine.tally.unhappy
        var lines: [String] = []
        if !bad.isEmpty {
            lines.append(
                "\(bad.count) of \(counted(engine.tally.count, "drop")) \(bad.count == 1 ? "was" : "were") quarantined or held:")
            lines += bad.map { "\($0.fileName) (\($0.state.rawValue)): \($0.reason?.message ?? "")" }
        }
        if let left = engine.whatIsLeft { lines += Self.lines(of: left) }
        if !lines.isEmpty { throw CommandFailure(.negative, lines: lines) }
    }

    /// Files, drops and sources that did not go on: each with its reason and the next step.
    private static func lines(of left: WaitingReport) -> [String] {
        var lines: [String] = []
        if !left.files.isEmpty {
            lines.append("\(counted(left.files.count, "file")) \(left.files.count == 1 ? "was" : "were") left:")
            lines += left.groups.map { group in
                "\(group.source.map { "source \($0): " } ?? "")\(group.names) [\(group.code.rawValue)]: \(group.reason.message) "
                    + group.reason.hint
            }
        }
        for one in left.unserved {
            lines.append("\(one.title) is \(one.words) [\(one.reason.code.rawValue)]: \(one.reason.message) \(one.reason.hint)")
        }
        for drop in left.drops {
            lines.append(
                "\(drop.record.fileName) is drop \(drop.record.id) and waits [\(drop.reason.code.rawValue)]: \(drop.reason.message) "
                    + drop.reason.hint)
        }
        return lines
    }

    private func serve(_ daemon: DaemonRun) throws {
        do {
            try daemon.start()
            _ = NamedThread("td-signals") {
                // A closed terminal is no reason to stop a daemon, and a reason to look.
                func waitForEnding() { while Signals.wait() == Signals.hangUp { daemon.reload() } }
                waitForEnding()
                daemon.beginStop()
                waitForEnding()
                daemon.abandon()
            }
            if try daemon.open() {
                Terminal.print("ready")
                if let failure = Terminal.failure { throw failure }
                daemon.ready()
            }
            try daemon.serve()
        } catch {
            daemon.stop()
            throw error
        }
    }
}

struct DropCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop", abstract: "Hands a file over as a sender would.",
        discussion: """
            Copies FILE into the source's folder under a temporary name and renames it. With --wait it prints the receipt when the
            drop has come to its end; 0 also for a duplicate and for rejects within the limits. Without a daemon, --wait
            processes the drop itself.

            Example:
              twindrop drop samples/assets.csv --source assets --wait
            """)

    @OptionGroup var home: HomeOptions
    @Argument(help: "The file.", completion: .file()) var file: String
    @Option(help: "The source it belongs to.", completion: Completions.source) var source: String
    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("Hand it over under this name: of a file that lost its own, as in the spool.", valueName: "name"))
    var name: String?
    @Flag(help: "Wait for the end of the drop and print its receipt.") var wait = false

    mutating func run() throws {
        let opened = try home.open()
        let source = try opened.source(source)
        try checkServed(source, opened)
        let placed = try Delivery(of: file, to: source, as: name, in: opened).place()
        guard wait else {
            if home.json { return Terminal.print(["file": .string(placed.path)]) }
            Terminal.print("Dropped as \(placed.path)")
            if !HomeLock.isHeld(state: opened.paths.state) {
                Terminal.print("No daemon runs: the next `twindrop run` takes it, or `twindrop drop --wait` does at once.")
            }
            return
        }
        let record: DropRecord
        do throws(CommandFailure) { record = try DropWait(opened, placed).result() } catch {
            if home.json, let answer = error.answer { Terminal.print(answer) }
            throw error
        }
        try report(record, placed, opened)
    }

    /// Where nobody would take the file, it is not copied: a daemon that does not know the source yet, or none that could start.
    private func checkServed(_ source: Source, _ opened: Home) throws(CommandFailure) {
        guard HomeLock.isHeld(state: opened.paths.state) else { return try opened.checkServable() }
        guard case .answer(let told) = ControlClient.look(opened, ["do": "folders"]),
            let folders = told.elements?.compactMap(\.string), !folders.contains(source.watched.folder)
        else { return }
        throw CommandFailure(
            .usage,
            "The daemon that runs does not watch the folder of source \(source.name): twindrop.yaml was changed since it started.",
            "Nothing was copied. Reload the daemon (SIGHUP, `systemctl reload twindrop`), then hand the file over again.")
    }

    private func report(_ record: DropRecord, _ placed: Delivery.Placed, _ opened: Home) throws {
        if home.json { Terminal.print(try receipt(of: record, opened)) } else { DropReport.print(record, in: opened) }
        if record.state == .claimed || record.state == .registered {
            // Nothing more goes on, and it is not at its end: a suspended source, or one that keeps an order behind such a drop.
            let answer = try WhyReport(opened).answer(placed.path)
            let code = answer["code"]?.string ?? "waiting"
            throw CommandFailure(
                .negative,
                lines: [
                    "\(record.fileName) is drop \(record.id) and waits [\(code)]: its source \(record.source) does not go on."
                ] + WhyReport.sentences(besidesDrop: answer)
                    + ["It goes on with the next run once that is put right."])
        }
        if record.outcome == .nothingUsable, record.state.isApplied {
            throw CommandFailure(
                .negative, "Nothing of \(record.fileName) could be used: every record that was not left out was refused.",
                "The reasons are beside the receipt.")
        }
        if record.state.needsPerson {
            throw CommandFailure(
                .negative, lines: [record.reason?.message ?? "The drop is \(record.state.rawValue).", record.reason?.hint ?? ""])
        }
    }

    private func receipt(of record: DropRecord, _ opened: Home) throws(CommandFailure) -> JSON {
        try reporting { () throws(DropError) in try opened.receipts().receipt(of: record) } ?? DropReport.json(record)
    }
}

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Shows what a file, or a drop that is held, would change; changes nothing.",
        discussion: """
            Lists every change with its values: what the file's records say, what a complete list deletes, and what goes with it.
            Of a file that would be held, it lists what its release would do. Ends with 0 when it can tell what the file would do, also
            where the drop would be held, and with 1 where the file would be quarantined, because then nothing can be told of it.

            Examples:
              twindrop plan samples/assets.csv --source assets
              twindrop plan --drop assets.csv
            """)

    @OptionGroup var home: HomeOptions
    @Argument(help: "The file.", completion: .file()) var file: String?
    @Option(help: "The source it would belong to.", completion: Completions.source) var source: String?
    @Option(help: "In place of a file: the bytes of this drop, against the graph as it is now.", completion: Completions.drop)
    var drop: String?
    @Option(help: "Print at most so many changes.") var limit = 50

    mutating func validate() throws {
        try LimitCheck.check(limit)
        if drop != nil {
            if file != nil || source != nil { throw ValidationError("--drop names the bytes and their source already.") }
        } else if file == nil || source == nil {
            throw ValidationError("Name a file and its --source, or a drop with --drop.")
        }
    }

    mutating func run() throws {
        Signals.takeOver()
        let opened = try home.open()
        let plan: DryRun.Plan
        var held: Held?
        if let drop {
            let store = try opened.openGraph(withModels: false)
            let record = try opened.drop(drop, in: store)
            plan = try DryRun(opened, source: try opened.source(record.source.text)).run(record)
            held = try reporting { () throws(DropError) in try Held(record, NextSteps(record, in: opened, store)) }
        } else {
            plan = try DryRun(opened, source: try opened.source(source ?? "")).run(file ?? "")
        }
        if home.json { Terminal.print(plan.json) } else { plan.print(limit: limit, held: held) }
    }
}
