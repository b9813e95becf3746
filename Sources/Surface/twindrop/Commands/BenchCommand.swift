import ArgumentParser
import CodecKit
import DropCore
import HomeReports
import TwinModel
import TwinStore

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Counts the twins and sums properties over them, to compare a home with what it should hold.",
        discussion: "Example:\n  twindrop bench --json")

    @OptionGroup var home: HomeOptions
    @Option(help: ArgumentHelp("Properties, separated by commas; what is no number counts nothing.", valueName: "names"))
    var totals: String?

    mutating func run() throws {
        let names = totals.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
        let store = try home.open().openGraph(withModels: false)
        let (twins, sums) = try reporting { () throws(DropError) in try store.history.totals(of: names) }
        if twins > 0, let unknown = zip(names, sums).first(where: { $0.1.twins == 0 })?.0 {
            throw CommandFailure(
                .negative, "No twin has a number as \(Escaping.visible(unknown)).", "`twindrop twin ID` shows what twins have.")
        }
        let members = zip(names, sums).map { JSON.Member($0, $1.sum) }
        if home.json {
            Terminal.print(.object([.init("twins", .int(Int64(twins)))] + members))
        } else {
            Terminal.print(counted(twins, "twin"))
            for member in members { Terminal.print("\(Escaping.visible(member.name))  \(member.value.text())") }
        }
    }
}
