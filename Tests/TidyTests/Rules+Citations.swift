extension Rules {
    /// Citations lead somewhere: in comments, and in files that are text as a whole. They have one form, a page and perhaps
    /// headings of it: docs/failure-model.md, "Life cycle" and "Recovery".
    ///
    /// - Parameter headings: those of a page; nil where there is no such page.
    static func citationsLead(_ file: SourceFile, headings: (String) -> Set<String>?) -> [Finding] {
        citations(in: file).flatMap { citation -> [Finding] in
            guard let known = headings(citation.page) else {
                return [Finding(path: file.path, line: citation.line, message: "there is no \(citation.page).")]
            }
            return citation.headings.filter { !known.contains($0) }.map {
                Finding(path: file.path, line: citation.line, message: "there is no \"\($0)\" in \(citation.page).")
            }
        }
    }

    /// No comment and no page cites a document that is not in the repository.
    static func noLostCitations(_ file: SourceFile) -> [Finding] {
        guard !file.path.hasPrefix("Tests/TidyTests/"), !file.path.hasSuffix(".json") else { return [] }
        return file.lines.indices.flatMap { index in
            lostCitations(file.lines[index].lowercased()).map {
                Finding(path: file.path, line: index + 1, message: "`\($0)`: cite a page of docs/ and its heading.")
            }
        }
    }

    /// Decisions that are cited by their number are there: decision 0028, decisions 0006 and 0022.
    static func decisionsExist(_ file: SourceFile, known: Set<String>) -> [Finding] {
        file.comments.indices.flatMap { index in
            tails(of: "decision", in: file.comments[index]).flatMap { decisions(in: $0) }.filter { !known.contains($0) }.map {
                Finding(path: file.path, line: index + 1, message: "there is no decision \($0).")
            }
        }
    }

    /// The headings of a page, without their marks.
    static func headings(_ page: SourceFile) -> Set<String> {
        var headings: Set<String> = []
        var isCode = false
        for line in page.lines {
            if line.hasPrefix("```") { isCode.toggle() }
            let text = line.drop { $0 == "#" }
            guard !isCode, line.hasPrefix("#"), text.hasPrefix(" ") else { continue }
            headings.insert(String(text.dropFirst()))
        }
        return headings
    }

    private struct Citation {
        let page: String
        let headings: [String]
        let line: Int
    }

    /// A citation may go on in the two lines below the one it begins in.
    private static func citations(in file: SourceFile) -> [Citation] {
        var found: [Citation] = []
        for index in file.comments.indices where file.comments[index].contains("docs/") {
            let below = file.comments.dropFirst(index + 1).prefix(2).map { " " + prose($0) }.joined()
            let line = prose(file.comments[index])
            var rest = line[...]
            while let start = rest.firstRange(of: "docs/") {
                let before = line[..<start.lowerBound].last
                rest = rest[start.lowerBound...]
                let isPath = before == "/" || before.map { $0.isLetter || $0.isNumber } ?? false
                if !isPath, let cited = citation(in: String(rest) + below, line: index + 1) { found.append(cited) }
                rest = rest.dropFirst("docs/".count)
            }
        }
        return found
    }

    /// The citation that `text` begins with; nil where it names no page.
    private static func citation(in text: String, line: Int) -> Citation? {
        var page = text.prefix { $0.isLetter || $0.isNumber || "-_./".contains($0) }
        var rest = text.dropFirst(page.count)
        while page.last == "." { page = page.dropLast() }
        guard page.hasSuffix(".md") else { return nil }
        var headings: [String] = []
        var lead = ", \""
        while rest.hasPrefix(lead), let end = rest.dropFirst(lead.count).firstIndex(of: "\"") {
            headings.append(String(rest.dropFirst(lead.count)[..<end]))
            rest = rest[rest.index(after: end)...]
            lead = " and \""
        }
        return Citation(page: String(page), headings: headings, line: line)
    }

    /// A line without the signs that make it a comment.
    private static func prose(_ line: String) -> String {
        let text = line.drop { $0 == " " || $0 == "\t" }
        let mark = ["///", "//", "/**", "/*", "*", "#"].first { text.hasPrefix($0) } ?? ""
        return String(text.dropFirst(mark.count).drop { $0 == " " })
    }

    /// The numbers that follow the word "decision".
    private static func decisions(in text: Substring) -> [String] {
        var found: [String] = []
        var rest = text.drop { $0 == "s" }
        guard rest.first == " " || rest.first == "/" else { return [] }
        rest = rest.dropFirst()
        while rest.hasPrefix("00"), rest.prefix(4).count == 4, rest.prefix(4).allSatisfy({ $0.isNumber }) {
            found.append(String(rest.prefix(4)))
            rest = rest.dropFirst(4)
            guard let lead = [", ", " and "].first(where: { rest.hasPrefix($0) }) else { break }
            rest = rest.dropFirst(lead.count)
        }
        return found
    }

    /// What a line in small letters cites in a form that is used no more.
    private static func lostCitations(_ line: String) -> [String] {
        var lost = [
            "adt-api", "style.md", "design.md", "design: section", "design §", "failure model, section", "failure model §",
        ].filter { line.contains($0) }
        for page in ["failure-model", "dtdl-rules"] where tails(of: page, in: line).contains(where: { !$0.hasPrefix(".md") }) {
            lost.append(page)
        }
        for word in ["hazard ", "hazards "] where tails(of: word, in: line).contains(where: { $0.first?.isNumber ?? false }) {
            lost.append(String(word.dropLast()))
        }
        return lost
    }

    /// What follows `word` in a line, each time it stands there.
    private static func tails(of word: String, in line: String) -> [Substring] {
        var tails: [Substring] = []
        var rest = line[...]
        while let range = rest.firstRange(of: word) {
            rest = rest[range.upperBound...]
            tails.append(rest)
        }
        return tails
    }
}
