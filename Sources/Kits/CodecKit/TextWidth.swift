/// How wide a terminal shows text.
package enum TextWidth {
    /// Columns of a text without control characters: letters of Chinese, Japanese and Korean, and most pictures, take two.
    package static func columns(of text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + (isWide($1.unicodeScalars.first!.value) ? 2 : 1) }
    }

    /// Blocks of Unicode's East Asian Width W and F (UAX #11), by their ends.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF, 0xA960...0xA97C,
        0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
        0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
    ]

    private static func isWide(_ scalar: UInt32) -> Bool { wide.contains { $0.contains(scalar) } }
}
