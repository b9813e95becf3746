import Testing

/// Folders inside a target, and which of them use one another.
struct FolderGraph: Equatable {
    let target: String
    /// By folder, below the target's own ("." is that one): the folders whose types its files name.
    let uses: [String: Set<String>]

    /// One graph for each target with Swift files in more than one folder.
    static func all(_ files: [SourceFile]) -> [FolderGraph] {
        let swift = files.filter { $0.isSwift && $0.path.hasPrefix("Sources/") && $0.target != nil }
        return Dictionary(grouping: swift) { $0.target ?? "" }.sorted { $0.key < $1.key }.compactMap { target, files in
            let graph = FolderGraph(target, files)
            return graph.uses.count > 1 ? graph : nil
        }
    }

    private init(_ target: String, _ files: [SourceFile]) {
        self.target = target
        var homes: [String: Set<String>] = [:]
        for file in files {
            for name in Self.declared(file) { homes[name, default: []].insert(Self.folder(of: file)) }
        }
        // A name that two folders declare says nothing about whose is meant.
        let known = homes.compactMapValues { $0.count == 1 ? $0.first : nil }
        var uses: [String: Set<String>] = [:]
        for file in files {
            let folder = Self.folder(of: file)
            let named = file.code.flatMap { line in line.split { !($0.isLetter || $0.isNumber || $0 == "_") } }
            let used = Set(named.compactMap { known[String($0)] }).subtracting([folder])
            uses[folder, default: []].formUnion(used)
        }
        self.uses = uses
    }

    /// `Sources/Flow/Pipeline/Stages/A.swift` stands in `Stages`.
    private static func folder(of file: SourceFile) -> String {
        let inside = file.path.split(separator: "/").dropFirst(3).dropLast()
        return inside.isEmpty ? "." : inside.joined(separator: "/")
    }

    /// The types that a file declares for others: not in another type, and not private.
    private static func declared(_ file: SourceFile) -> [String] {
        file.code.compactMap { line in
            guard let first = line.first, first != " ", first != "}" else { return nil }
            let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
            guard
                let at = words.firstIndex(where: { ["struct", "class", "enum", "actor", "protocol", "typealias"].contains($0) }),
                at + 1 < words.count, !words[..<at].contains("private"), !words[..<at].contains("fileprivate"),
                !words[..<at].contains("extension")
            else { return nil }
            return String(words[at + 1])
        }
    }

    /// The sets of folders in which each reaches each, in order.
    var cycles: [Set<String>] {
        var reached: [String: Set<String>] = [:]
        for folder in uses.keys {
            var open = [folder]
            var seen: Set<String> = []
            while let next = open.popLast() {
                for other in uses[next] ?? [] where seen.insert(other).inserted { open.append(other) }
            }
            reached[folder] = seen
        }
        let knots = Set(
            uses.keys.compactMap { folder -> Set<String>? in
                guard let mine = reached[folder], mine.contains(folder) else { return nil }
                return mine.filter { reached[$0]?.contains(folder) == true }
            })
        return knots.sorted { $0.sorted().joined() < $1.sorted().joined() }
    }
}

extension Rules {
    /// Folders that still use one another in a circle, by target. The table only grows shorter.
    static let folderCycles: [String: [Set<String>]] = [
        "DropWatch": [["Claiming", "Explaining", "Rules", "System", "Watching"]],
        "HomeConfiguration": [[".", "Reading", "Settings"]],
        "HomeReports": [["Home", "Output", "System"]],
        "Pipeline": [[".", "Acting", "Judging", "Ledger", "Life", "Stages"]],
        "TwinAPI": [["Access", "Routes", "Server"]],
        "TwinDropPluginSDK": [[".", "Settings", "Values"]],
        "TwinModel": [[".", "DTDL", "DTDL/Facts", "DTDL/Reading", "DTDL/Rules", "DTDL/Text", "Query"]],
        "TwinStore": [
            ["Apply", "Apply/Commit", "Apply/Comparing", "Apply/Validation"],
            ["Engine", "Engine/Entities", "Engine/Raw"],
        ],
        "twindrop": [[".", "Commands", "Output"]],
    ]

    /// Folders of a target use one another in one direction only, but for those of the table; and what the table has is there.
    static func noFolderCycles(_ files: [SourceFile], listed: [String: [Set<String>]] = folderCycles) -> [Finding] {
        let graphs = FolderGraph.all(files)
        let fresh = graphs.flatMap { graph in
            graph.cycles.filter { cycle in !(listed[graph.target] ?? []).contains { cycle.isSubset(of: $0) } }.map { cycle in
                Finding(path: graph.target, line: 1, message: "the folders \(cycle.sorted()) use one another in a circle.")
            }
        }
        let found = Dictionary(uniqueKeysWithValues: graphs.map { ($0.target, $0.cycles) })
        let gone = listed.sorted { $0.key < $1.key }.flatMap { target, cycles in
            cycles.filter { found[target]?.contains($0) != true }.map { cycle in
                Finding(
                    path: target, line: 1, message: "the circle of \(cycle.sorted()) is smaller now: cut Rules.folderCycles.")
            }
        }
        return fresh + gone
    }
}

@Suite struct `Folders of a target` {
    @Test func `use one another in one direction`() { #expect(Rules.noFolderCycles(Repository.files) == []) }

    private func files(_ texts: [(String, String)]) -> [SourceFile] {
        texts.map { SourceFile(path: "Sources/Flow/Pipeline/" + $0.0, text: $0.1) }
    }

    @Test func `are found when they use one another`() {
        let circle = files([
            ("A.swift", "final class A { let b: B }"), ("Inner/B.swift", "package struct B {}\nextension C {}"),
            ("Other/C.swift", "enum C { static let a: A? = nil }"), ("Leaf/D.swift", "struct D { let b: B }"),
        ])
        #expect(FolderGraph.all(circle).map(\.cycles) == [[[".", "Inner", "Other"]]])
        #expect(Rules.noFolderCycles(circle, listed: [:]).count == 1)
        #expect(Rules.noFolderCycles(circle, listed: ["Pipeline": [[".", "Inner", "Other"]]]) == [])
        // The table has more than there is.
        #expect(Rules.noFolderCycles(circle, listed: ["Pipeline": [[".", "Inner", "Leaf", "Other"]]]).count == 1)
    }

    @Test func `are left when they only look like it`() {
        let fine = files([
            ("A.swift", "struct A { let b: B }  // C and D."), ("Inner/B.swift", "struct B { let text = \"A\" }"),
            ("Inner/C.swift", "private struct E {}\nstruct Twice {}"),
            ("Other/D.swift", "struct D { let e: E }\nstruct Twice {}"),
            ("Other/F.swift", "struct F { struct B {} }"),
        ])
        #expect(FolderGraph.all(fine).allSatisfy { $0.cycles.isEmpty })
    }
}
