import TwinDropPluginSDK

/// The part of its source that a file lists, by its records. A file has one scope.
struct FileScope: ~Copyable {
    /// The scope of a file without records. No cell can contain it, so nothing is deleted because it is not listed.
    static let none = "\u{1}no record"

    private var kept = ByteScratch(capacity: 64)
    /// The record that gave it; 0 while none has.
    private(set) var record: UInt64 = 0

    var isGiven: Bool { record > 0 }
    var text: Bytes { kept.bytes() }

    mutating func give(_ text: Bytes, record: UInt64) {
        kept.removeAll()
        kept.append(text)
        self.record = record
    }

    /// Whether a control character or a byte order mark is in `text`.
    static func isUnfit(_ text: Bytes) -> Bool {
        for index in 0..<text.count {
            if text[index] < 0x20 || text[index] == 0x7F { return true }
            if text[index] == 0xEF, text.dropFirst(index).prefix(3) == Bytes("\u{FEFF}") { return true }
        }
        return false
    }
}
