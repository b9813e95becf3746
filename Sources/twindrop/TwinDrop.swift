import ArgumentParser

/// The command line (design: section 8).
@main
struct TwinDrop: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "twindrop",
        abstract: "Turns dropped export files into digital twins and a tamper-evident archive.",
        discussion: """
            A first home, and a first file:

              twindrop init factory && cd factory
              twindrop run &
              twindrop drop export.csv --source inventory --wait
            """,
        version: Version.text,
        subcommands: [],
        groupedSubcommands: [
            CommandGroup(
                name: "Run",
                subcommands: [InitCommand.self, RunCommand.self, DropCommand.self, PlanCommand.self, TokenCommand.self]),
            CommandGroup(
                name: "Operate",
                subcommands: [
                    StatusCommand.self, DropsCommand.self, ShowCommand.self, WhyCommand.self, RetryCommand.self,
                    ReleaseCommand.self, DiscardCommand.self,
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
        ProcessStart.openStandardStreams()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as CommandFailure {
            failure.report()
            exit(withCode: failure.code)
        } catch {
            exit(withError: error)
        }
    }
}

/// What this build is.
enum Version {
    static let text = "0.1.0"
}
