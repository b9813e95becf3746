/// Reads the text of a pattern: which steps it has, and what is wrong with it.
extension DatePattern {
    static func compile(_ text: String) throws(PluginError) -> [Step] {
        var steps: [Step] = []
        var open: Int?
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            var run = 1
            while index + run < bytes.count, bytes[index + run] == byte { run += 1 }
            switch byte {
            case UInt8(ascii: "'"):
                index = try compileQuoted(bytes, index, &steps, text)
                continue
            case UInt8(ascii: "["):
                guard open == nil else { throw PluginError(.settings, "The pattern '\(text)' nests '['.") }
                open = steps.count
                steps.append(.optional(end: 0))
                run = 1
            case UInt8(ascii: "]"):
                guard let start = open else { throw PluginError(.settings, "The pattern '\(text)' has ']' without '['.") }
                steps[start] = .optional(end: steps.count)
                steps.append(.endOptional)
                open = nil
                run = 1
            case _ where (byte | 0x20) &- 0x61 < 26:
                guard let step = step(for: byte, run: run) else {
                    let letters = String(repeating: Character(Unicode.Scalar(byte)), count: run)
                    throw PluginError(
                        .settings, "The pattern '\(text)' has '\(letters)', which means nothing.\(hint(for: bytes, of: text))")
                }
                steps.append(step)
            default:
                steps.append(contentsOf: repeatElement(.literal(byte), count: run))
            }
            index += run
        }
        guard open == nil else { throw PluginError(.settings, "The pattern '\(text)' has '[' without ']'.") }
        return steps
    }

    /// Names the pattern that is meant where days and years are written in capitals, as spreadsheets write them.
    private static func hint(for bytes: [UInt8], of text: String) -> String {
        let meant = bytes.map { byte in
            byte == UInt8(ascii: "D") || byte == UInt8(ascii: "Y") ? byte | 0x20 : byte
        }
        guard meant != bytes, (try? compile(String(decoding: meant, as: UTF8.self))) != nil else {
            return " The year is yyyy, the day dd."
        }
        return " Write '\(String(decoding: meant, as: UTF8.self))'."
    }

    private static func compileQuoted(
        _ bytes: [UInt8], _ start: Int, _ steps: inout [Step], _ text: String
    ) throws(PluginError) -> Int {
        var index = start + 1
        if index < bytes.count, bytes[index] == UInt8(ascii: "'") {
            steps.append(.literal(UInt8(ascii: "'")))
            return index + 1
        }
        while index < bytes.count, bytes[index] != UInt8(ascii: "'") {
            steps.append(.literal(bytes[index]))
            index += 1
        }
        guard index < bytes.count else { throw PluginError(.settings, "The pattern '\(text)' has an open quotation mark.") }
        return index + 1
    }

    private static func step(for letter: UInt8, run: Int) -> Step? {
        switch (letter, run) {
        case (UInt8(ascii: "y"), 4): .number(.year, least: 4, most: 4)
        case (UInt8(ascii: "y"), 2): .shortYear
        case (UInt8(ascii: "M"), 3): .month
        case (UInt8(ascii: "M"), 1...2): .number(.month, least: run, most: 2)
        case (UInt8(ascii: "d"), 1...2): .number(.day, least: run, most: 2)
        case (UInt8(ascii: "H"), 1...2): .number(.hour, least: run, most: 2)
        case (UInt8(ascii: "h"), 1...2): .number(.hour12, least: run, most: 2)
        case (UInt8(ascii: "m"), 1...2): .number(.minute, least: run, most: 2)
        case (UInt8(ascii: "s"), 1...2): .number(.second, least: run, most: 2)
        case (UInt8(ascii: "S"), 1): .fraction(least: 1, most: 9)
        case (UInt8(ascii: "S"), 2...9): .fraction(least: run, most: run)
        case (UInt8(ascii: "a"), 1): .halfDay
        case (UInt8(ascii: "X"), 1...3): .offset
        default: nil
        }
    }
}
