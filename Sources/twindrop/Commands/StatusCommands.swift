import ArgumentParser
import HomeConfiguration
import DropCore
import Foundation
import TwinModel

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows what runs, what waits, and what needs a person.",
        discussion: "Example:\n  twindrop status")

    @OptionGroup var home: HomeOptions

    mutating func run() throws {
        // Whatever was written into the files since, a running daemon knows how it stands.
        let opened = try home.open()
        let facts: JSON
        if let told = try ControlClient.ask(opened.controlSocket, ["do": "status"]) {
            facts = told
        } else {
            facts = try StatusReport.atRest(opened)
        }
        if home.json { Terminal.print(facts) } else { StatusReport.print(facts) }
    }
}

struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Says why a file in the drop zone was or was not picked up.",
        discussion: "Example:\n  twindrop why dropzone/assets/assets.csv")

    @OptionGroup var home: HomeOptions
    @Argument(help: "A file in the drop zone, or one that was there.", completion: .file()) var file: String

    mutating func run() throws {
        let opened = try home.open()
        let path = URL(fileURLWithPath: file).standardizedFileURL.path
        let answer =
            try ControlClient.ask(opened.controlSocket, ["do": "why", "file": .string(path)]) ?? WhyReport(opened).answer(path)
        if home.json { return Terminal.print(answer) }
        for sentence in answer["sentences"]?.elements ?? [] { Terminal.print(sentence.string ?? "") }
    }
}
