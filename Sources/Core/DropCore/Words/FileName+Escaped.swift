extension FileName {
    /// The name that `description` shows as `text`: so that people can give a name as they saw it. Nil if nothing is shown so.
    package init?(escaped text: String) {
        var bytes: [UInt8] = []
        var rest = Array(text.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\" else {
                bytes += Array(String(scalar).utf8)
                continue
            }
            switch rest.popFirst() {
            case "\\": bytes.append(UInt8(ascii: "\\"))
            case "x":
                guard let byte = Self.number(&rest, 2...2), let byte = UInt8(exactly: byte) else { return nil }
                bytes.append(byte)
            case "u":
                guard rest.popFirst() == "{", let value = Self.number(&rest, 1...6), rest.popFirst() == "}",
                    let shown = Unicode.Scalar(value)
                else { return nil }
                bytes += Array(String(shown).utf8)
            default: return nil
            }
        }
        self.init(bytes: bytes)
        guard description.utf8.elementsEqual(text.utf8) else { return nil }
    }

    private static func number(_ rest: inout ArraySlice<Unicode.Scalar>, _ digits: ClosedRange<Int>) -> UInt32? {
        let taken = rest.prefix(digits.upperBound).prefix { $0.properties.isASCIIHexDigit }
        guard digits.contains(taken.count) else { return nil }
        rest = rest.dropFirst(taken.count)
        var text = String.UnicodeScalarView()
        text.append(contentsOf: taken)
        return UInt32(String(text), radix: 16)
    }
}
