import ArgumentParser
import Foundation
import HomeReports

/// Options every command takes.
struct HomeOptions: ParsableArguments {
    @Option(
        name: .long, help: ArgumentHelp("The home folder (default: $TWINDROP_HOME, else the current folder).", valueName: "dir"),
        completion: .directory)
    var home: String?

    @Flag(name: .long, help: "Print facts as JSON: one object, or one a line for lists.")
    var json = false

    @Flag(name: .long, help: "Read and show times in the machine's time zone (TZ) instead of UTC; JSON stays in UTC.")
    var local = false

    mutating func validate() { if local { Times.useLocalTime() } }

    /// An empty variable names none.
    static var fromEnvironment: String? {
        ProcessInfo.processInfo.environment["TWINDROP_HOME"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The folder, whether or not it is a home yet.
    var folder: String {
        home ?? Self.fromEnvironment ?? FileManager.default.currentDirectoryPath
    }

    /// The home with as much of its configuration as is in order.
    func open() throws(CommandFailure) -> Home { try Home(folder) }
}
