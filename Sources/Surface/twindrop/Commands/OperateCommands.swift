import ArgumentParser
import Daemon
import HomeConfiguration
import DropCore
import Foundation
import HomeReports
import TwinModel
import TwinStore

struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Runs a quarantined drop again, as it is or with a corrected file in its place.",
        discussion: """
            Waits for the end of the new drop: 0 when it was applied, 1 when it was quarantined or held, or does not go on. The drop
            that is run again is `retried` from then on, and `resolved` when the new one was applied. What newer drops of the source
            said meanwhile stays as it is, unless --force says otherwise.

            With --with, a corrected file runs in the place of a quarantined or held drop, under its name. A held drop is `discarded`
            then, and closed by the new one. A file that is delivered in the usual way instead counts as newer than all that came
            before it.

            A drop that only waits is refused, but for one whose plugin failed on several drops: its source gets another chance.

            Examples:
              twindrop retry broken.csv --reason "mapping corrected"
              twindrop retry broken.csv --with broken-corrected.csv --reason "header corrected"
            """)

    @OptionGroup var home: HomeOptions
    @OptionGroup var options: ActOptions
    @Argument(help: "A ULID, the start of one, or a file name.", completion: Completions.drop) var drop: String

    @Option(
        help: ArgumentHelp("A corrected file, which runs in the place of the drop.", valueName: "file"), completion: .file())
    var with: String?

    @Flag(help: ForceHelp.text) var force = false

    mutating func run() throws {
        try Operation(act: .retry, drop: drop, home: home, options: options, force: force, file: with).perform()
    }
}

struct ReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Lets a held drop go on, without its guards.",
        discussion: """
            Waits for the end of the drop: 0 when it was applied, 1 when it was quarantined, or does not go on. What newer drops of
            the source said meanwhile stays as it is, unless --force says otherwise.

            Example:
              twindrop release assets-2026-11-21.csv --reason "the site was closed"
            """)

    @OptionGroup var home: HomeOptions
    @OptionGroup var options: ActOptions
    @Argument(help: "A ULID, the start of one, or a file name.", completion: Completions.drop) var drop: String
    @Flag(help: ForceHelp.text) var force = false

    mutating func run() throws {
        try Operation(act: .release, drop: drop, home: home, options: options, force: force).perform()
    }
}

private enum ForceHelp {
    static let text = ArgumentHelp(
        "Take what it says for the newest, also where newer drops of the source were applied since. Not where `sequence` says which "
            + "is newer.")
}

struct DiscardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard", abstract: "Gives up a drop that is not applied; its bytes stay in the archive.",
        discussion: """
            A drop that is applied, and that the archive cannot take because its bytes are gone or changed, ends as done: what it did
            stays in the graph, and its reason says that its bytes are not in the archive.

            Example:
              twindrop discard assets-2026-11-21.csv --reason "delivered again as orders-2.csv"
            """)

    @OptionGroup var home: HomeOptions
    @OptionGroup var options: ActOptions
    @Argument(help: "A ULID, the start of one, or a file name.", completion: Completions.drop) var drop: String

    mutating func run() throws { try Operation(act: .discard, drop: drop, home: home, options: options).perform() }
}

/// The reason of an act of a person.
struct ReasonOption: ParsableArguments {
    @Option(help: "Why; it is kept in the archive with your name. On a terminal it is asked for.") var reason: String?

    /// What `--reason` says, or the person at the terminal.
    func given(for act: String, asks: Bool) -> String? {
        if let reason { return reason }
        guard asks, Terminal.isInteractive, Terminal.inputIsInteractive else { return nil }
        Terminal.error("Why \(act)? One line; it is kept in the archive. Empty: no reason.")
        return readLine()
    }
}

/// Options of every act on a drop.
struct ActOptions: ParsableArguments {
    @OptionGroup var why: ReasonOption
    @Flag(help: "Do not wait for the end of the drop.") var noWait = false
}

struct ForgetNamesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget-names",
        abstract: "Gives the names of a source's properties, relationships and models their numbers anew.",
        discussion: """
            For a source whose drops end as `names-full`: names that failed drops left, or that nothing uses any more, go. The graph
            stays as it is; the next drop is compared in full. No drop of the source may be in work.

            Example:
              twindrop forget-names assets --reason "the header had a new name in each file"
            """)

    @OptionGroup var home: HomeOptions
    @OptionGroup var why: ReasonOption
    @Argument(help: "The source.") var source: String

    mutating func run() throws {
        let opened = try home.open()
        let source = try opened.source(source).name
        let reason = why.given(for: "forget the names of \(source)", asks: !home.json)
        let request: JSON = [
            "do": "forget-names", "source": .string(source.text), "reason": reason.map { .string($0) } ?? .null,
        ]
        let answer: JSON
        if let told = try ControlClient.ask(opened.controlSocket, request) {
            answer = told
        } else {
            let engine = try Engine(opened, intake: .none)
            defer { engine.stop() }
            answer = try engine.answer("forget-names", request, Users.current)
        }
        if home.json {
            Terminal.print(answer)
        } else {
            Terminal.print("\(source): \(counted(answer["names"]?.int ?? 0, "name")) forgotten")
        }
    }
}

