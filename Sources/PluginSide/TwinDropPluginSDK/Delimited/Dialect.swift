/// How text is coded in a file.
public enum TextEncoding: Sendable, Equatable {
    /// By the byte order mark; UTF-8 without one.
    case automatic
    case utf8, utf16LittleEndian, utf16BigEndian, windows1252, latin1
}

/// What a reader does with a record that breaks a rule.
public enum FaultPolicy: Sendable, Equatable {
    /// Refuse the record, go on with the next.
    case reject
    /// Refuse the whole file.
    case fail
}

/// How a file of delimited text is written. The initial values are those of RFC 4180 with a header line.
public struct Dialect: Sendable, Equatable {
    /// How a field may hold delimiters, line ends and quotation marks.
    public enum Quoting: Sendable, Equatable {
        /// A quotation mark is a character like any other.
        case none
        /// RFC 4180: a field in quotation marks, a mark in it doubled. A mark inside an unquoted field, or text after the closing
        /// one, is a fault.
        case standard
        /// As `standard`, but a mark inside an unquoted field, and text after the closing mark, are ordinary text.
        case lenient
        /// `escape` makes the next character ordinary, inside and outside of quotation marks.
        case backslash
    }

    /// Where the names of the columns come from.
    public enum Header: Sendable, Equatable {
        /// The first record after the preamble.
        case present
        /// Not in the file; these are the names.
        case named([String])
        /// The first record is a header, but these names are used. It must say `Dialect.headerNames`, or just these names.
        case replaced([String])
        /// Nowhere: columns have numbers only.
        case none
    }

    /// Lines before the header that belong to no table. Without a header, one with as many cells as the table refuses the file.
    public enum Preamble: Sendable, Equatable {
        case lines(Int)
        /// All lines before the first that fits the glob, which is the header (or the first record).
        case until(String)
    }

    /// Lines after the last record that belong to no table.
    ///
    /// A line with as many cells as the table may be a record, and a last line without a line end may be a record that was cut
    /// off. So neither is taken as a footer, unless it fits a glob.
    public enum Footer: Sendable, Equatable {
        /// At most this many of the last lines; blank ones do not count. A line that may be a record, whole or cut off, refuses
        /// the file.
        case lines(Int)
        /// From the first line on that fits one of the globs. One that may be a record and fits none refuses the file.
        case from([String])
    }

    /// What happens to a record with the names of the columns, as in joined exports. Other names, or the same in another order,
    /// refuse the file.
    public enum RepeatedHeader: Sendable, Equatable {
        /// Accounted for as the remainder "repeated header"; in a table of one column, where it may be a record, rejected.
        case skip
        case reject, fail
        /// It is a record like any other.
        case record
    }

    /// Rows with fewer or more cells than there are columns.
    public enum Ragged: Sendable, Equatable {
        case reject, fail
        /// Missing cells are empty, surplus cells are left out when they are empty; else the record is refused.
        case pad
        /// Taken as they are: `DelimitedReader.fieldCount` tells.
        case keep
    }

    public enum Trim: Sendable, Equatable { case none, unquoted, all }

    /// A second column of the same name, and a column without one.
    public enum HeaderFault: Sendable, Equatable {
        case fail
        /// `name_2`, `name_3` …; `column_7`.
        case number
    }

    public enum BlankLines: Sendable, Equatable {
        /// Accounted for as the remainder "blank lines".
        case skip
        /// A record with one empty field.
        case record
    }

