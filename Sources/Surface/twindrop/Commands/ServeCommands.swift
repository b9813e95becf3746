import ArgumentParser
import CodecKit
import HomeConfiguration
import DropCore
import Foundation
import HomeReports
import TwinAPI
import TwinModel
import TwinService
import TwinStore

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Makes bearer tokens for the twin service.",
        discussion: """
            Example:
              twindrop token new --name dashboard --role viewer
            """,
        subcommands: [TokenNewCommand.self])
}

struct TokenNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Prints a new token once, and the line that stores its hash.",
        discussion: """
            The token goes to whoever calls the service; the line goes into the file that http.tokens of twindrop.yaml
            names. The daemon reads that file again when it changes.

            Example:
              twindrop token new --name dashboard --role viewer
            """)

    @Option(help: "Whose token it is: shown as the origin of what it changes.") var name: String
    @Option(help: "viewer, auditor, operator or admin.") var role: String
    @Option(help: ArgumentHelp("The last day it counts.", valueName: "yyyy-mm-dd")) var expires: String?
    @Flag(help: "Print facts as JSON.") var json = false

    mutating func run() throws {
        guard let known = Role(rawValue: role) else {
            throw CommandFailure(.usage, "\(Escaping.visible(role)) is no role.", "Roles: viewer, auditor, operator, admin.")
        }
        if let expires, let day = Times.read(expires), day.last < WallClock.milliseconds() {
            throw CommandFailure(
                .usage, "\(Escaping.visible(expires)) is over: the token would count for nobody.", "Name a day to come.")
        }
        guard let new = NewToken(name: name, role: known, expires: expires) else {
            throw CommandFailure(
                .usage, "The name or the day cannot be used.", "A name has no blanks and at most 256 bytes; a day is 2027-01-31.")
        }
        if json { return Terminal.print(["token": .string(new.token), "line": .string(new.line)]) }
        Terminal.print("token  \(new.token)")
        Terminal.print("line   \(new.line)")
    }
}

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes the whole graph as one file that an import job reads.",
        discussion: """
            Models, twins and relationships as of one moment, one JSON object a line, while the daemon runs or not.

            Example:
              twindrop export graph.ndjson
            """)

    @OptionGroup var home: HomeOptions
    @Argument(help: "The file to write; it must not exist.", completion: .file()) var file: String

    mutating func run() throws {
        let opened = try home.open()
        let path = URL(fileURLWithPath: file).standardizedFileURL.path
        guard !FileCalls.isTaken(path) else {
            throw CommandFailure(.usage, "\(path) exists already.", "Choose another name.")
        }
        let store = try opened.openGraph()
        let counts = try reporting { () throws(StartError) in try GraphExport.write(GraphService(store), to: path) }
        if home.json {
            return Terminal.print([
                "file": .string(path), "models": .int(Int64(counts.models)), "twins": .int(Int64(counts.twins)),
                "relationships": .int(Int64(counts.relationships)),
            ])
        }
        Terminal.print(
            "\(counted(counts.models, "model")), \(counted(counts.twins, "twin")), "
                + "\(counted(counts.relationships, "relationship")) written to \(path)")
    }
}
