import CodecKit

/// The part of a file name that says which delivery of a source is newer: `inventory_{yyyy}{MM}{dd}.csv`, `stock-{n}.csv`.
///
/// Places are `{yyyy}`, `{MM}`, `{dd}`, `{HH}`, `{mm}`, `{ss}`, of so many digits as their letters, and `{n}`, a number of 1 to
/// 18 digits, all that stand there; `*` matches any text. Names are compared by year, month, day, hour, minute and second,
/// wherever these are in the name, and then by `{n}`. A name with a day or time that does not exist does not fit.
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

    /// Nil for text with an unknown place, a place that occurs twice, or none.
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

    /// The place of a file of this name: texts that sort as the deliveries do. Nil if the name does not fit, or has a date or
    /// time that does not exist.
    package func place(of name: FileName) -> String? {
        var found: [Part: String] = [:]
        guard match(name.bytes, 0, pieces[...], &found, where: Self.exists) else { return nil }
        return Part.allCases.compactMap { part in
            found[part].map { part == .number ? String(repeating: "0", count: Self.digitsMax - $0.count) + $0 : $0 }
        }.joined(separator: "-")
    }

    /// Of a name without a place that has the right form: which parts are out of their range, and what was expected, as in `{MM}
    /// is 13, expected 01 to 12`. Nil if its form is another.
    package func defect(of name: FileName) -> String? {
        var found: [Part: String] = [:]
        guard match(name.bytes, 0, pieces[...], &found, where: { _ in true }) else { return nil }
        let wrong = Part.allCases.compactMap { part -> String? in
            guard let text = found[part], let value = Int(text), let range = Self.range(of: part, found), !range.contains(value)
            else { return nil }
            let ends = [range.lowerBound, range.upperBound].map { end in
                String(repeating: "0", count: max(0, part.rawValue.utf8.count - String(end).utf8.count)) + String(end)
            }
            return "{\(part.rawValue)} is \(text), expected \(ends[0]) to \(ends[1])"
        }
        return wrong.isEmpty ? nil : wrong.joined(separator: ", and ")
    }

    /// What a part may be; nil for a number.
    private static func range(of part: Part, _ found: [Part: String]) -> ClosedRange<Int>? {
        switch part {
        case .year: return 1...9999
        case .month: return 1...12
        case .day:
            let year = found[.year].flatMap { Int($0) } ?? 2000
            let month = found[.month].flatMap { Int($0) } ?? 1
            return 1...((28...31).last { CivilDate(year: year, month: month, day: $0) != nil } ?? 31)
        case .hour: return 0...23
        case .minute, .second: return 0...59
        case .number: return nil
        }
    }

    private static let digitsMax = 18

    private func match(
        _ bytes: [UInt8], _ at: Int, _ pieces: ArraySlice<Piece>, _ found: inout [Part: String],
        where isTaken: ([Part: String]) -> Bool
    ) -> Bool {
        guard let piece = pieces.first else { return at == bytes.count && isTaken(found) }
        let rest = pieces.dropFirst()
        switch piece {
        case .byte(let byte): return at < bytes.count && bytes[at] == byte && match(bytes, at + 1, rest, &found, where: isTaken)
        case .any:
            for end in at...bytes.count where match(bytes, end, rest, &found, where: isTaken) { return true }
            return false
        case .digits(let part):
            for count in counts(
                of: part, bytes, at, followedBy: rest.first, after: self.pieces.prefix(upTo: pieces.startIndex).last)
            {
                found[part] = String(decoding: bytes[at..<at + count], as: UTF8.self)
                if match(bytes, at + count, rest, &found, where: isTaken) { return true }
            }
            found[part] = nil
            return false
        }
    }

    /// How many digits a place may take. A number takes all digits there are, because a part of it would be another number. If it
    /// touches another place, its length is open.
    private func counts(
        of part: Part, _ bytes: [UInt8], _ at: Int, followedBy next: Piece?, after previous: Piece?
    ) -> [Int] {
        let digits = bytes[at...].prefix { Self.isDigit($0) }.count
        guard part == .number else { return part.rawValue.utf8.count <= digits ? [part.rawValue.utf8.count] : [] }
        let isOpen = next.map { if case .byte(let byte) = $0 { Self.isDigit(byte) } else { $0 != .any } } ?? false
        if isOpen { return Array((0...min(Self.digitsMax, digits)).dropFirst().reversed()) }
        if case .any? = previous, at > 0, Self.isDigit(bytes[at - 1]) { return [] }
        return digits > 0 && digits <= Self.digitsMax ? [digits] : []
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Whether there is such a day and time, as far as the name has them.
    private static func exists(_ found: [Part: String]) -> Bool {
        func value(_ part: Part) -> Int? { found[part].flatMap { Int($0) } }
        // Without a year any February may have a 29th.
        let (year, month) = (value(.year) ?? 2000, value(.month) ?? 1)
        guard year > 0, (value(.hour) ?? 0) < 24, (value(.minute) ?? 0) < 60, (value(.second) ?? 0) < 60 else { return false }
        return CivilDate(year: year, month: month, day: value(.day) ?? 1) != nil
    }
}
