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
    }

    enum Letters: UInt8, Sendable { case kept, lower, upper }

    /// How bytes that an id may not have are written.
    enum Escape: UInt8, Sendable { case percent, none }

    let parts: Fixed<Part>
    let escape: Escape
    let usesOccurrence: Bool
    /// The part of a template that is nothing but a cell, its letters kept; nil for every other.
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
                throw PluginError(.settings, "'\(text)' has '}' without '{'. Write '}}' for one that stands for itself.")
            } else {
                literal.append(character)
            }
        }
        if !literal.isEmpty { parts.append(Part(source: .literal, literal: Bytes(kept: literal))) }
        usesOccurrence = parts.contains { $0.source == .occurrence }
        self.parts = Fixed(parts)
        onlyCell = parts.count == 1 && parts[0].source == .column && parts[0].letters == .kept ? parts[0] : nil
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

    /// Which bytes an id may have as they stand: letters, digits and `- . _ : + * ! ( ) , = @ $ '`.
    static let plainBytes: Fixed<Bool> = {
        var table = [Bool](repeating: false, count: 256)
        for byte in UInt8(ascii: "0")...UInt8(ascii: "9") { table[Int(byte)] = true }
        for byte in UInt8(ascii: "A")...UInt8(ascii: "Z") { table[Int(byte)] = true }
        for byte in UInt8(ascii: "a")...UInt8(ascii: "z") { table[Int(byte)] = true }
        for byte in "-._:+*!(),=@$'".utf8 { table[Int(byte)] = true }
        return Fixed(table)
    }()
}
