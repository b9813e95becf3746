import TwinModel

/// `dtdl-conformance PATH`: runs the cases of a MANIFEST.json, lists what is missed, and counts.
@main enum DTDLConformance {
    static func main() {
        do {
            let arguments = try Arguments(CommandLine.arguments.dropFirst())
            let manifest = try Manifest(path: arguments.path)
            if let minutes = arguments.fuzzMinutes {
                Fuzzer(cases: manifest.cases, seed: arguments.seed).run(minutes: minutes)
            } else {
                let tally = Tally(manifest.cases.map { $0.run() })
                if arguments.printsJSON { for result in tally.results { print(result.json.text()) } }
                for line in tally.misses { print(line) }
                print(tally.summary)
            }
        } catch {
            print("dtdl-conformance: \(error)")
            exitWithUsageError()
        }
    }
}
