import DropCore

/// Finds damage that a program did to a row beside its correction. Programs that read cells as numbers remove leading zeros of an
/// id, blanks of a name, and the last digits of a long number (docs/decisions/0025-amendments.md). The row would then be about
/// another twin.
enum CellDamage {
    enum Kind: String {
        case zeros = "other leading zeros"
        case digits = "other digits"
        case blanks = "other blanks around it"
    }

    /// Words about the first damaged cell of a row; nil if there is none.
    ///
    /// A cell that differs only in blanks may be the correction, if nothing else in the row changed and its cells could be read
    /// before.
    ///
    /// - Parameters:
    ///   - cells: as they came back, in the order of the original's columns.
    ///   - old: the record as it was given out.
    static func find(in cells: [CellText.Cell], of old: [UInt8], _ form: RejectsForm) -> String? {
        let content = form.encoding.narrow(part: form.parted(old).content)
        let before = CellText.rows(content, form.dialect).flatMap(\.cells)
        var found: (index: Int, kind: Kind)?
        var changes = 0
        for index in 0..<min(cells.count, before.count) {
            let (was, now) = (Windows1252.utf8(before[index].value), Windows1252.utf8(cells[index].value))
            guard was != now else { continue }
            changes += 1
            if let kind = kind(was, now), kind != .blanks || !form.dialect.trims {
                if found == nil || kind != .blanks { found = (index, kind) }
                if kind != .blanks { break }
            } else if cells.count < before.count || before.count < (form.width > 0 ? form.width : before.count) {
                break  // The cells after it may have moved.
            }
        }
        guard let found else { return nil }
        if found.kind == .blanks, changes == 1, before.allSatisfy(\.isClean), before.count == max(form.width, before.count) {
            return nil
        }
        let cure =
            found.kind == .blanks
            ? "Correct the row in a text editor." : "Spreadsheets do that: correct the row in a text editor."
        return
            "\(found.kind.rawValue) in its cell \(found.index + 1) than it was given out with. \(cure) If the cell is meant so, "
            + "deliver the whole file anew."
    }

    /// How a cell lost something that a person would not remove; nil if its content changed in another way.
    static func kind(_ was: [UInt8], _ now: [UInt8]) -> Kind? {
        let (was, now) = (trimmed(was), trimmed(now))
        if was == now { return .blanks }
        let (old, new) = (digits(was), digits(now))
        if let old, let new, old.count > new.count, bare(old) == bare(new), old.first == 0x30 { return .zeros }
        // A double has 15 digits. After them a spreadsheet writes zeros, or an exponent.
        if let old, old.count > 11, isScientific(now) { return .digits }
        if let old, let new, old.count > 15, old.count == new.count, old.prefix(15) == new.prefix(15),
            new.dropFirst(15).allSatisfy({ $0 == 0x30 })
        {
            return .digits
        }
        return isScientific(was) && new != nil ? .digits : nil
    }

    private static func trimmed(_ text: [UInt8]) -> ArraySlice<UInt8> {
        let text = text.drop { isBlank($0) }
        return text.dropLast(text.reversed().prefix { isBlank($0) }.count)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// The text after a sign, if it begins with digits and is a number: `007`, `-07.5`.
    private static func digits(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let text = text.first == 0x2B || text.first == 0x2D ? text.dropFirst() : text
        let whole = text.prefix { isDigit($0) }
        guard !whole.isEmpty else { return nil }
        let rest = text[whole.endIndex...]
        if rest.isEmpty { return text }
        guard let mark = rest.first, mark == 0x2E || mark == 0x2C, rest.dropFirst().allSatisfy({ isDigit($0) }) else {
            return nil
        }
        return text
    }

    /// A number without the zeros before it.
    private static func bare(_ number: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let bare = number.drop { $0 == 0x30 }
        return bare.first.map { isDigit($0) } == true ? bare : number.suffix(bare.count + 1)
    }

    /// `1.23457E+19`, `1E5`.
    private static func isScientific(_ text: ArraySlice<UInt8>) -> Bool {
        guard let mark = text.firstIndex(where: { $0 | 0x20 == 0x65 }), digits(text[..<mark]) != nil else { return false }
        let power = text[text.index(after: mark)...]
        let plain = power.first == 0x2B || power.first == 0x2D ? power.dropFirst() : power
        return !plain.isEmpty && plain.allSatisfy { isDigit($0) }
    }
}
