import ArgumentParser
import DropCore
import TwinModel
import TwinStore

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Sums properties over all twins, to compare a home with what it should hold.",
        discussion: "Example:\n  twindrop bench --totals battery_pct,odometer_km --json")

    @OptionGroup var home: HomeOptions
    @Option(help: ArgumentHelp("Properties, separated by commas; each value counts in whole tenths.", valueName: "names"))
    var totals: String

    mutating func run() throws {
        let names = totals.split(separator: ",").map(String.init)
        let store = try home.open().openGraph(withModels: false)
        let (twins, sums) = try reporting { () throws(DropError) in try store.tenths(of: names) }
        let members = zip(names, sums).map { JSON.Member($0, .double(Double($1) / 10)) }
        if home.json {
            Terminal.print(.object([.init("twins", .int(Int64(twins)))] + members))
        } else {
            Terminal.print(counted(twins, "twin"))
            for member in members { Terminal.print("\(member.name)  \(member.value.text())") }
        }
    }
}
