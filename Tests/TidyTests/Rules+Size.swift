/// How large a type may become (docs/decisions/0044-rooms-of-the-store.md).
extension Rules {
    /// Folders in which every type is counted, over all its extensions in them.
    static let counted = ["Sources/Adapters/TwinStore/", "Sources/Flow/"]
    static let typeLinesMax = 300
    static let typeFieldsMax = 12

    /// A type that is split over extensions is as large as all of them; and a value that is declared in it to hold its state does
    /// not make its state smaller.
    static func largeTypes(_ files: [SourceFile]) -> [Finding] {
        var sizes: [String: TypeSize] = [:]
        for file in files where file.isSwift && counted.contains(where: file.path.hasPrefix) { measure(file, &sizes) }
        return sizes.sorted { $0.key < $1.key }.flatMap { name, size -> [Finding] in
            let fields = size.fields.count + hiddenFields(name, size, sizes)
            var found: [Finding] = []
            if size.lines > typeLinesMax {
                found.append(Finding(path: size.path, line: 1, message: "\(name) has \(size.lines) lines over its extensions."))
            }
            if fields > typeFieldsMax {
                found.append(Finding(path: size.path, line: 1, message: "\(name) has \(fields) stored properties."))
            }
            return found
        }
    }

    private struct TypeSize {
        let path: String
        var lines = 0
        /// The lines that declare them.
        var fields: [String] = []
    }

    /// Fields of the structs that are declared in a type and that one of its own fields is of; a list of such is no part of it.
    private static func hiddenFields(_ name: String, _ size: TypeSize, _ sizes: [String: TypeSize]) -> Int {
        sizes.filter { inner, _ in
            guard inner.hasPrefix(name + "."), let last = inner.split(separator: ".").last else { return false }
            return size.fields.contains { hasWord(String(last), in: $0) && !$0.contains("[" + last) }
        }.reduce(0) { $0 + $1.value.fields.count }
    }

    private static func measure(_ file: SourceFile, _ sizes: inout [String: TypeSize]) {
        var open: [(name: String, indent: Int)] = []
        for line in file.code where line.contains(where: { $0 != " " }) {
            let indent = line.prefix { $0 == " " }.count
            while let last = open.last, indent < last.indent { open.removeLast() }
            if let last = open.last, indent == last.indent {
                sizes[last.name]?.lines += 1
                open.removeLast()
                if line.dropFirst(indent).first == "}" { continue }
            }
            for (name, _) in open { sizes[name]?.lines += 1 }
            if let name = declaredName(line) {
                let path = (open.map { $0.name }.last.map { [$0] } ?? []) + [name]
                let full = path.joined(separator: ".")
                sizes[full, default: TypeSize(path: file.path)].lines += 1
                open.append((full, indent))
            } else if let last = open.last, indent == last.indent + 4, let field = storedField(line) {
                sizes[last.name]?.fields.append(field)
            }
        }
    }

    /// The type that a line begins to declare or to extend; nil where its body ends on the line.
    private static func declaredName(_ line: String) -> String? {
        guard line.last(where: { $0 != " " }) == "{" else { return nil }
        let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") }.map(String.init)
        let kinds: Set<String> = ["class", "struct", "enum", "protocol", "extension", "actor"]
        guard let kind = words.firstIndex(where: kinds.contains), kind + 1 < words.count,
            words[..<kind].allSatisfy({ modifiers.contains($0) })
        else { return nil }
        return words[kind + 1]
    }

    private static let modifiers: Set<String> = [
        "package", "public", "private", "fileprivate", "internal", "final", "indirect", "safe", "weak", "unowned", "set", "lazy",
    ]

    /// A line that declares a stored property; nil where it is none.
    private static func storedField(_ line: String) -> String? {
        let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
        guard let kind = words.firstIndex(where: { $0 == "let" || $0 == "var" }),
            words[..<kind].allSatisfy({ modifiers.contains($0) })
        else { return nil }
        let value = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        // A body without a value before it is computed.
        return value[0].contains("{") ? nil : line
    }
}
