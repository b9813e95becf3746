/// A file and the dialect that is said to describe it; the file may have been damaged since.
struct StructureCase: Sendable {
    var settings: String
    var bytes: [UInt8]
    let mutation: String
}

/// Makes files of every structure, and damages them as senders do.
struct StructureCorpus {
    private var numbers: SeededGenerator
    private var delimiter = ","
    private var quoting = "standard"
    private var quote = "\""
    private var lineEnd = "\n"
    private var hasHeader = true
    private var comment = false
    private var columns = 2

    init(seed: UInt64) { numbers = SeededGenerator(seed: seed) }

    static let mutations = [
        "none", "none", "cut", "no footer", "doubled header", "other header", "joined", "joined with a mark",
        "mark in the middle",
        "stray quote", "open quote", "blank end", "wide blank end", "doubled footer", "no header", "no preamble",
        "mixed line ends",
        "another delimiter",
    ]

    /// The next case.
    mutating func next() -> StructureCase {
        delimiter = pick([",", ";", "\t", "|"])
        quoting = pick(["standard", "standard", "standard", "lenient", "none", "backslash"])
        quote = pick(["\"", "\"", "\"", "'"])
        lineEnd = pick(["\n", "\r\n", "\n", "\r"])
        columns = pick([2, 3, 2, 4, 1])
        hasHeader = numbers.next() % 4 != 0
        comment = numbers.next() % 4 == 0
        var settings = [#""delimiter":"\#(delimiter == "\t" ? "tab" : delimiter)""#, #""quoting":"\#(quoting)""#]
        if comment { settings.append(##""comment":"#""##) }
        if quote != "\"" { settings.append(#""quote":"\#(quote)""#) }
        switch numbers.next() % 12 {
        case 0, 1: settings.append(#""ragged":"pad""#)
        case 2: settings.append(#""ragged":"fail""#)
        default: break
        }
        if numbers.next() % 6 == 0 { settings.append(#""repeatedHeader":"\#(pick(["reject", "fail", "record"]))""#) }
        // What trimming makes of a mark that stands for itself is nobody's business.
        if quoting != "lenient", numbers.next() % 6 == 0 { settings.append(#""trim":"\#(pick(["all", "unquoted"]))""#) }
        let names = (1...columns).map { "name\($0)" }
        var lines: [String] = []
        let preamble = addPreamble(&lines, &settings)
        addHeader(names, &lines, &settings)
        let start = lines.count
        for _ in 0..<Int(numbers.next() % 6) { lines.append(line()) }
        let footer = addFooter(&lines, &settings)
        let mutation = pick(Self.mutations)
        var text = damage(lines, mutation, (preamble, start, footer))
        if numbers.next() % 5 == 0, text.hasSuffix(lineEnd) { text.removeLast(lineEnd == "\r\n" ? 1 : lineEnd.count) }
        let encoded = encode(text, &settings)
        var bytes = encoded
        if mutation == "cut", !bytes.isEmpty { bytes.removeLast(Int(numbers.next() % UInt64(bytes.count))) }
        return StructureCase(settings: "{" + settings.joined(separator: ",") + "}", bytes: bytes, mutation: mutation)
    }

    // MARK: - Parts

    private mutating func pick<Element>(_ all: [Element]) -> Element { all[Int(numbers.next() % UInt64(all.count))] }

    private mutating func addPreamble(_ lines: inout [String], _ settings: inout [String]) -> Int {
        let count = pick([0, 0, 1, 2])
        guard count > 0 else { return 0 }
        for _ in 0..<count { lines.append(pick(["Report", "made by the export", "", "a\(delimiter)b", "5\" pipes"])) }
        if hasHeader, numbers.next() % 2 == 0 {
            settings.append(#""skipUntil":"name1*""#)
        } else {
            settings.append(#""skipLines":\#(count)"#)
        }
        return count
    }

    private mutating func addHeader(_ names: [String], _ lines: inout [String], _ settings: inout [String]) {
        let list = "[" + names.map { "\"\($0)\"" }.joined(separator: ",") + "]"
        guard hasHeader else {
            settings.append(#""header":false"#)
            if numbers.next() % 2 == 0 { settings.append(#""columns":\#(list)"#) }
            return
        }
        lines.append(names.joined(separator: delimiter))
        if numbers.next() % 4 == 0 { settings.append(#""columns":\#(list)"#) }
    }

    private mutating func line() -> String {
        switch numbers.next() % 12 {
        case 0: return ""
        case 1: return "#" + cell()
        case 2: return (0...columns).map { _ in cell() }.joined(separator: delimiter)
        default:
            var cells = (0..<columns).map { _ in cell() }
            // Ids begin with whatever they like, a word of totals too.
            if numbers.next() % 6 == 0 { cells[0] = pick(["Total", "Total 7", "End-30", "sum", "Summe 5", "Count:2"]) }
            return cells.joined(separator: delimiter)
        }
    }

    private mutating func cell() -> String {
        switch numbers.next() % 10 {
        case 0: return ""
        case 1 where quoting != "none": return "\(quote)a\(delimiter)b\(quote)"
        case 2 where quoting == "backslash":
            return pick(["\(quote)say \\\(quote)hi\(quote)", "a\\\(delimiter)b", "c:\\\\d", "x\\y"])
        case 2 where quoting != "none": return "\(quote)say \(quote)\(quote)hi\(quote)\(quote)\(quote)"
        case 3 where quoting != "none": return "\(quote)two\(lineEnd)lines\(quote)"
        case 4 where quoting != "none" && numbers.next() % 2 == 0: return " \(quote) x \(quote) "
        case 4: return " x "
        case 5: return "ü\(numbers.next() % 100)"
        case 6: return "name1"
        default: return String(numbers.next() % 1000)
        }
    }

    private mutating func addFooter(_ lines: inout [String], _ settings: inout [String]) -> Int {
        guard numbers.next() % 2 == 0 else { return 0 }
        let total = pick(["Total", "5\(delimiter)6", "Total\(delimiter)5", "Total\(delimiter)5\(delimiter)6", "Total \"3"])
        let count = pick([1, 1, 2])
        lines.append(total)
        if count == 2 { lines.append(pick(["End", "End\(delimiter)5"])) }
        switch numbers.next() % 3 {
        case 0: settings.append(#""footerLines":\#(count)"#)
        case 1: settings.append(#""footerFrom":"Total*""#)
        default: settings.append(#""footerFrom":["Total*","End*"],"footerRequired":true"#)
        }
        return count
    }

    // MARK: - Damage

    private mutating func damage(
        _ original: [String], _ mutation: String, _ places: (preamble: Int, start: Int, footer: Int)
    ) -> String {
        var lines = original
        let middle = min(lines.count, places.start + Int(numbers.next() % UInt64(max(1, lines.count - places.start))))
        let header = places.start > places.preamble ? lines[places.preamble] : ""
        switch mutation {
        case "no footer": lines.removeLast(places.footer)
        case "doubled footer": lines += lines.suffix(places.footer)
        case "doubled header": if !header.isEmpty { lines.insert(header, at: middle) }
        case "other header":
            if !header.isEmpty {
                let names = header.split(separator: Character(delimiter)).reversed().map(String.init)
                lines.insert(names.joined(separator: delimiter), at: middle)
            }
        case "joined": lines += lines
        case "joined with a mark": lines += lines.enumerated().map { $0.offset == 0 ? "\u{FEFF}" + $0.element : $0.element }
        case "mark in the middle": if middle < lines.count { lines[middle] = "\u{FEFF}" + lines[middle] }
        case "stray quote": if middle < lines.count { lines[middle] += "x\"y" }
        case "open quote": if middle < lines.count { lines[middle] += delimiter + "\"open" }
        case "blank end": lines += ["", ""]
        case "wide blank end": lines += ["  ", String(repeating: delimiter, count: columns - 1)]
        case "no header": if !header.isEmpty { lines.remove(at: places.preamble) }
        case "no preamble": lines.removeFirst(places.preamble)
        case "another delimiter":
            let other = delimiter == ";" ? "," : ";"
            lines = lines.map { $0.replacing(delimiter, with: other) }
        default: break
        }
        var text = ""
        for line in lines { text += line + (mutation == "mixed line ends" ? pick(["\n", "\r\n", "\r"]) : lineEnd) }
        return text
    }

    private mutating func encode(_ text: String, _ settings: inout [String]) -> [UInt8] {
        switch numbers.next() % 9 {
        case 8:
            settings.append(#""encoding":"windows-1252""#)
            return text.unicodeScalars.map { $0.value < 256 ? UInt8($0.value) : 0x81 }  // Which has no character there.
        case 0: return [0xEF, 0xBB, 0xBF] + Array(text.utf8)
        case 1: return DialectCase.utf16(text)
        case 2:
            settings.append(#""encoding":"utf-16be""#)
            return DialectCase.utf16(text, bigEndian: true)
        case 3:
            settings.append(#""encoding":"iso-8859-1""#)
            return text.unicodeScalars.map { $0.value < 256 ? UInt8($0.value) : 0x3F }
        case 4 where text.utf8.count > 8:
            settings.append(#""encoding":"utf-16be""#)  // Not what the mark says.
            return DialectCase.utf16(text)
        default: return Array(text.utf8)
        }
    }
}
