import Testing

/// A word that the glossary took out of use, and what to say instead.
struct RetiredWord: Equatable {
    static let page = "docs/glossary.md"

    let word: String
    let instead: String
    /// A word that is also plain English is retired in code alone.
    let isOfCodeOnly: Bool
    /// Part of the paths where it is retired; empty: of all.
    let place: String

    /// The rows of the table under "Retired words" of the glossary.
    static func all(in glossary: SourceFile) -> [RetiredWord] {
        guard let start = glossary.lines.firstIndex(of: "## Retired words") else { return [] }
        return glossary.lines[start...].flatMap { line -> [RetiredWord] in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.split(separator: " ").joined(separator: " ")
            }
            guard cells.count == 6, cells[1].hasPrefix("`") else { return [] }
            let range = cells[3]
            let isOfCodeOnly = range == "code" || range.hasPrefix("code: ")
            let place = range == "everywhere" || range == "code" ? "" : isOfCodeOnly ? String(range.dropFirst(6)) : range
            return cells[1].split(separator: "`").filter { $0.first != "," && $0.first != " " }.map {
                RetiredWord(word: String($0), instead: cells[2], isOfCodeOnly: isOfCodeOnly, place: place)
            }
        }
    }
}

extension Rules {
    /// Sources, plugins, tests and pages say each idea with the glossary's word. Literals are left: they may be formats.
    static func noRetiredWords(_ file: SourceFile, _ retired: [RetiredWord]) -> [Finding] {
        let isCode = file.isSwift || file.isC
        // The glossary lists them; a review says what was found, in the words of then.
        let isExempt =
            file.path == RetiredWord.page || file.path.hasPrefix("docs/review") || file.path.hasPrefix("docs/found")
            || file.path.hasPrefix("CHANGELOG") || file.path.hasPrefix("Tests/TidyTests/")
        guard isCode || file.path.hasSuffix(".md"), !isExempt else { return [] }
        let words = retired.filter { ($0.place.isEmpty || file.path.contains($0.place)) && (isCode || !$0.isOfCodeOnly) }
        return file.lines.indices.flatMap { index -> [Finding] in
            let used = tokens(file.code[index])
            let named = isCode ? tokens(withoutTestNames(file.code[index])) : used
            let said = isCode ? tokens(file.comments[index]) : []
            return words.filter { $0.isOfCodeOnly ? named.contains($0.word) : used.contains($0.word) || said.contains($0.word) }
                .map {
                    Finding(
                        path: file.path, line: index + 1,
                        message: "`\($0.word)` is retired: say \($0.instead) (\(RetiredWord.page)).")
                }
        }
    }

    /// A line of code without the names of tests, which are sentences between backticks.
    private static func withoutTestNames(_ line: String) -> String {
        let parts = line.split(separator: "`", omittingEmptySubsequences: false)
        return parts.enumerated().filter { $0.offset % 2 == 0 || !$0.element.contains(" ") }.map { String($0.element) }
            .joined(separator: " ")
    }

    private static func tokens(_ line: String) -> Set<String> {
        Set(line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init))
    }
}

/// The table of the glossary, and the words that it keeps out.
@Suite struct `Retired words` {
    private static let table = Repository.files.first { $0.path == RetiredWord.page }.map(RetiredWord.all) ?? []

    @Test func `are read from the glossary`() {
        #expect(Self.table.count > 40)
        #expect(Self.table.contains { $0.word == "isRehearsal" && $0.place.isEmpty && !$0.isOfCodeOnly })
        #expect(Self.table.contains { $0.word == "lanes" && $0.place == "PluginHost" && $0.isOfCodeOnly })
        #expect(Self.table.allSatisfy { !$0.word.contains(" ") && !$0.instead.isEmpty })
    }

    @Test func `stand nowhere in the tree`() {
        #expect(Repository.files.flatMap { Rules.noRetiredWords($0, Self.table) } == [])
    }

    @Test func `are found in code, comments and pages, and left in literals and elsewhere`() {
        let table = [
            RetiredWord(word: "epoch", instead: "digest", isOfCodeOnly: false, place: ""),
            RetiredWord(word: "tell", instead: "emit", isOfCodeOnly: true, place: "PluginHost"),
        ]
        func found(_ path: String, _ line: String) -> Int {
            Rules.noRetiredWords(SourceFile(path: path, text: line), table).count
        }
        #expect(found("Sources/Core/DropCore/A.swift", "let epoch = 1  // The epoch.") == 1)
        #expect(found("Sources/Core/DropCore/A.swift", "// The epoch.") == 1)
        #expect(found("Sources/Core/DropCore/A.swift", "json[\"epoch\"] = epochs") == 0)
        #expect(found("docs/a.md", "Another epoch; cannot tell.") == 1)
        #expect(found("docs/review-1.md", "Another epoch.") == 0)
        #expect(found("Sources/Adapters/PluginHost/A.swift", "tell(1)") == 1)
        #expect(found("Sources/Adapters/PluginHost/A.swift", "// Nobody can tell.") == 0)
        #expect(found("Tests/PluginHostTests/A.swift", "func `cannot tell`() { tell(1) }") == 1)
        #expect(found("Tests/PluginHostTests/A.swift", "func `cannot tell`() {}") == 0)
        #expect(found("Sources/Flow/Pipeline/A.swift", "tell(1)") == 0)
    }
}
