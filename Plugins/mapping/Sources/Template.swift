import TwinDropPluginSDK

/// A text with places for cells: `asset-{asset_id}`, `{site|lower}/{zone}`, `{@record}`. Compiled once.
struct Template: Sendable {
    struct Part: Sendable {
        enum Source: UInt8, Sendable { case literal, column, record, occurrence }

        var source: Source
        var column = 0
        var literal = Bytes.empty
        var trims = false
        var letters = Letters.kept
        /// First byte of the text behind the cell, escaped within it so that cells can be told apart; 0 for none.
        var stop: UInt8 = 0
    }

    enum Letters: UInt8, Sendable { case kept, lower, upper }

    /// How bytes that an id may not have are written.
    enum Escape: UInt8, Sendable {
        case percent
        /// As `percent`, and the text after a cell is also escaped within the cell, so different cells never give the same id.
        case separate
        case none
        /// As `none`, for texts that are not ids: it does not matter which cells made them.
        case text
    }

    let parts: Fixed<Part>
    let escape: Escape
    let usesOccurrence: Bool
    /// Different cells may give the same text.
    let isAmbiguous: Bool
    /// The part of a template that is only a cell, with its letters unchanged; nil for every other template.
    let onlyCell: Part?
    /// As it was written, for messages.
    let text: String

    /// Errors: kind `settings`; the message lacks the path.
    init(_ text: String, escape: Escape, columns: inout ColumnNames) throws(PluginError) {
        self.text = text
        self.escape = escape
        var parts: [Part] = []
        var literal = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            if (character == "{" || character == "}"), rest.first == character {
                rest.removeFirst()
                literal.append(character)
            } else if character == "{" {
                guard let close = rest.firstIndex(of: "}") else { throw PluginError(.settings, "'\(text)' has '{' without '}'.") }
                if !literal.isEmpty { parts.append(Part(source: .literal, literal: Bytes(kept: literal))) }
                literal = ""
                parts.append(try Self.part(String(rest[..<close]), of: text, &columns))
                rest = rest[rest.index(after: close)...]
            } else if character == "}" {
                throw PluginError(.settings, "'\(text)' has '}' without '{'. Write '}}' for a plain '}'.")
            } else {
                literal.append(character)
            }
        }
        if !literal.isEmpty { parts.append(Part(source: .literal, literal: Bytes(kept: literal))) }
        usesOccurrence = parts.contains { $0.source == .occurrence }
        isAmbiguous = (escape == .percent || escape == .none) && Self.isAmbiguous(parts)
        if escape == .separate { try Self.separate(&parts, text) }
        self.parts = Fixed(parts)
        onlyCell = parts.count == 1 && parts[0].source == .column && parts[0].letters == .kept ? parts[0] : nil
    }

    /// The text of a template without cells and numbers; nil for every other.
    var constant: String? {
        var text = ""
        for index in 0..<parts.count {
            guard parts[index].source == .literal else { return nil }
            text += parts[index].literal.text
        }
        return text
    }

    /// Whether other cells may give the same text: the template has several cells, or one next to a number.
    private static func isAmbiguous(_ parts: [Part]) -> Bool {
        if parts.count(where: { $0.source == .column }) > 1 { return true }
        func isNumber(_ index: Int) -> Bool {
            parts.indices.contains(index) && (parts[index].source == .record || parts[index].source == .occurrence)
        }
        return parts.indices.contains { parts[$0].source == .column && (isNumber($0 - 1) || isNumber($0 + 1)) }
    }

    /// Gives each cell but the last the byte that ends it.
    private static func separate(_ parts: inout [Part], _ text: String) throws(PluginError) {
        let open = parts.indices.filter { parts[$0].source != .literal }
        for (index, next) in zip(open, open.dropFirst()) {
            guard next == index + 2, let byte = parts[index + 1].literal.array.first,
                !"0123456789ABCDEFabcdef%".utf8.contains(byte)
            else {
                throw PluginError(
                    .settings,
                    "'\(text)' with escape: separate needs a character between two insertions that is no digit, no "
                        + "letter A to F and no '%'.")
            }
            parts[index].stop = byte
        }
    }

    private static func part(_ text: String, of template: String, _ columns: inout ColumnNames) throws(PluginError) -> Part {
        var words = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        let name = words.removeFirst()
        var part: Part
        switch name {
        case "@record": part = Part(source: .record)
        case "@occurrence": part = Part(source: .occurrence)
        case "": throw PluginError(.settings, "'\(template)' has '{}', which names no column.")
        default:
            guard name.first != "@" else {
                throw PluginError(.settings, "'\(template)' has '{\(name)}'; there are {@record} and {@occurrence}.")
            }
            part = Part(source: .column, column: columns.number(of: name))
        }
        for word in words {
            switch word {
            case "trim": part.trims = true
            case "lower": part.letters = .lower
            case "upper": part.letters = .upper
            default: throw PluginError(.settings, "'\(template)' has the function '\(word)'; there are trim, lower and upper.")
            }
        }
        return part
    }

    /// Which bytes an id may have as they are: letters, digits and `- . _ : + * ! ( ) , = @ $ '`.
    static let plainBytes: Fixed<Bool> = {
        var table = [Bool](repeating: false, count: 256)
        for byte in UInt8(ascii: "0")...UInt8(ascii: "9") { table[Int(byte)] = true }
        for byte in UInt8(ascii: "A")...UInt8(ascii: "Z") { table[Int(byte)] = true }
        for byte in UInt8(ascii: "a")...UInt8(ascii: "z") { table[Int(byte)] = true }
        for byte in "-._:+*!(),=@$'".utf8 { table[Int(byte)] = true }
        return Fixed(table)
    }()
}
