/// Explains why a file has no column of a name: what its header has instead, and which dialect would read it.
struct ColumnAdvice {
    let columns: [String]
    /// The header line, decoded; empty if the file has none.
    let header: String
    let delimiter: String
    /// What the file looks like, if it is not delimited text.
    let kind: FileKind?

    /// The error for the missing column `name`.
    func missing(_ name: String) -> PluginError {
        if let kind { return PluginError(.refused, kind.sentence) }
        guard !columns.isEmpty else {
            return PluginError(.refused, "The file has no column '\(name)'. It has no names: set dialect.columns.")
        }
        let shown = columns.prefix(40).joined(separator: ", ") + (columns.count > 40 ? " …" : "")
        var message = "The file has no column '\(name)'. Its columns are: \(shown)."
        if let other = otherDelimiter(for: name) {
            message += " Cut at \(other.title) they would have it: set dialect.delimiter: \(other.setting)."
        } else if let (index, difference) = likeness(of: name) {
            message +=
                " Column \(index + 1) is another only \(difference). Write the name in the mapping as the file has it, "
                + "or correct the export."
        }
        return PluginError(.refused, message)
    }

    /// The delimiters that are looked for.
    static let delimiters: [(text: String, title: String, setting: String)] = [
        (";", "semicolons", "\";\""), ("\t", "tabs", "tab"), ("|", "bars", "\"|\""), (",", "commas", "\",\""),
    ]

    private func otherDelimiter(for name: String) -> (title: String, setting: String)? {
        for other in Self.delimiters where other.text != delimiter && header.contains(other.text) {
            let names = header.split(separator: other.text, omittingEmptySubsequences: false).map { Self.bare($0) }
            if names.contains(where: { $0.utf8.elementsEqual(name.utf8) }) { return (other.title, other.setting) }
        }
        return nil
    }

    /// A cell without the blanks and quotation marks around it.
    private static func bare(_ cell: Substring) -> Substring {
        var cell = cell
        while let first = cell.first, first == " " || first == "\"" { cell.removeFirst() }
        while let last = cell.last, last == " " || last == "\"" { cell.removeLast() }
        return cell
    }

    /// The column that looks like `name`, and the difference.
    private func likeness(of name: String) -> (index: Int, difference: String)? {
        for (index, column) in columns.enumerated() {
            if let difference = Self.difference(column, from: name) { return (index, difference) }
        }
        return nil
    }

    /// The difference between `column` and `name`, if people would call them the same; nil if they are really different.
    static func difference(_ column: String, from name: String) -> String? {
        if column == name {  // Canonically equivalent, but other bytes.
            return "in how its letters are put together (Unicode normal form): \(points(column)) there, \(points(name)) here"
        }
        if column.lowercased() == name.lowercased() { return "in case" }
        let (plainColumn, plainName) = (visible(column), visible(name))
        guard plainColumn.lowercased() == plainName.lowercased(), !plainName.isEmpty else { return nil }
        let odd = unusual(in: column) + unusual(in: name)
        return odd.isEmpty ? "by its blanks" : "by what cannot be seen: \(odd.joined(separator: ", "))"
    }

    private static func visible(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { !isInvisible($0) }))
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        return properties.isWhitespace || properties.isDefaultIgnorableCodePoint || properties.generalCategory == .control
            || properties.generalCategory == .format
    }

    private static func unusual(in text: String) -> [String] {
        text.unicodeScalars.filter { isInvisible($0) && $0 != " " }.map { scalar in
            let title = titles[scalar.value].map { " (\($0))" } ?? ""
            return point(scalar) + title
        }
    }

    private static let titles: [UInt32: String] = [
        0x09: "tab", 0xA0: "no-break space", 0xAD: "soft hyphen", 0x2007: "figure space", 0x2009: "thin space",
        0x200B: "zero width space", 0x200C: "zero width non-joiner", 0x200D: "zero width joiner",
        0x200E: "left-to-right mark", 0x200F: "right-to-left mark", 0x202F: "narrow no-break space", 0x2060: "word joiner",
        0x3000: "ideographic space", 0xFEFF: "byte order mark",
    ]

    private static func points(_ text: String) -> String {
        let all = text.unicodeScalars.map(point)
        return all.prefix(16).joined(separator: " ") + (all.count > 16 ? " …" : "")
    }

    private static func point(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
