import ArgumentParser
import CodecKit
import DropCore
import Foundation
import HomeConfiguration
import HomeReports
import SystemKit
import ThreadKit

/// The command line (docs/command-line.md).
@main
struct TwinDrop: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "twindrop",
        abstract: "Turns dropped export files into digital twins and a tamper-evident archive.",
        discussion: """
            A first home, and a first file:

              twindrop init factory && cd factory
              twindrop run &
              twindrop drop samples/assets.csv --source assets --wait

            Exit codes, environment variables, times and escapes: \(DocumentPage.path("command-line.md")).
            """,
        version: Version.shown,
        subcommands: [],
        groupedSubcommands: [
            CommandGroup(
                name: "Run",
                subcommands: [InitCommand.self, RunCommand.self, DropCommand.self, PlanCommand.self, TokenCommand.self]),
            CommandGroup(
                name: "Operate",
                subcommands: [
                    StatusCommand.self, DropsCommand.self, ShowCommand.self, WhyCommand.self, RetryCommand.self,
                    ReleaseCommand.self, DiscardCommand.self, WaitingCommand.self,
                    ForgetNamesCommand.self,
                ]),
            CommandGroup(
                name: "Read the graph",
                subcommands: [TwinCommand.self, ExplainCommand.self, HistoryCommand.self, QueryCommand.self]),
            CommandGroup(name: "Model", subcommands: [ModelsCommand.self]),
            CommandGroup(name: "Audit", subcommands: [BatchesCommand.self, ArchiveCommand.self, VerifyCommand.self]),
            CommandGroup(name: "Extend", subcommands: [PluginCommand.self, SourceCommand.self]),
            CommandGroup(
                name: "Keep",
                subcommands: [
                    DoctorCommand.self, BackupCommand.self, RestoreCommand.self, ExportCommand.self, BenchCommand.self,
                ]),
        ])

    static func main() {
        System.openStandardStreams()
        Signals.outliveClosedPipes()
        do {
            try checkWords()
            let arguments = CommandLine.arguments.dropFirst()
            try checkHelp(arguments)
            try checkCommand(arguments)
            var command = try parseAsRoot()
            try command.run()
            end(0)
        } catch let failure as CommandFailure {
            failure.report()
            end(failure.code.rawValue)
        } catch let error as StartError {
            let failure = CommandFailure(error)
            failure.report()
            end(failure.code.rawValue)
        } catch let error as DropError {
            let failure = CommandFailure(error)
            failure.report()
            end(failure.code.rawValue)
        } catch {
            // Help and version, and what the parser refuses.
            let text = fullMessage(for: error)
            let code = exitCode(for: error)
            if !text.isEmpty { code.isSuccess ? Terminal.print(lines: text) : Terminal.error(lines: inOurForm(text)) }
            end(code.rawValue)
        }
    }
}

extension TwinDrop {
    /// What the parser says of a mistake, with the head that every error has.
    private static func inOurForm(_ text: String) -> String {
        let head = "Error: "
        return text.hasPrefix(head) ? "twindrop: \(text.dropFirst(head.count))" : text
    }

    /// Refuses words that are no text: which file they name would not be known any more.
    private static func checkWords() throws(CommandFailure) {
        guard let word = Arguments.firstUndecodable else { return }
        throw CommandFailure(
            .usage, "'\(Escaping.visible(word))' is no UTF-8.",
            "A drop, or a file that `why` is asked about, may be named as it is shown, with \\x for such bytes; a file that is to be "
                + "delivered needs another name.")
    }

    /// Refuses `help` for a command that does not exist: the parser would explain another, and end with 0.
    private static func checkHelp(_ arguments: ArraySlice<String>) throws(CommandFailure) {
        guard arguments.first == "help" else { return }
        var command: any ParsableCommand.Type = TwinDrop.self
        for word in arguments.dropFirst() where !word.hasPrefix("-") && word != "help" {
            guard let next = command.configuration.subcommands.first(where: { $0._commandName == word }) else {
                throw CommandFailure(
                    .usage, "There is no command \(Escaping.visible(word)).", "`twindrop --help` lists the commands.")
            }
            command = next
        }
    }

    /// Refuses a command that does not exist with the one that may be meant, and options that stand before the command: the
    /// parser knows them as unexpected.
    private static func checkCommand(_ arguments: ArraySlice<String>) throws(CommandFailure) {
        let options = ["--home", "--json", "--local"]
        if let first = arguments.first, let option = options.first(where: { first == $0 || first.hasPrefix($0 + "=") }) {
            let value = option == "--home" ? " DIR" : ""
            throw CommandFailure(
                .usage, "\(option) stands before the command.", "Put it behind: `twindrop COMMAND \(option)\(value)`.")
        }
        var command: any ParsableCommand.Type = TwinDrop.self
        for word in arguments {
            let known = command.configuration.subcommands
            guard !known.isEmpty, !word.hasPrefix("-"), word != "help" else { return }
            guard let next = known.first(where: { $0._commandName == word }) else {
                guard command.configuration.defaultSubcommand == nil else { return }
                let path = command == TwinDrop.self ? "twindrop" : "twindrop \(command._commandName)"
                let names = known.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
                throw CommandFailure(
                    .usage, "There is no command \(path) \(Escaping.visible(word)).",
                    Suggestion.hint(for: word, among: names), "`\(path) --help` lists the commands.")
            }
            command = next
        }
    }
}
