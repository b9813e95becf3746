import ArgumentParser
import HomeConfiguration
import DropCore
import TwinModel
import TwinStore

struct DropsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drops", abstract: "Lists drops, the newest first.",
        discussion: "Example:\n  twindrop drops --source inventory --state quarantined,held")

    @OptionGroup var home: HomeOptions
    @Option(help: "Only drops of this source.") var source: String?
    @Option(help: "Only drops in these states, separated by commas.") var state: String?
    @Option(help: "At most so many.") var limit = 50

    mutating func run() throws {
        let opened = try home.open()
        let source = try self.source.map { name throws(CommandFailure) in try opened.source(name).name }
        let states = try state.map { text throws(CommandFailure) in try Self.states(text) }
        let register = try opened.openGraph(withModels: false)
        let records = try reporting { [limit] () throws(DropError) in
            try register.page(source: source, states: states, before: nil, limit: limit)
        }
        if home.json { records.forEach { Terminal.print(DropReport.json($0)) } } else { DropReport.table(records) }
    }

    private static func states(_ text: String) throws(CommandFailure) -> Set<DropState> {
        var states: Set<DropState> = []
        for word in text.split(separator: ",") {
            guard let state = DropState(rawValue: String(word)) else {
                throw CommandFailure(
                    .usage, "\(Escaping.visible(String(word))) is no state of a drop.",
                    "States: " + DropState.allCases.map(\.rawValue).joined(separator: ", "))
            }
            states.insert(state)
        }
        return states
    }
}

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows all that is known about a drop.",
        discussion: "Example:\n  twindrop show orders-1010.csv")

    @OptionGroup var home: HomeOptions
    @Argument(help: "A ULID, the start of one, or a file name.") var drop: String

    mutating func run() throws {
        let opened = try home.open()
        let record = try opened.drop(drop, in: opened.openGraph(withModels: false))
        if home.json { Terminal.print(DropReport.json(record)) } else { DropReport.print(record) }
    }
}
