/// Columns of text, aligned for people.
struct Table {
    private let headings: [String]
    private var rows: [[String]] = []

    init(_ headings: String...) { self.headings = headings }

    init(headings: [String]) { self.headings = headings }

    mutating func add(_ cells: String...) { rows.append(cells) }

    /// One cell for each heading.
    mutating func add(cells: [String]) { rows.append(cells) }

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
