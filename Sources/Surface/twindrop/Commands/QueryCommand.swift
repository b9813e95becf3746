import ArgumentParser
import CodecKit
import DropCore
import HomeReports
import SystemKit
import TwinModel
import TwinStore

struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Asks the graph in the query language of Azure Digital Twins, now or at any earlier moment.",
        discussion: """
            Examples:
              twindrop query "SELECT * FROM DIGITALTWINS T WHERE T.status = 'idle'"
              twindrop query "SELECT COUNT() FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:com:example:Asset;1')"
              twindrop query "SELECT B.\\$dtId FROM DIGITALTWINS A JOIN B RELATED A.contains WHERE A.\\$dtId = 'hall-1'" --format csv
              twindrop query "SELECT * FROM RELATIONSHIPS" --as-of '#1' --json

            The language is described in \(DocumentPage.path("query-language.md")). \
            Where a shell would take $dtId for a variable, write \\$dtId.
            """)

    /// How rows are printed.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        /// For people; `$etag` and `$metadata` are left out.
        case table
        /// One JSON object a line, as they are found.
        case json
        /// RFC 4180 with a line of headings; what is no plain value is JSON.
        case csv
    }

    @OptionGroup var home: HomeOptions
    @OptionGroup var moment: MomentOptions
    @Option(help: ArgumentHelp("How rows are printed: table, json (one object a line; also --json) or csv.", valueName: "format"))
    var format: Format?
    @Flag(
        help: """
            With --format csv: values exactly as they are. Without it a text that a spreadsheet would take for a formula gets an \
            apostrophe before it, and signs that steer a terminal are shown as \\u{…}.
            """)
    var raw = false
    @Argument(help: "The query.") var text: String

    mutating func validate() throws {
        if home.json, let format, format != .json {
            throw ValidationError("--json and --format \(format.rawValue) are two answers.")
        }
        if raw, format != .csv { throw ValidationError("--raw is for --format csv.") }
    }

    mutating func run() throws {
        let store = try home.open().openGraph()
        let when = try moment.moment(in: store)
        let format = home.json ? .json : format ?? .table
        var rows: [JSON] = []
        var continuation: String?
        repeat {
            let page = try Self.page(store, text, continuation, when)
            if format == .json { page.rows.forEach { Terminal.print($0) } } else { rows += page.rows }
            continuation = page.continuation
        } while continuation != nil
        switch format {
        case .json: break
        case .table: Self.printTable(rows)
        case .csv: Self.printCSV(rows, CSVText(isRaw: raw))
        }
    }

    private static func page(
        _ store: TwinStore, _ text: String, _ continuation: String?, _ moment: Moment
    ) throws(CommandFailure) -> QueryPage {
        do {
            return try store.queries.query(text, continuation: continuation, limit: QueryLimits.pageMax, asOf: moment)
        } catch {
            guard !error.code.isOurs else { throw CommandFailure(.storage, error.message) }
            let isText = error.code == .invalidQuery
            throw CommandFailure(
                isText ? .usage : .negative, error.message,
                isText ? "The language is described in \(DocumentPage.path("query-language.md"))." : "")
        }
    }

    /// The names of all columns, in the order in which they first appear.
    private static func columns(_ rows: [JSON]) -> [String] {
        var known: Set<String> = []
        return rows.flatMap { $0.members ?? [] }.map(\.name).filter { known.insert($0).inserted }
    }

    private static func printTable(_ rows: [JSON]) {
        let columns = columns(rows).filter { $0 != "$etag" && $0 != "$metadata" }
        var table = Table(headings: columns.map { Escaping.visible($0) })
        for row in rows {
            table.add(cells: columns.map { row[$0].map { Escaping.visible(shown($0)) } ?? "" })
        }
        table.print(whenEmpty: "No rows.")
    }

    /// A value in a table: whole twins and relationships by their ids.
    private static func shown(_ value: JSON) -> String {
        if let id = value["$dtId"] ?? value["$relationshipId"] { return id.string ?? id.text() }
        return value.string ?? value.text()
    }

    private static func printCSV(_ rows: [JSON], _ form: CSVText) {
        let columns = columns(rows)
        guard !columns.isEmpty else { return }
        func print(_ cells: [String]) {
            let line = form.line(cells)
            // Guarded already, and a line feed inside a cell is no end of a row.
            Terminal.print(raw: line)
        }
        print(columns.map(form.heading))
        for row in rows { print(columns.map { form.text(row[$0]) }) }
    }
}
