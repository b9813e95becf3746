/// Directions between the folders inside a target (docs/decisions/0044-rooms-of-the-store.md).
extension Rules {
    /// By the path of a target: its folders, and which of the others each may use. Files beside the folders put them together and
    /// may use all.
    static let folders: [String: [String: Set<String>]] = [
        "Sources/Adapters/TwinStore/": [
            "Engine": [], "Register": ["Engine"], "Apply": ["Engine"], "Query": ["Engine", "Register", "Apply"],
            "Service": ["Engine", "Register", "Apply"],
        ]
    ]
    /// Uses against the direction that are still there: `FILE TYPE`. The list only grows shorter.
    static let folderExceptions: Set<String> = []

    /// The store. Outside its folder `Engine` it knows no SQL and no library that does.
    static let store = "Sources/Adapters/TwinStore/"

    /// Statements are made in `Engine` alone: nobody else makes one, or imports what can.
    static func sqlStaysInEngine(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.path.hasPrefix(store), !file.path.hasPrefix(store + "Engine/") else { return [] }
        let imports = importedModules(file).filter { $0.module.hasPrefix("GRDB") }.map {
            Finding(path: file.path, line: $0.line, message: "\($0.module) is imported in Engine only.")
        }
        let statements = file.code.indices.filter {
            hasWord("RawStatement", in: file.code[$0]) || hasWord("execute", in: file.code[$0])
        }
        return imports
            + statements.map { Finding(path: file.path, line: $0 + 1, message: "a statement is made outside Engine.") }
    }

    /// What a folder uses of another: types by name, as the top level of a file declares them.
    static func folderDirection(_ files: [SourceFile]) -> [Finding] {
        folders.sorted { $0.key < $1.key }.flatMap { target, rows in
            let inside = files.filter { $0.isSwift && $0.path.hasPrefix(target) }
            var homes: [String: String] = [:]
            for file in inside { for type in declaredTypes(file) { homes[type] = folder(of: file, in: target) } }
            return inside.flatMap { file -> [Finding] in
                guard let folder = folder(of: file, in: target) else { return [] }
                guard let allowed = rows[folder] else {
                    return [Finding(path: file.path, line: 1, message: "the folder \(folder) has no row in Rules.folders.")]
                }
                let own = hiddenTypes(file)
                return file.code.indices.flatMap { index in
                    Set(words(file.code[index])).subtracting(own).sorted().compactMap { word in
                        guard let home = homes[word], home != folder, !allowed.contains(home),
                            !folderExceptions.contains("\(file.path) \(word)")
                        else { return nil }
                        return Finding(path: file.path, line: index + 1, message: "\(folder) may not use \(word) of \(home).")
                    }
                }
            }
        }
    }

    /// Exceptions that nobody needs any more.
    static func needlessFolderExceptions(_ files: [SourceFile]) -> [String] {
        folderExceptions.filter { exception in
            let parts = exception.split(separator: " ")
            let file = files.first { $0.path == parts[0] }
            return file?.code.contains { hasWord(String(parts[1]), in: $0) } != true
        }.sorted()
    }

    /// The folder of a target that a file stands in, however deep; nil beside the folders.
    private static func folder(of file: SourceFile, in target: String) -> String? {
        let parts = file.path.dropFirst(target.count).split(separator: "/")
        return parts.count > 1 ? String(parts[0]) : nil
    }

    /// Types that the top level of a file declares, and others can name.
    static func declaredTypes(_ file: SourceFile) -> [String] { types(file) { !$0.contains(where: hiding.contains) } }

    /// Types that only the file itself can name: of another's the same word says nothing.
    private static func hiddenTypes(_ file: SourceFile) -> [String] { types(file) { $0.contains(where: hiding.contains) } }

    private static let hiding: Set<String> = ["private", "fileprivate"]

    private static func types(_ file: SourceFile, where isMeant: (ArraySlice<String>) -> Bool) -> [String] {
        let kinds: Set<String> = ["class", "struct", "enum", "protocol", "actor", "typealias"]
        return file.code.compactMap { line in
            guard line.first != " " else { return nil }
            let words = words(line)
            guard let kind = words.firstIndex(where: kinds.contains), kind + 1 < words.count,
                !words[..<kind].contains("extension"), isMeant(words[..<kind])
            else { return nil }
            return words[kind + 1]
        }
    }

    private static func words(_ line: String) -> [String] {
        line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
    }
}
