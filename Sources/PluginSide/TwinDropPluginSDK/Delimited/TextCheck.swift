/// Finds bytes that may not be in a text.
enum TextCheck {
    /// What is wrong, and where.
    enum Defect: Equatable {
        case nul(at: Int)
        case notUTF8(at: Int)
    }

    /// The first defect in the bytes `low ..< high` of `memory`; indices count from `memory`.
    static func firstDefect(_ memory: UnsafePointer<UInt8>, _ low: Int, _ high: Int) -> Defect? {
        var index = low
        while index < high {
            if index + 8 <= high {
                let word = unsafe UnsafeRawPointer(memory + index).loadUnaligned(as: UInt64.self)
                if word & 0x8080_8080_8080_8080 == 0, (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080 == 0 {
                    index += 8
                    continue
                }
            }
            let byte = unsafe memory[index]
            if byte == 0 { return .nul(at: index) }
            if byte < 0x80 {
                index += 1
                continue
            }
            let width = unsafe sequenceWidth(memory + index, high - index)
            if width == 0 { return .notUTF8(at: index) }
            index += width
        }
        return nil
    }

    /// The length of the well-formed sequence at `bytes` (Unicode 15, table 3-7); 0 if there is none.
    private static func sequenceWidth(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
        let lead = unsafe bytes[0]
        let width: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch lead {
        case 0xC2...0xDF: width = 2
        case 0xE0...0xEF:
            width = 3
            if lead == 0xE0 { low = 0xA0 }
            if lead == 0xED { high = 0x9F }
        case 0xF0...0xF4:
            width = 4
            if lead == 0xF0 { low = 0x90 }
            if lead == 0xF4 { high = 0x8F }
        default: return 0
        }
        guard count >= width, unsafe bytes[1] >= low, unsafe bytes[1] <= high else { return 0 }
        for index in 2..<max(2, width) where unsafe bytes[index] & 0xC0 != 0x80 { return 0 }
        return width
    }
}
