import ArgumentParser
import CodecKit
import DropCore
import Foundation
import HomeReports
import TwinModel

struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "Checks models of twins, puts them into the graph, and shows them.",
        discussion: "Example:\n  twindrop models validate models/",
        subcommands: [Validate.self, ModelUploadCommand.self, ModelListCommand.self, ModelShowCommand.self])

    /// Judges DTDL files; needs no home.
    struct Validate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says whether DTDL models are valid, and what to do where they are not.",
            discussion: """
                References between the given files are followed. With --each, every file is judged on its own: what it refers to \
                must be in it. A reference that nothing defines makes a file invalid, except as the target of a relationship.

                Examples:
                  twindrop models validate models/
                  twindrop models validate --each --json models/asset.json
                  twindrop models validate --profile azure models/asset.json
                """)

        enum Profile: String, ExpressibleByArgument, CaseIterable { case dtdl, azure }

        @OptionGroup var home: HomeOptions
        @Argument(help: "Files, and folders of *.json and *.jsonld files, at any depth.", completion: .file()) var files: [String]
        @Option(help: "dtdl: the language as it is defined. azure: what Azure Digital Twins takes of it.") var profile: Profile =
            .dtdl
        @Flag(help: "Judge every file on its own.") var each = false

        mutating func run() throws {
            let documents = try ModelFiles.read(files)
            guard !documents.isEmpty else {
                throw CommandFailure(
                    .usage, "There is no *.json or *.jsonld file there.", "Name a file, or a folder that holds some.")
            }
            let options = ModelOptions(profile: profile == .azure ? .azure : .dtdl)
            let verdicts =
                each ? ModelVerdict.judgeEach(documents, options: options) : ModelVerdict.judge(documents, options: options)
            for verdict in verdicts { home.json ? Terminal.print(Self.json(verdict)) : Self.print(verdict) }
            let wrong = verdicts.count { !$0.isValid }
            if !home.json {
                let interfaces = verdicts.reduce(0) { $0 + $1.interfaceCount }
                let verdict = wrong == 0 ? "valid" : counted(wrong, "file") + (wrong == 1 ? " is not valid" : " are not valid")
                Terminal.print("\(counted(verdicts.count, "file")), \(counted(interfaces, "interface")): \(verdict)")
            }
            if wrong > 0 { throw CommandFailure(.negative, lines: []) }
        }

        private static func print(_ verdict: ModelVerdict) {
            for finding in verdict.findings {
                let subject = [finding.element, finding.property.map { "\"\($0)\"" }].compactMap { $0 }.joined(separator: " ")
                let start = "\(verdict.file):\(finding.place.line):\(finding.place.column): "
                Terminal.print(start + (subject.isEmpty ? "" : "\(subject): ") + "\(finding.message) [\(finding.id)]")
            }
        }

        private static func json(_ verdict: ModelVerdict) -> JSON {
            [
                "file": .string(verdict.file), "valid": .bool(verdict.isValid),
                "errors": .array(
                    verdict.findings.map { finding in
                        [
                            "id": .string(finding.id), "message": .string(finding.message),
                            "element": finding.element.map { .string($0) } ?? .null,
                            "property": finding.property.map { .string($0) } ?? .null,
                            "line": .int(Int64(finding.place.line)), "column": .int(Int64(finding.place.column)),
                        ]
                    }),
            ]
        }
    }
}
