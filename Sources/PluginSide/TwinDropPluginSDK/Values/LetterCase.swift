/// Upper and lower case of all letters that have both as one character, by Unicode: Ö and ö, Д and д, Σ and σ. A letter without
/// such a form (ß in upper case, İ in lower case) stays as it is.
public enum LetterCase: UInt8, Sendable {
    case lower, upper

    func changed(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        let text = self == .lower ? scalar.properties.lowercaseMapping : scalar.properties.uppercaseMapping
        guard let first = text.unicodeScalars.first, text.unicodeScalars.count == 1 else { return scalar }
        return first
    }
}

extension Bytes {
    /// The text in this case.
    public func changed(to letters: LetterCase) -> [UInt8] {
        var changed: [UInt8] = []
        changed.reserveCapacity(count)
        var index = 0
        while index < count {
            let byte = self[index]
            if byte < 0x80 {
                changed.append(letters == .lower ? Self.lowered(byte) : byte &- 0x61 < 26 ? byte & 0xDF : byte)
                index += 1
            } else if let (scalar, width) = scalar(at: index) {
                changed += Array(String(Character(letters.changed(scalar))).utf8)
                index += width
            } else {
                changed.append(byte)
                index += 1
            }
        }
        return changed
    }

    /// Equal but for the case of letters.
    public func equalsIgnoringCase(_ other: Bytes) -> Bool {
        var (left, right) = (0, 0)
        while left < count, right < other.count {
            if folded(at: &left) != other.folded(at: &right) { return false }
        }
        return left == count && right == other.count
    }

    /// FNV-1a of the text in one case: the same for texts that are equal but for the case of letters.
    public var hashIgnoringCase: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var index = 0
        while index < count { hash = (hash ^ UInt64(folded(at: &index))) &* 0x100_0000_01B3 }
        return hash
    }

    /// True if no byte is a part of a character of several.
    public var isASCII: Bool {
        for index in 0..<count where self[index] >= 0x80 { return false }
        return true
    }

    /// The text with its letters in the one form by which they are compared.
    var folded: [UInt8] {
        var folded: [UInt8] = []
        var index = 0
        while index < count {
            let value = self.folded(at: &index)
            if value < 0x80 {
                folded.append(UInt8(value))
            } else if let scalar = Unicode.Scalar(value) {
                folded += Array(String(Character(scalar)).utf8)
            } else {
                folded.append(UInt8(truncatingIfNeeded: value))
            }
        }
        return folded
    }

    /// The character at `index` in lower case, a final sigma as any other; continues after it. A byte that is not text gets its
    /// own number.
    private func folded(at index: inout Int) -> UInt32 {
        let byte = self[index]
        guard byte >= 0x80, let (scalar, width) = scalar(at: index) else {
            index += 1
            return byte < 0x80 ? UInt32(Self.lowered(byte)) : 0x11_0000 | UInt32(byte)
        }
        index += width
        let lower = LetterCase.lower.changed(scalar).value
        return lower == 0x3C2 ? 0x3C3 : lower
    }

    /// The character of several bytes at `index`, and how many; nil if there is none.
    private func scalar(at index: Int) -> (Unicode.Scalar, Int)? {
        let lead = self[index]
        let width = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
        guard lead >= 0xC2, index + width <= count else { return nil }
        var value = UInt32(lead) & (0x7F >> UInt32(width))
        for offset in 1..<width {
            let byte = self[index + offset]
            guard byte & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(byte & 0x3F)
        }
        return Unicode.Scalar(value).map { ($0, width) }
    }
}
