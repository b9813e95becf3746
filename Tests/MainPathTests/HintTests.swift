import Foundation
import Testing

/// Whatever a message tells people to type exists.
@Suite struct `Hints` {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// String literals of the sources, with the file they are in; interpolations stand as `…`.
    private static func literals() throws -> [(file: String, text: String)] {
        var found: [(file: String, text: String)] = []
        let folder = root + "/Sources"
        for name in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? []
        where name.hasSuffix(".swift") {
            for line in try String(contentsOfFile: folder + "/" + name, encoding: .utf8).split(separator: "\n") {
                guard !line.drop(while: { $0 == " " }).hasPrefix("//") else { continue }
                let parts = line.replacing("\\\"", with: "'").split(separator: "\"", omittingEmptySubsequences: false)
                for (index, part) in parts.enumerated() where index % 2 == 1 {
                    found.append((name, String(part.replacing(/\\\([^)]*\)+/, with: "…"))))
                }
            }
        }
        return found
    }

    /// What `--help` of a command prints; nil where there is no such command.
    private static func help(_ words: [String]) throws -> String? {
        let ended = try Program.run(Program.twindrop, words + ["--help"])
        return ended.code == 0 && ended.out.contains("twindrop " + words.joined(separator: " ")) ? ended.out : nil
    }

    @Test func `name only commands and options that exist`() throws {
        var pages: [String: String] = [:]
        var wrong: [String] = []
        var count = 0
        for (file, text) in try Self.literals() {
            for match in text.matches(of: /`twindrop ([^`]+)`/) {
                let words = match.1.split(separator: " ").map(String.init)
                var command = Array(words.prefix { $0.wholeMatch(of: /[a-z][a-z-]*/) != nil })
                let groups = ["source", "plugin", "models", "archive", "token"]
                command = Array(command.prefix(command.first.map(groups.contains) == true ? 2 : 1))
                guard !command.isEmpty else { continue }
                count += 1
                let name = command.joined(separator: " ")
                if pages[name] == nil, let page = try Self.help(command) { pages[name] = page }
                guard let page = pages[name] else {
                    wrong.append("\(file): there is no twindrop \(name): \(text)")
                    continue
                }
                for option in words.dropFirst(command.count) where option.hasPrefix("--") && !page.contains(option) {
                    wrong.append("\(file): twindrop \(name) has no \(option): \(text)")
                }
            }
        }
        #expect(wrong == [])
        #expect(count > 30)
        let all = pages.values.joined()
        let options = try Self.literals().filter { !$0.text.contains("`twindrop") }.flatMap { file, text in
            text.matches(of: #/ (--[a-z][a-z-]+)\b/#).map { (file, String($0.1), text) }
        }
        var known = all
        for command in [
            "run", "drop", "verify", "query", "twin", "restore", "release", "drops", "archive list", "plan", "bench",
            "models list",
        ] {
            known += try Self.help(command.split(separator: " ").map(String.init)) ?? ""
        }
        for (file, option, text) in options where !file.hasPrefix("dtdl-conformance") && !known.contains(option) {
            Issue.record("\(file): no command has \(option): \(text)")
        }
    }

    @Test func `name pages that exist, where people have them`() throws {
        var wrong: [String] = []
        var count = 0
        let folder = Self.root + "/Sources"
        for name in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? []
        where name.hasSuffix(".swift") && !name.hasSuffix("/DocumentPage.swift") && !name.hasPrefix("PluginSide/") {
            for line in try String(contentsOfFile: folder + "/" + name, encoding: .utf8).split(separator: "\n") {
                let code = line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line
                if code.contains("docs/") { wrong.append("\(name): name the page by DocumentPage.path: \(code)") }
                for match in code.matches(of: /DocumentPage\.path\("([^"]+)"/) {
                    count += 1
                    let page = Self.root + "/docs/" + match.1
                    if !FileManager.default.fileExists(atPath: page) { wrong.append("\(name): there is no \(page)") }
                }
            }
        }
        #expect(wrong == [])
        #expect(count > 8)
    }
}
