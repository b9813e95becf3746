import CodecKit
import DropCore

/// Columns of text, aligned for people. Where the rows are wider than the terminal, each becomes a block of lines, a column a
/// line: nothing is cut off, since an id that was cut is of no use.
struct Table {
    private let headings: [String]
    private var rows: [[String]] = []

    init(_ headings: String...) { self.headings = headings }

    init(headings: [String]) { self.headings = headings.map { Escaping.harmless($0) } }

    mutating func add(_ cells: String...) { add(cells: cells) }

    /// One cell for each heading.
    mutating func add(cells: [String]) { rows.append(cells.map { Escaping.harmless($0) }) }

    /// Prints the headings and rows, each column as wide as its widest cell.
    func print(whenEmpty: String) {
        guard !rows.isEmpty else { return Terminal.print(whenEmpty) }
        for line in lines(columns: Terminal.columns) { Terminal.print(line) }
    }

    /// - Parameter columns: how wide a line may be; nil: any.
    func lines(columns: Int?) -> [String] {
        let widths = headings.indices.map { column in
            max(Self.width(headings[column]), rows.map { Self.width($0[column]) }.max() ?? 0)
        }
        if let columns, widths.reduce(2 * (headings.count - 1), +) > columns { return blocks() }
        return ([headings] + rows).map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - Self.width(cell))
            }.joined(separator: "  ")
        }
    }

    private static func width(_ text: String) -> Int { TextWidth.columns(of: text) }

    private func blocks() -> [String] {
        let width = headings.map(Self.width).max() ?? 0
        var lines: [String] = []
        for row in rows {
            if !lines.isEmpty { lines.append("") }
            for (heading, cell) in zip(headings, row) where !cell.isEmpty {
                lines.append(heading + String(repeating: " ", count: width - Self.width(heading)) + "  " + cell)
            }
        }
        return lines
    }
}
