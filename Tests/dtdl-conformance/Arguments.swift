import Foundation

/// The command line.
struct Arguments {
    let path: String
    var fuzzMinutes: Double?
    var seed: UInt64 = 1
    /// Whether each case is printed as a line of JSON, with the errors that were reported.
    var printsJSON = false

    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    static let usage = "Usage: dtdl-conformance MANIFEST.json [--json] [--fuzz MINUTES [--seed N]]"

    init(_ words: some Sequence<String>) throws {
        var rest = Array(words)[...]
        var path: String?
        while let word = rest.popFirst() {
            switch word {
            case "--fuzz":
                guard let minutes = rest.popFirst().flatMap(Double.init), minutes > 0 else {
                    throw Problem(description: "--fuzz needs a number of minutes. \(Self.usage)")
                }
                fuzzMinutes = minutes
            case "--json": printsJSON = true
            case "--seed":
                guard let number = rest.popFirst().flatMap(UInt64.init) else {
                    throw Problem(description: "--seed needs a whole number. \(Self.usage)")
                }
                seed = number
            case _ where word.hasPrefix("-") || path != nil:
                throw Problem(description: "\(word) is not understood. \(Self.usage)")
            default: path = word
            }
        }
        guard let path else { throw Problem(description: "no manifest is named. \(Self.usage)") }
        self.path = path
    }
}

/// Ends the program as wrong usage does.
func exitWithUsageError() -> Never { exit(64) }