/// An act on one drop: by the running daemon, or by this process while it holds the lock.
private struct Operation {
    let act: Act.Kind
    let drop: String
    let home: HomeOptions
    let options: ActOptions
    var force = false
    /// What runs in the place of the drop; nil: its own bytes.
    var file: String?

    func perform() throws {
        let home = try home.open()
        let record = try home.drop(drop, in: home.openGraph(withModels: false))
        let request: JSON = [
            "do": .string(act.rawValue), "drop": .string(record.id.description), "force": .bool(force),
            "reason": options.why.given(for: "\(act.rawValue) \(record.fileName)", asks: !self.home.json)
                .map { .string($0) } ?? .null,
        ]
        guard let file else { return try perform(on: record, home, request) }
        let delivery = Delivery(of: file, to: try home.source(record.source.text), in: home)
        try delivery.placedAside { name throws(CommandFailure) in
            try perform(on: record, home, request.adding("with", .string(name)))
        }
    }

    private func perform(on record: DropRecord, _ home: Home, _ request: JSON) throws(CommandFailure) {
        var answer: JSON
        var waits: String?
        if let told = try ControlClient.ask(home.controlSocket, request) {
            answer = told
            if !options.noWait { (answer, waits) = try end(of: told, home) }
        } else {
            answer = try alone(record, home, request)
        }
        if self.home.json {
            Terminal.print(answer)
        } else {
            let outcome = answer["outcome"]?.string.map { " (\($0))" } ?? ""
            let counts = DropReport.counts(ofApplied: answer).map { ": \($0)" } ?? ""
            Terminal.print(
                "\(record.fileName): \(answer["state"]?.string ?? "done")\(outcome), drop \(answer["drop"]?.string ?? "")\(counts)"
            )
        }
        try judge(answer, waits)
    }

    /// The new state is not what the person wanted.
    private func judge(_ answer: JSON, _ waits: String?) throws(CommandFailure) {
        guard act != .discard, let state = answer["state"]?.string.flatMap(DropState.init(rawValue:)) else { return }
        if state.needsPerson {
            throw CommandFailure(
                .negative,
                lines: [
                    answer["reason"]?["message"]?.string ?? "The drop is \(state.rawValue).",
                    answer["reason"]?["hint"]?.string ?? "",
                ])
        }
        if !options.noWait, state == .claimed || state == .registered {
            throw CommandFailure(
                .negative, waits ?? "The drop waits: its source does not go on.",
                "`twindrop status` has the next step.")
        }
    }

    /// Looks until the daemon is done with the drop, or says that it does not go on.
    private func end(of answer: JSON, _ home: Home) throws(CommandFailure) -> (JSON, waits: String?) {
        guard act != .discard, let id = answer["drop"] else { return (answer, nil) }
        var told = 0
        var applied = 0
        while true {
            guard let look = try ControlClient.ask(home.controlSocket, ["do": "look", "drop": id]) else {
                throw CommandFailure(
                    .storage, "The daemon ended while the drop was waited for.", "The next run takes the work up.")
            }
            guard let drop = look["drop"], let state = drop["state"]?.string.flatMap(DropState.init(rawValue:)) else {
                return (answer, nil)
            }
            if state == .applied || state == .archived {
                // On its way to `done`, which is a moment off; where the archive cannot take it, that is said as it is.
                applied += 1
                if applied > 100 { return (drop, nil) }
            } else if state != .claimed, state != .registered {
                return (drop, nil)
            }
            // Once may be the moment before its turn.
            told = look["waits"]?.string == nil ? 0 : told + 1
            if told > 10 { return (drop, look["waits"]?.string) }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    /// Starts the pipeline without intake, acts, and waits until nothing is left to do.
    ///
    /// - Parameter record: the drop, before the start.
    private func alone(_ record: DropRecord, _ home: Home, _ request: JSON) throws(CommandFailure) -> JSON {
        let engine = try Engine(home, intake: .none)
        defer { engine.stop() }
        try reporting { () throws(DropError) in
            if act == .discard, let id = request["drop"]?.string.flatMap({ DropID($0) }) {
                try engine.willDiscard(id, by: Users.current, reason: request["reason"]?.string)
            }
            try engine.start()
        }
        var answer = request
        let begun = try state(of: record, engine)
        if act == .retry, file == nil, record.state != .held, begun != .quarantined {
            // The start has taken up what waited, and what only lacked its bytes: what is left waits for something.
            try engine.finish()
            let now = try state(of: record, engine)
            if now == record.state || now == .claimed || now == .registered {
                answer = try engine.answer(act.rawValue, request, Users.current)
            }
        } else {
            answer = try engine.answer(act.rawValue, request, Users.current)
        }
        try engine.finish()
        guard let id = answer["drop"]?.string.flatMap({ DropID($0) }) else { return answer }
        return try reporting { () throws(DropError) in try engine.register.drop(id).map { DropReport.json($0) } ?? answer }
    }

    private func state(of record: DropRecord, _ engine: Engine) throws(CommandFailure) -> DropState? {
        try reporting { () throws(DropError) in try engine.register.drop(record.id)?.state }
    }
}
