extension Rules {
    /// The commands of `twindrop`.
    static let commands: Set<String> = [
        "init", "run", "drop", "plan", "status", "drops", "show", "why", "retry", "release", "discard", "twin", "explain",
        "history", "query", "models", "batches", "archive", "verify", "plugin", "source", "doctor", "backup", "restore", "bench",
        "help", "token", "export", "waiting", "forget-names",
    ]

    /// Links of Markdown that lead into the repository lead somewhere.
    static func linksLead(_ file: SourceFile, exists: (String) -> Bool) -> [Finding] {
        guard file.path.hasSuffix(".md") else { return [] }
        let folder = file.path.split(separator: "/").dropLast()
        return file.lines.enumerated().flatMap { index, line in
            targets(of: line).compactMap { target in
                let path = target.prefix { $0 != "#" }
                guard !path.isEmpty, !path.contains("://"), !path.hasPrefix("mailto:") else { return nil }
                var parts = path.hasPrefix("/") ? [] : Array(folder)
                for part in path.split(separator: "/") where part != "." {
                    if part == ".." { _ = parts.popLast() } else { parts.append(part) }
                }
                guard !exists(parts.joined(separator: "/")) else { return nil }
                return Finding(path: file.path, line: index + 1, message: "the link \(target) leads nowhere.")
            }
        }
    }

    /// Commands that documents show exist: `make TARGET`, and `twindrop COMMAND` where code is shown.
    static func commandsExist(_ file: SourceFile, makeTargets: Set<String>) -> [Finding] {
        guard file.path.hasSuffix(".md") else { return [] }
        return file.lines.enumerated().flatMap { index, line in
            shownCommands(line).compactMap { words in
                guard words.count > 1 else { return nil }
                let argument = words[1]
                guard argument.first?.isLowercase == true, argument.allSatisfy({ $0.isLowercase || $0 == "-" }) else {
                    return nil
                }
                let known = words[0] == "make" ? makeTargets : commands
                guard !known.contains(argument) else { return nil }
                return Finding(path: file.path, line: index + 1, message: "there is no \(words[0]) \(argument).")
            }
        }
    }

    /// The targets of a Makefile.
    static func makeTargets(_ makefile: SourceFile) -> Set<String> {
        Set(
            makefile.lines.compactMap { line in
                guard let first = line.first, first.isLowercase, let colon = line.firstIndex(of: ":"), !line.contains(":=") else {
                    return nil
                }
                return String(line[..<colon])
            })
    }

    /// What stands in `code` on a line, or in an indented line, and starts with make or twindrop.
    private static func shownCommands(_ line: String) -> [[String]] {
        var pieces: [Substring] = []
        let spans = line.split(separator: "`", omittingEmptySubsequences: false)
        for (index, span) in spans.enumerated() where index % 2 == 1 { pieces.append(span) }
        if line.hasPrefix("    ") || line.hasPrefix("$ ") { pieces.append(line.drop { $0 == " " || $0 == "$" }) }
        return pieces.map { $0.split(separator: " ").map(String.init) }.filter { $0.first == "make" || $0.first == "twindrop" }
    }

    /// The targets of `[text](target)` on a line.
    private static func targets(of line: String) -> [Substring] {
        var targets: [Substring] = []
        var rest = line[...]
        while let open = rest.firstRange(of: "](") {
            rest = rest[open.upperBound...]
            guard let close = rest.firstIndex(of: ")") else { break }
            targets.append(rest[..<close])
            rest = rest[close...]
        }
        return targets
    }
}
