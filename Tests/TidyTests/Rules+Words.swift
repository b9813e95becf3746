extension Rules {
    /// Work that is left is an issue, not a remark.
    static func noPromises(_ file: SourceFile) -> [Finding] {
        guard !file.path.hasPrefix("Tests/TidyTests/") else { return [] }
        return file.lines.indices.flatMap { index in
            let line = file.lines[index]
            // XXX without a colon is also a pattern of dates.
            return ["TODO", "FIXME", "XXX:"].filter { $0.hasSuffix(":") ? line.contains($0) : hasWord($0, in: line) }.map {
                Finding(path: file.path, line: index + 1, message: "\($0): finish it, or open an issue.")
            }
        }
    }

    /// `Task {` stands in Sources only with a remark that says who awaits it; `Task.detached` never.
    static func noLooseTasks(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.isUnderSources else { return [] }
        return file.code.indices.compactMap { index in
            let line = file.code[index].split(separator: "addTask").joined(separator: " ")
            if line.contains("Task.detached") {
                return Finding(
                    path: file.path, line: index + 1, message: "`Task.detached`: nothing awaits it; use a task group or a thread."
                )
            }
            guard hasWord("Task", in: line), line.contains("Task {") || line.contains("Task(") && line.contains("{"),
                !hasRemark(file, at: index)
            else { return nil }
            return Finding(path: file.path, line: index + 1, message: "`Task { }` without a remark that says who awaits it.")
        }
    }

    /// Foundation's `Process` loses a descriptor with every program it starts (Swift 6.3).
    static func noFoundationProcess(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, !file.path.hasPrefix("Tests/TidyTests/") else { return [] }
        return file.code.indices.filter { hasWord("Process", in: file.code[$0]) && file.code[$0].contains("Process()") }.map {
            Finding(path: file.path, line: $0 + 1, message: "`Process()`: tests start programs with ProgramKit's `Child`.")
        }
    }

    /// Codes of errors are members of closed types, so that a word that is mistyped does not compile.
    static func noComparedCodes(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.isUnderSources else { return [] }
        return file.code.indices.filter { index in
            [".code == \"", ".code != \""].contains { sign in
                guard file.code[index].contains(sign.dropLast()), let found = file.lines[index].firstRange(of: sign) else {
                    return false
                }
                // The words of Azure's service begin with a capital letter.
                return file.lines[index][found.upperBound...].first?.isLowercase == true
            }
        }.map {
            Finding(path: file.path, line: $0 + 1, message: "compares a code with a text: use the member of its type.")
        }
    }

    /// What the compiler does not check carries the sentence that says why it holds.
    static func uncheckedIsExplained(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.isUnderSources else { return [] }
        return file.code.indices.filter { index in
            (file.code[index].contains("@unchecked Sendable") || file.code[index].contains("nonisolated(unsafe)"))
                && !hasRemark(file, at: index)
        }.map {
            Finding(
                path: file.path, line: $0 + 1,
                message: "`@unchecked Sendable` or `nonisolated(unsafe)` without a sentence that names the lock or thread.")
        }
    }

    /// No file names a folder of the machine it was written on, nor a package host but the public one.
    static func noMachinePaths(_ file: SourceFile) -> [Finding] {
        guard !file.path.hasPrefix("Tests/TidyTests/") else { return [] }
        return file.lines.indices.flatMap { index in
            let line = file.lines[index]
            var findings = ["/root/", "/home/", "/opt/swift"].filter(line.contains).map {
                Finding(path: file.path, line: index + 1, message: "names the folder \($0) of one machine.")
            }
            if file.path == "Package.resolved" || file.path == "Package.swift", line.contains("://"),
                !line.contains("https://github.com/")
            {
                findings.append(
                    Finding(path: file.path, line: index + 1, message: "names a package host that others do not have."))
            }
            return findings
        }
    }

    /// Files and types are named after what they are.
    static func plainNames(_ file: SourceFile) -> [Finding] {
        guard file.isSwift || file.isC else { return [] }
        let words = ["Util", "Utils", "Utilities", "Helper", "Helpers", "Manager", "Common", "Misc"]
        let parts = file.path.split { $0 == "/" || $0 == "." || $0 == "+" }
        var findings = words.filter { word in parts.contains { $0 == word || $0.hasSuffix(word) } }.map {
            Finding(path: file.path, line: 1, message: "the name \($0) says nothing: name the file after what is in it.")
        }
        for (index, line) in file.code.enumerated() where file.isSwift {
            let tokens = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
            for (keyword, name) in zip(tokens, tokens.dropFirst())
            where ["struct", "class", "enum", "actor", "protocol"].contains(keyword)
                && words.contains(where: { name.hasSuffix($0) })
            {
                findings.append(Finding(path: file.path, line: index + 1, message: "the type \(name) is named after nothing."))
            }
        }
        return findings
    }

    /// Every type that other targets see has a sentence that says what it is.
    static func typesAreDocumented(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.path.hasPrefix("Sources/") else { return [] }
        return file.code.indices.compactMap { index in
            let words = file.code[index].split(separator: " ")
            guard let access = words.first, access == "package" || access == "public",
                let keyword = words.dropFirst().first(where: { ["struct", "class", "enum", "protocol", "actor"].contains($0) }),
                file.code[index].first != " ", !isDocumented(file, at: index)
            else { return nil }
            return Finding(
                path: file.path, line: index + 1, message: "a \(access) \(keyword) without a `///` that says what it is.")
        }
    }

    private static func isDocumented(_ file: SourceFile, at index: Int) -> Bool {
        var line = index - 1
        while line >= 0, file.code[line].hasPrefix("@") { line -= 1 }
        return line >= 0 && file.comments[line].contains("///")
    }

    /// Whether a comment stands on the line, or on one of the two before it.
    private static func hasRemark(_ file: SourceFile, at index: Int) -> Bool {
        (max(0, index - 2)...index).contains { file.comments[$0].contains("//") }
    }
}
