import CodecKit
import DropCore
import TwinModel

/// Rows as RFC 4180 has them, so that opening them harms nobody: a spreadsheet takes a cell that starts like a formula for one,
/// and a terminal obeys what steers it.
struct CSVText {
    /// Values exactly as they are: for programs.
    let isRaw: Bool

    func line(_ cells: [String]) -> String { cells.map(cell).joined(separator: ",") }

    func text(_ value: JSON?) -> String {
        switch value {
        case nil, .null?: ""
        case .string(let text)?: isRaw ? text : guarded(text)
        case let value?: isRaw ? value.text() : Escaping.harmless(json: value.text())
        }
    }

    func heading(_ name: String) -> String { isRaw ? name : guarded(name) }

    /// A text that a spreadsheet would take for a formula gets an apostrophe before it; what steers a terminal is shown as
    /// `\u{…}`. Line feeds and tabs stay.
    private func guarded(_ text: String) -> String {
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).joined(separator: "\n")
        let harmless = lines.split(separator: "\t", omittingEmptySubsequences: false)
            .map { Escaping.harmless(String($0), keeping: "\n") }.joined(separator: "\t")
        return isFormula(text) ? "'" + harmless : harmless
    }

    /// Signs that begin a formula, in the forms of East Asian keyboards too; blanks and controls before them do not help. A plain
    /// number with a sign is no formula.
    private func isFormula(_ text: String) -> Bool {
        if let first = text.unicodeScalars.first, "\t\r\n".unicodeScalars.contains(first) { return true }
        let start = text.unicodeScalars.first { !($0.properties.isWhitespace || Escaping.isHarmful($0)) }
        guard let start, "=+-@＝＋－＠".unicodeScalars.contains(start) else { return false }
        return !isSignedNumber(text)
    }

    private func isSignedNumber(_ text: String) -> Bool {
        guard let sign = text.utf8.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return false }
        let parts = text.utf8.dropFirst().split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return (1...2).contains(parts.count)
            && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { (0x30...0x39).contains($0) } }
    }

    private func cell(_ text: String) -> String {
        let needsQuotes =
            text.utf8.contains { [0x09, 0x22, 0x2C, 0x3B, 0x0A, 0x0D].contains($0) } || text.first == " " || text.last == " "
        guard needsQuotes else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
