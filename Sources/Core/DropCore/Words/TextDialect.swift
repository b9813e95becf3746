package import TwinModel

/// How the delimited text of a source is written, as the settings of its plugin say it (docs/plugins.md, "Delimited text").
///
/// Refused records are marked, and corrected ones written, in this dialect. All texts are UTF-8, whatever the file's encoding is.
package struct TextDialect: Sendable, Equatable {
    package enum Encoding: String, Sendable {
        case automatic = "auto"
        case utf8 = "utf-8"
        case utf16LittleEndian = "utf-16le"
        case utf16BigEndian = "utf-16be"
        case windows1252 = "windows-1252"
        case latin1 = "iso-8859-1"
    }

    package enum Quoting: String, Sendable { case standard, lenient, backslash, none }

    package var encoding = Encoding.automatic
    /// One byte or more.
    package var delimiter: [UInt8] = [0x2C]
    /// Nil: LF, CR LF and CR.
    package var terminator: [UInt8]?
    package var quoting = Quoting.standard
    package var quote: UInt8 = 0x22
    package var escape: UInt8 = 0x5C
    /// Blanks around the quotation marks of a cell belong to no cell.
    package var trims = false
    /// The start of a line that is not a record; empty if there is none.
    package var comment: [UInt8] = []
    /// Whether the last of the file's headers names the columns.
    package var hasHeader = true
    /// How many columns the settings name; 0 if they name none.
    package var columns = 0

    package init() {}

    /// The dialect in an object of settings. A member that is missing, or that the plugin will refuse, has its usual value.
    package init(_ settings: JSON) {
        encoding = settings["encoding"]?.string.flatMap(Encoding.init(rawValue:)) ?? encoding
        quoting = settings["quoting"]?.string.flatMap(Quoting.init(rawValue:)) ?? quoting
        if let text = settings["delimiter"]?.string, !text.isEmpty { delimiter = text == "tab" ? [0x09] : Array(text.utf8) }
        if let text = settings["terminator"]?.string, !text.isEmpty, text != "newline" { terminator = Array(text.utf8) }
        quote = Self.byte(settings["quote"]) ?? quote
        escape = Self.byte(settings["escape"]) ?? escape
        trims = settings["trim"]?.string.map { $0 != "none" } ?? false
        comment = settings["comment"]?.string.map { Array($0.utf8) } ?? []
        hasHeader = settings["header"] != JSON.bool(false)
        columns = settings["columns"].map { $0.elements?.count ?? 1 } ?? 0
    }

    private static func byte(_ setting: JSON?) -> UInt8? {
        guard let bytes = setting?.string.map({ Array($0.utf8) }), bytes.count == 1 else { return nil }
        return bytes[0]
    }
}
