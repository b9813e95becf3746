import Foundation

/// One file of the repository, as the rules see it.
struct SourceFile {
    /// From the repository's root: `Sources/Core/DropCore/Words/DropID.swift`.
    let path: String
    let lines: [String]
    /// The lines with comments and the insides of string literals blanked out: what the compiler acts on.
    let code: [String]
    /// The lines with everything but comments blanked out.
    let comments: [String]

    init(path: String, text: String) {
        self.path = path
        let masked = Self.masked(text, isCode: path.hasSuffix(".swift") || path.hasSuffix(".c") || path.hasSuffix(".h"))
        lines = Self.split(text)
        code = Self.split(masked.code)
        comments = Self.split(masked.comments)
    }

    /// The target a Swift or C file belongs to: the folder in a room of `Sources`, or in `Tests`, or `Plugins`; nil elsewhere.
    var target: String? {
        let parts = path.split(separator: "/")
        guard parts.count > 2 else { return nil }
        switch parts[0] {
        case "Plugins": return "Plugins"
        case "Tests": return String(parts[1])
        case "Sources": return parts.count > 3 ? String(parts[2]) : nil
        default: return nil
        }
    }

    /// The room of `Sources` that the file stands in; nil elsewhere.
    var room: String? {
        let parts = path.split(separator: "/")
        return parts.count > 1 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isC: Bool { path.hasSuffix(".c") || path.hasSuffix(".h") }
    var isUnderSources: Bool { path.hasPrefix("Sources/") || path.hasPrefix("Plugins/") }

    private static func split(_ text: String) -> [String] {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    /// The text twice: comments and literals blanked, and all but comments blanked. Line breaks stay.
    ///
    /// Literals with interpolation count as literals to their end; that is enough for rules that look for words and braces.
    private static func masked(_ text: String, isCode: Bool) -> (code: String, comments: String) {
        guard isCode else { return (text, text) }
        var scanner = Masker(bytes: Array(text.utf8))
        scanner.run()
        return (String(decoding: scanner.code, as: UTF8.self), String(decoding: scanner.comments, as: UTF8.self))
    }

    private struct Masker {
        let bytes: [UInt8]
        var code: [UInt8] = []
        var comments: [UInt8] = []
        var at = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        enum Kind { case code, comment, literal }

        mutating func take(_ count: Int, as kind: Kind) {
            for byte in bytes[at..<min(at + count, bytes.count)] {
                let blank: UInt8 = byte == 0x0A ? 0x0A : 0x20
                code.append(kind == .code ? byte : blank)
                comments.append(kind == .comment ? byte : blank)
            }
            at = min(at + count, bytes.count)
        }

        func sees(_ text: StaticString, at index: Int) -> Bool {
            bytes[min(index, bytes.count)...].starts(with: "\(text)".utf8)
        }

        mutating func run() {
            while at < bytes.count {
                if sees("//", at: at) {
                    take((bytes[at...].firstIndex(of: 0x0A) ?? bytes.count) - at, as: .comment)
                } else if sees("/*", at: at) {
                    blockComment()
                } else if bytes[at] == UInt8(ascii: "\"") || bytes[at] == UInt8(ascii: "#") {
                    literal()
                } else if bytes[at] == UInt8(ascii: "'"), at + 2 < bytes.count {
                    character()
                } else {
                    take(1, as: .code)
                }
            }
        }

        mutating func blockComment() {
            var end = at + 2
            while end < bytes.count, !sees("*/", at: end) { end += 1 }
            take(end + 2 - at, as: .comment)
        }

        /// A C character such as `'"'`; an apostrophe elsewhere is code.
        mutating func character() {
            let length = bytes[at + 1] == UInt8(ascii: "\\") ? 4 : 3
            let isCharacter = at + length <= bytes.count && bytes[at + length - 1] == UInt8(ascii: "'")
            take(isCharacter ? length : 1, as: isCharacter ? .literal : .code)
        }

        /// A string with any number of `#`, on one line or with three quotes.
        mutating func literal() {
            let hashes = bytes[at...].prefix { $0 == UInt8(ascii: "#") }.count
            guard at + hashes < bytes.count, bytes[at + hashes] == UInt8(ascii: "\"") else {
                return take(max(hashes, 1), as: .code)
            }
            let isLong = sees("\"\"\"", at: at + hashes)
            let close =
                Array(repeating: UInt8(ascii: "\""), count: isLong ? 3 : 1) + Array(repeating: UInt8(ascii: "#"), count: hashes)
            var end = at + hashes + (isLong ? 3 : 1)
            while end < bytes.count, !bytes[end...].starts(with: close), isLong || bytes[end] != 0x0A {
                let escapes = hashes == 0 && bytes[end] == UInt8(ascii: "\\")
                if escapes, sees("\\(", at: end), !isLong {
                    end = interpolationEnd(from: end + 2)
                } else {
                    end += escapes ? 2 : 1
                }
            }
            take(end + close.count - at, as: .literal)
        }

        /// The index after the bracket that closes an interpolation, strings inside it skipped.
        func interpolationEnd(from start: Int) -> Int {
            var depth = 1
            var index = start
            var isInString = false
            while index < bytes.count, depth > 0, bytes[index] != 0x0A {
                switch bytes[index] {
                case UInt8(ascii: "\""): isInString.toggle()
                case UInt8(ascii: "(") where !isInString: depth += 1
                case UInt8(ascii: ")") where !isInString: depth -= 1
                default: break
                }
                index += 1
            }
            return index
        }
    }
}

/// The repository this test was built from.
enum Repository {
    static let root: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// Every file a person wrote: what is built, downloaded or not text is left out.
    static let files: [SourceFile] = {
        let kinds: Set<String> = [
            "swift", "c", "h", "md", "json", "yaml", "sh", "in", "modulemap", "resolved", "sysusers", "map", "py",
        ]
        let roots = [
            "Sources", "Tests", "Plugins", "docs", "scripts", "packaging", "Benchmarks", ".ci", "dropzone", "archive", "Makefile",
            "Package.swift", "Package.resolved", "README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ".swift-format",
        ]
        var files: [SourceFile] = []
        for name in roots {
            for path in paths(below: name) {
                let url = URL(fileURLWithPath: root + "/" + path)
                let isScript = url.pathExtension.isEmpty && !path.contains("LICENSE") && !path.contains("COPYRIGHT")
                guard kinds.contains(url.pathExtension) || isScript, let data = try? Data(contentsOf: url), data.count < 2 << 20,
                    let text = String(data: data, encoding: .utf8)
                else { continue }  // Samples and golden files of other kinds are nobody's prose.
                files.append(SourceFile(path: path, text: text))
            }
        }
        return files
    }()

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root + "/" + path) }

    private static func paths(below name: String) -> [String] {
        var isFolder: ObjCBool = false
        let found = unsafe FileManager.default.fileExists(atPath: root + "/" + name, isDirectory: &isFolder)
        guard found else { return [] }
        guard isFolder.boolValue else { return [name] }
        let inside = (try? FileManager.default.subpathsOfDirectory(atPath: root + "/" + name)) ?? []
        let skipped = ["__pycache__", ".build"]
        return inside.sorted().filter { path in !skipped.contains { path.contains($0) } }.map { name + "/" + $0 }
    }
}

/// Something a rule found, and where.
struct Finding: Equatable, CustomStringConvertible {
    let path: String
    let line: Int
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}
