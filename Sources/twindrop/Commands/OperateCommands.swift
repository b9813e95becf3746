import ArgumentParser
import HomeConfiguration
import DropCore
import TwinModel
import TwinStore

struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Runs the bytes of a quarantined drop again, or resumes the source of a waiting one.",
        discussion: "Example:\n  twindrop retry broken.csv")

    @OptionGroup var home: HomeOptions
    @Argument(help: "A ULID, the start of one, or a file name.", completion: Completions.drop) var drop: String

    mutating func run() throws { try Operation(act: "retry", drop: drop, home: home).perform() }
}

struct ReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Lets a held drop go on, without its guards.",
        discussion: "Example:\n  twindrop release assets-2026-11-21.csv")

    @OptionGroup var home: HomeOptions
    @Argument(help: "A ULID, the start of one, or a file name.", completion: Completions.drop) var drop: String
    @Flag(help: "Also when a newer snapshot of the source was applied since.") var force = false

    mutating func run() throws { try Operation(act: "release", drop: drop, home: home, force: force).perform() }
}

struct DiscardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard", abstract: "Gives up a drop that is not applied; its bytes stay in the archive.",
        discussion: "Example:\n  twindrop discard assets-2026-11-21.csv")

    @OptionGroup var home: HomeOptions
    @Argument(help: "A ULID, the start of one, or a file name.", completion: Completions.drop) var drop: String

    mutating func run() throws { try Operation(act: "discard", drop: drop, home: home).perform() }
}

struct ForgetNamesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget-names",
        abstract: "Gives the names of a source's properties, relationships and models their numbers anew.",
        discussion: """
            For a source whose drops end as `names-full`: names that failed drops left, or that nothing uses any more, go. The graph
            stays as it is; the next drop is compared in full. No drop of the source may be in work.

            Example:
              twindrop forget-names assets
            """)

    @OptionGroup var home: HomeOptions
    @Argument(help: "The source.") var source: String

    mutating func run() throws {
        let opened = try home.open()
        let source = try opened.source(source).name
        let request: JSON = ["do": "forget-names", "source": .string(source.text)]
        let answer: JSON
        if let told = try ControlClient.ask(opened.controlSocket, request) {
            answer = told
        } else {
            let engine = try Engine(opened, intake: .none)
            defer { engine.stop() }
            answer = try reporting { () throws(DropError) in try engine.answer("forget-names", request) }
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
    let act: String
    let drop: String
    let home: HomeOptions
    var force = false

    func perform() throws {
        let home = try home.open()
        let record = try home.drop(drop, in: home.openGraph(withModels: false))
        let request: JSON = ["do": .string(act), "drop": .string(record.id.description), "force": .bool(force)]
        let answer: JSON
        if let told = try ControlClient.ask(home.controlSocket, request) {
            answer = told
        } else {
            answer = try alone(home, request)
        }
        if self.home.json {
            Terminal.print(answer)
        } else {
            Terminal.print("\(record.fileName): \(answer["state"]?.string ?? "done"), drop \(answer["drop"]?.string ?? "")")
        }
    }

    /// Starts the pipeline without intake, acts, and waits until nothing is left to do.
    private func alone(_ home: Home, _ request: JSON) throws(CommandFailure) -> JSON {
        let engine = try Engine(home, intake: .none)
        defer { engine.stop() }
        let answer = try reporting { () throws(DropError) in
            if act == "discard", let id = request["drop"]?.string.flatMap({ DropID($0) }) { engine.willDiscard(id) }
            try engine.start()
            return try engine.answer(act, request)
        }
        try engine.finish()
        guard let id = answer["drop"]?.string.flatMap({ DropID($0) }) else { return answer }
        return try reporting { () throws(DropError) in try engine.register.drop(id).map(DropReport.json) ?? answer }
    }
}