    public var encoding = TextEncoding.automatic
    /// One character or more.
    public var delimiter = ","
    /// Nil: LF, CR LF and CR, mixed. Else this text, and nothing else, ends a record.
    public var terminator: String?
    public var quoting = Quoting.standard
    /// ASCII.
    public var quote = UInt8(ascii: "\"")
    /// ASCII; for `Quoting.backslash`.
    public var escape = UInt8(ascii: "\\")
    public var header = Header.present
    public var preamble = Preamble.lines(0)
    public var footer = Footer.lines(0)
    /// A file without a footer is refused: it may be cut off.
    public var footerRequired = false
    /// What the header line says where `Header.replaced` gives other names.
    public var headerNames: [String]?
    public var repeatedHeader = RepeatedHeader.skip
    public var duplicateHeaders = HeaderFault.fail
    public var blankHeaders = HeaderFault.fail
    /// Records that start with this text are comments: the remainder "comment".
    public var comment: String?
    public var blankLines = BlankLines.skip
    public var trim = Trim.none
    public var ragged = Ragged.reject
    /// Invalid UTF-8 (or UTF-16, or a byte Windows-1252 does not have), and NUL.
    public var badText = FaultPolicy.reject
    /// Quotation marks where none may be, and fields over the limit.
    public var badRecord = FaultPolicy.reject
    /// Bytes of UTF-8; a longer field is refused. At most 524,288, the limit of the plugin ABI.
    public var fieldBytesMax = 512 * 1024
    /// Bytes of UTF-8; a longer record refuses the file, since its end may never come.
    public var recordBytesMax = 16 * 1024 * 1024
    public var columnsMax = 16_384

    public init() {}

    /// Errors: kind `settings`, when the parts contradict each other.
    func check() throws(PluginError) {
        let delimiterBytes = Array(delimiter.utf8)
        let terminatorBytes = terminator.map { Array($0.utf8) }
        guard !delimiterBytes.isEmpty, terminatorBytes?.isEmpty != true else {
            throw PluginError(.settings, "delimiter and terminator need at least one character.")
        }
        guard delimiterBytes.count <= 16, (terminatorBytes?.count ?? 0) <= 16 else {
            throw PluginError(.settings, "delimiter and terminator have at most 16 bytes.")
        }
        guard terminatorBytes != nil || delimiterBytes.allSatisfy({ $0 != 0x0A && $0 != 0x0D }) else {
            throw PluginError(.settings, "a delimiter with a line end needs a terminator of its own.")
        }
        guard terminatorBytes.map({ !$0.starts(with: delimiterBytes) && !delimiterBytes.starts(with: $0) }) ?? true else {
            throw PluginError(.settings, "delimiter and terminator must not start alike.")
        }
        guard quoting == .none || (quote < 0x80 && quote != delimiterBytes[0] && quote != terminatorBytes?[0]) else {
            throw PluginError(.settings, "the quotation mark must be ASCII and differ from the delimiter.")
        }
        guard quoting != .backslash || (escape < 0x80 && escape != quote && escape != delimiterBytes[0]) else {
            throw PluginError(.settings, "the escape must be ASCII and differ from quotation mark and delimiter.")
        }
        guard (1...512 * 1024).contains(fieldBytesMax), (64...1 << 26).contains(recordBytesMax),
            (1...100_000).contains(columnsMax)
        else { throw PluginError(.settings, "a limit is out of range.") }
        if case .lines(let lines) = footer, !(0...1000).contains(lines) {
            throw PluginError(.settings, "a footer has 0 to 1000 lines.")
        }
        if footerRequired, footer == .lines(0) {
            throw PluginError(.settings, "footerRequired goes with footerFrom or footerLines.")
        }
        if headerNames != nil {
            guard case .replaced(let names) = header else {
                throw PluginError(.settings, "headerNames goes with columns, where the file has a header of other names.")
            }
            guard headerNames?.count == names.count else {
                throw PluginError(.settings, "headerNames and columns name different numbers of columns.")
            }
        }
    }
}

extension Dialect {
    /// The names `init(_:)` knows.
    static let settingNames = [
        "encoding", "delimiter", "terminator", "quoting", "quote", "escape", "header", "columns", "skipLines", "skipUntil",
        "footerLines", "footerFrom", "footerRequired", "headerNames", "repeatedHeader", "duplicateHeaders", "blankHeaders",
        "comment", "blankLines", "trim", "ragged", "badText", "badRecord", "fieldBytesMax", "recordBytesMax", "columnsMax",
    ]

