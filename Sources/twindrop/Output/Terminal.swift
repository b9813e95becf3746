import Glibc
import TwinModel

/// Facts go to stdout, everything said about them to stderr.
enum Terminal {
    static func print(_ line: String) { write(line, to: STDOUT_FILENO) }

    static func error(_ line: String) { write(line, to: STDERR_FILENO) }

    /// One line of NDJSON.
    static func print(_ value: JSON) { print(value.text()) }

    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    static var errorsAreInteractive: Bool { isatty(STDERR_FILENO) == 1 }

    private static func write(_ line: String, to descriptor: CInt) {
        var rest = Array((line + "\n").utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }  // A closed or full output stops no work.
            rest = rest.dropFirst(count)
        }
    }
}

/// Columns of text, aligned for people.
struct Table {
    private let headings: [String]
    private var rows: [[String]] = []

    init(_ headings: String...) { self.headings = headings }

    mutating func add(_ cells: String...) { rows.append(cells) }

    /// Prints the headings and rows, each column as wide as its widest cell.
    func print(whenEmpty: String) {
        guard !rows.isEmpty else { return Terminal.print(whenEmpty) }
        let widths = headings.indices.map { column in
            max(headings[column].count, rows.map { $0[column].count }.max() ?? 0)
        }
        for row in [headings] + rows {
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            Terminal.print(cells.joined(separator: "  "))
        }
    }
}
