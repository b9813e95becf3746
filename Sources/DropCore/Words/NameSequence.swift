/// What in the name of a file says which delivery of a source is newer: `inventory_{yyyy}{MM}{dd}.csv`, `stock-{n}.csv`.
///
/// Places are `{yyyy}`, `{MM}`, `{dd}`, `{HH}`, `{mm}`, `{ss}`, of so many digits as their letters, and `{n}`, a number of 1 to
/// 18 digits; `*` stands for any text. Dates and times count from the year down, wherever they stand; `{n}` last.
package struct NameSequence: Sendable, Equatable {
    private enum Piece: Sendable, Equatable {
        case byte(UInt8)
        case any
        case digits(Part)
    }

    private enum Part: String, Sendable, CaseIterable {
        case year = "yyyy"
        case month = "MM"
        case day = "dd"
        case hour = "HH"
        case minute = "mm"
        case second = "ss"
        case number = "n"
    }

    /// As configured.
    package let text: String
    private let pieces: [Piece]

    /// Nil for text with an unknown place, one that stands twice, or none.
    package init?(_ text: String) {
        self.text = text
        var pieces: [Piece] = []
        var rest = text[...]
        while let character = rest.first {
            if character == "{" {
                guard let close = rest.firstIndex(of: "}"),
                    let part = Part(rawValue: String(rest[rest.index(after: rest.startIndex)..<close])),
                    !pieces.contains(.digits(part))
                else { return nil }
                pieces.append(.digits(part))
                rest = rest[rest.index(after: close)...]
            } else {
                rest.removeFirst()
                if character == "*" { pieces.append(.any) } else { pieces += character.utf8.map { .byte($0) } }
            }
        }
        guard pieces.contains(where: { if case .digits = $0 { true } else { false } }) else { return nil }
        self.pieces = pieces
    }

    /// The place of a file of this name: texts that sort as the deliveries do. Nil where the name does not fit.
    package func place(of name: FileName) -> String? {
        var found: [Part: String] = [:]
        guard match(name.bytes[...], pieces[...], &found) else { return nil }
        return Part.allCases.compactMap { part in
            found[part].map { part == .number ? String(repeating: "0", count: 18 - $0.count) + $0 : $0 }
        }.joined(separator: "-")
    }

    private func match(_ bytes: ArraySlice<UInt8>, _ pieces: ArraySlice<Piece>, _ found: inout [Part: String]) -> Bool {
        guard let piece = pieces.first else { return bytes.isEmpty }
        let rest = pieces.dropFirst()
        switch piece {
        case .byte(let byte): return bytes.first == byte && match(bytes.dropFirst(), rest, &found)
        case .any:
            return (0...bytes.count).contains { match(bytes.dropFirst($0), rest, &found) }
        case .digits(let part):
            let digits = bytes.prefix { (0x30...0x39).contains($0) }
            let counts = part == .number ? Array((0...min(18, digits.count)).dropFirst().reversed()) : [part.rawValue.utf8.count]
            for count in counts where count <= digits.count {
                found[part] = String(decoding: digits.prefix(count), as: UTF8.self)
                if match(bytes.dropFirst(count), rest, &found) { return true }
            }
            found[part] = nil
            return false
        }
    }
}