    /// A dialect from settings; every member may be missing. `Plugins/mapping/README.md` lists them.
    ///
    /// Errors: kind `settings`, with the path.
    public init(_ settings: SettingsValue) throws(PluginError) {
        self.init()
        try settings.allow(only: Self.settingNames)
        try readCharacters(settings)
        try readTable(settings)
        if let value = try settings.optional("trim") {
            trim = try value.choice([("none", .none), ("unquoted", .unquoted), ("all", .all)])
        }
        if let value = try settings.optional("ragged") {
            ragged = try value.choice([("reject", .reject), ("fail", .fail), ("pad", .pad), ("keep", .keep)])
        }
        if let value = try settings.optional("blankLines") {
            blankLines = try value.choice([("skip", .skip), ("record", .record)])
        }
        if let value = try settings.optional("badText") { badText = try value.choice([("reject", .reject), ("fail", .fail)]) }
        if let value = try settings.optional("badRecord") {
            badRecord = try value.choice([("reject", .reject), ("fail", .fail)])
        }
        if let value = try settings.optional("fieldBytesMax") { fieldBytesMax = Int(try value.int(in: 1...524_288)) }
        if let value = try settings.optional("recordBytesMax") { recordBytesMax = Int(try value.int(in: 64...67_108_864)) }
        if let value = try settings.optional("columnsMax") { columnsMax = Int(try value.int(in: 1...100_000)) }
        do throws(PluginError) { try check() } catch { throw settings.error(error.message) }
    }

    private mutating func readCharacters(_ settings: SettingsValue) throws(PluginError) {
        if let value = try settings.optional("encoding") {
            encoding = try value.choice([
                ("auto", .automatic), ("utf-8", .utf8), ("utf-16le", .utf16LittleEndian), ("utf-16be", .utf16BigEndian),
                ("windows-1252", .windows1252), ("iso-8859-1", .latin1),
            ])
        }
        if let value = try settings.optional("delimiter") {
            let word = try value.string()
            delimiter = word == "tab" ? "\t" : word
        }
        if let value = try settings.optional("terminator") {
            let word = try value.string()
            terminator = word == "newline" ? nil : word
        }
        if let value = try settings.optional("quoting") {
            quoting = try value.choice([
                ("none", .none), ("standard", .standard), ("lenient", .lenient), ("backslash", .backslash),
            ])
        }
        if let value = try settings.optional("quote") { quote = try Self.oneByte(value) }
        if let value = try settings.optional("escape") { escape = try Self.oneByte(value) }
        if let value = try settings.optional("comment") { comment = try value.string() }
    }

    private mutating func readTable(_ settings: SettingsValue) throws(PluginError) {
        var isPresent = true
        if let value = try settings.optional("header") { isPresent = try value.bool() }
        var names: [String]?
        if let value = try settings.optional("columns") { names = try value.words() }
        header =
            switch (isPresent, names) {
            case (true, nil): .present
            case (true, let names?): .replaced(names)
            case (false, let names?): .named(names)
            case (false, nil): .none
            }
        if let value = try settings.optional("skipLines") { preamble = .lines(Int(try value.int(in: 0...1_000_000))) }
        if let value = try settings.optional("skipUntil") {
            guard preamble == .lines(0) else {
                throw value.error("goes without skipLines: one of them says where the table starts.")
            }
            preamble = .until(try value.string())
        }
        if let value = try settings.optional("footerLines") { footer = .lines(Int(try value.int(in: 0...1000))) }
        if let value = try settings.optional("footerFrom") {
            guard footer == .lines(0) else { throw value.error("goes without footerLines: one of them says what the footer is.") }
            footer = .from(try value.words())
        }
        if let value = try settings.optional("footerRequired") { footerRequired = try value.bool() }
        if let value = try settings.optional("headerNames") { headerNames = try value.words() }
        if let value = try settings.optional("repeatedHeader") {
            repeatedHeader = try value.choice([("skip", .skip), ("reject", .reject), ("fail", .fail), ("record", .record)])
        }
        if let value = try settings.optional("duplicateHeaders") {
            duplicateHeaders = try value.choice([("fail", .fail), ("number", .number)])
        }
        if let value = try settings.optional("blankHeaders") {
            blankHeaders = try value.choice([("fail", .fail), ("number", .number)])
        }
    }

    private static func oneByte(_ value: SettingsValue) throws(PluginError) -> UInt8 {
        let bytes = Array(try value.string().utf8)
        guard bytes.count == 1, bytes[0] < 0x80 else { throw value.error("must be one ASCII character.") }
        return bytes[0]
    }
}
