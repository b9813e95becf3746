extension Rules {
    static let fileLinesMax = 600
    static let fileLinesAim = 300
    static let functionLinesMax = 80
    static let lineScalarsMax = 130

    /// No file of Swift or C is longer than `fileLinesMax`.
    static func fileLength(_ file: SourceFile) -> [Finding] {
        guard file.isSwift || file.isC, file.lines.count > fileLinesMax else { return [] }
        return [Finding(path: file.path, line: fileLinesMax, message: "\(file.lines.count) lines, \(fileLinesMax) are allowed.")]
    }

    /// No function of Swift or C is longer than `functionLinesMax`, from its name to its closing brace.
    static func functionLength(_ file: SourceFile) -> [Finding] {
        guard file.isSwift || file.isC else { return [] }
        return functions(file).filter { $0.lines.count > functionLinesMax }.map {
            Finding(
                path: file.path, line: $0.lines.lowerBound,
                message: "\($0.name) has \($0.lines.count) lines, \(functionLinesMax) are allowed.")
        }
    }

    /// No line is longer than `lineScalarsMax`, string literals not counted: the formatter cannot break those, and does not wrap
    /// comments.
    static func lineLength(_ file: SourceFile) -> [Finding] {
        guard file.isSwift || file.isC else { return [] }
        return file.lines.indices.compactMap { index in
            let count = file.lines[index].unicodeScalars.count
            guard count > lineScalarsMax, count - literalScalars(file, at: index) > lineScalarsMax else { return nil }
            return Finding(path: file.path, line: index + 1, message: "\(count) characters, \(lineScalarsMax) are allowed.")
        }
    }

    /// How much of a line is literals: what is blank both as code and as comment. The masks count bytes, so does this.
    private static func literalScalars(_ file: SourceFile, at index: Int) -> Int {
        let (line, code, comments) = (file.lines[index].utf8, file.code[index].utf8, file.comments[index].utf8)
        return zip(line, zip(code, comments)).count { byte, masks in byte != 0x20 && masks.0 == 0x20 && masks.1 == 0x20 }
    }

    /// The functions of a file: in Swift by their keyword, in C by a brace at the outermost level after a bracket.
    static func functions(_ file: SourceFile) -> [(name: String, lines: ClosedRange<Int>)] {
        var found: [(String, ClosedRange<Int>)] = []
        var open: [(name: String, depth: Int, start: Int)] = []
        var pending: (name: String, start: Int)?
        var depth = 0
        for (index, line) in file.code.enumerated() {
            if let name = file.isSwift ? swiftFunction(line) : cFunction(line, depth: depth) { pending = (name, index + 1) }
            for character in line {
                if character == "{" {
                    depth += 1
                    if let function = pending {
                        open.append((function.name, depth, function.start))
                        pending = nil
                    }
                } else if character == "}" {
                    if let last = open.last, last.depth == depth {
                        found.append((last.name, last.start...(index + 1)))
                        open.removeLast()
                    }
                    depth -= 1
                }
            }
        }
        return found
    }

    /// The name of the function that a line of Swift starts.
    private static func swiftFunction(_ line: String) -> String? {
        let words = line.split { $0 == " " || $0 == "(" || $0 == "<" || $0 == "?" }
        if let at = words.firstIndex(of: "func"), at + 1 < words.count { return String(words[at + 1]) }
        for keyword in ["init", "deinit", "subscript"] where words.contains(Substring(keyword)) && !line.contains(".\(keyword)") {
            return keyword
        }
        return nil
    }

    /// The name of the function that a line of C starts: a line at the outermost level with a bracket and no `;` or `=`.
    private static func cFunction(_ line: String, depth: Int) -> String? {
        guard depth == 0, let first = line.first, first.isLetter || first == "_", !line.hasPrefix("typedef"),
            !line.hasPrefix("#"),
            !line.contains(";") || line.contains("{"), !line.contains("="), let bracket = line.firstIndex(of: "(")
        else { return nil }
        return line[..<bracket].split { $0 == " " || $0 == "*" }.last.map(String.init)
    }
}
