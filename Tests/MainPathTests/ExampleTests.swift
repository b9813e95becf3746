import Foundation
import Testing
import TwinModel

/// What documents and help show a reader to type is run as it stands there, each page in a fresh home.
@Suite(.serialized) struct `Every example` {
    // MARK: A home to run in

    /// A fresh folder with the home `factory` in it, as a reader has it after the README's five commands; a held drop, a broken
    /// one and the files that a page says to have.
    private final class Place {
        let folder: String
        var home: String { folder + "/factory" }

        init() throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("td-page-\(UUID().uuidString.prefix(8))").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try expect("init", "factory", "--home", home)
            try expect("drop", home + "/samples/assets.csv", "--source", "assets", "--wait", "--home", home)
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        private func expect(_ arguments: String..., code: Int32 = 0) throws {
            let ended = try Program.run(Program.twindrop, arguments, in: folder)
            try #require(ended.code == code, "\(arguments): \(ended.err)")
        }

        /// What operators act on: a drop that is held, and one that is quarantined.
        func addTrouble() throws {
            let sample = try String(contentsOfFile: home + "/samples/assets.csv", encoding: .utf8)
            let many = sample + (1...40).map { Sample.asset($0) }.joined()
            try drop("many.csv", many)
            try drop("assets-2026-11-21.csv", Sample.assets(1...2), code: 1)
            // The file is right; the source is not, and is corrected then: so a retry comes to a good end.
            let configuration = URL(fileURLWithPath: home + "/twindrop.yaml")
            let right = try String(contentsOf: configuration, encoding: .utf8)
            let wrong = right.replacing(
                "    plugin: asset-inventory\n", with: "    plugin: asset-inventory\n    sequence: day_{n}.csv\n")
            try #require(wrong != right)
            try Data(wrong.utf8).write(to: configuration)
            try drop("broken.csv", many + Sample.asset(41), code: 1)
            try Data(right.utf8).write(to: configuration)
        }

        private func drop(_ name: String, _ text: String, code: Int32 = 0) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
            try expect("drop", folder + "/" + name, "--source", "assets", "--wait", "--home", home, code: code)
        }

        func run(_ script: String, in subfolder: String = "/factory") throws -> Program.Ended {
            let head = "set -eu\nPATH=\"$1:$PATH\"\ntrap 'kill -TERM $(jobs -p) 2>/dev/null || true; wait' EXIT\n"
            return try Program.run(
                "/bin/bash", ["-c", head + script, "example", Program.folder], in: folder + subfolder,
                environment: subfolder.isEmpty ? [:] : ["TWINDROP_HOME": home], seconds: 120)
        }
    }

    // MARK: Help

    /// The lines of a help text that show a call.
    private static func examples(in help: String) -> [String] {
        let lines = help.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let start = lines.firstIndex(where: { $0 == "Example:" || $0 == "Examples:" || $0.hasPrefix("A first home") })
        else {
            return []
        }
        return lines[(start + 1)...].drop(while: \.isEmpty).prefix { $0.hasPrefix("  twindrop ") }.map { String($0.dropFirst(2)) }
    }

    @Test func `of every help succeeds`() throws {
        let reading = try Place()
        var count = 0
        for leaf in try EveryCommand.leaves() {
            let help = try Program.run(Program.twindrop, leaf + ["--help"], environment: ["COLUMNS": "500"]).out
            let examples = Self.examples(in: help)
            #expect(!examples.isEmpty, "\(leaf) shows no example: \(help)")
            let acts = ["init", "run", "drop", "retry", "release", "discard", "restore", "backup", "forget-names"].contains(
                leaf[0])
            for example in examples {
                count += 1
                let place = acts ? try Place() : reading
                if ["retry", "release", "discard"].contains(leaf[0]) { try place.addTrouble() }
                var script = example
                // A daemon runs until it is ended.
                if example == "twindrop run" { script = "twindrop run > ready & sleep 0; until grep -q ready ready; do :; done" }
                if leaf == ["restore"] { script = "twindrop backup nightly.twindb && " + example }
                if leaf == ["retry"] { script = "cp ../broken.csv broken-corrected.csv && " + example }
                if leaf == ["drop"] { script = "cp samples/assets.csv samples/more.csv && " + example }
                let outside = example.contains("--home factory") || example == "twindrop init factory"
                if example == "twindrop init factory" { script = "rm -r factory && " + example }
                let ended = try place.run(script, in: outside ? "" : "/factory")
                #expect(ended.code == 0, "\(example): \(ended.out)\(ended.err)")
            }
        }
        #expect(count > 45)
    }

    @Test func `of the first help makes a home that works`() throws {
        let help = try Program.run(Program.twindrop, ["--help"], environment: ["COLUMNS": "500"]).out
        let examples = Self.examples(in: help)
        #expect(examples.count == 3)
        let place = try Place()
        let ended = try place.run("rm -r factory\n" + examples.joined(separator: "\n"), in: "")
        #expect(ended.code == 0, "\(ended.err)")
        #expect(ended.out.contains("4 created"))
    }

    // MARK: Pages

    /// A fenced block of shell commands, and what its fence says: ```sh NOTE.
    private struct Block {
        let page: String
        let note: String
        let text: String
    }

    /// Every page that a reader may copy commands from.
    private static func pages() throws -> [String] {
        let files = FileManager.default
        let pages = try files.contentsOfDirectory(atPath: package + "/docs").filter { $0.hasSuffix(".md") }.map { "docs/" + $0 }
        let plugins = try files.contentsOfDirectory(atPath: package + "/Plugins").map { "Plugins/\($0)/README.md" }
        return ["README.md"] + (pages + plugins.filter { files.fileExists(atPath: package + "/" + $0) }).sorted()
    }

    private static func blocks() throws -> [Block] {
        return try pages().flatMap { page in
            let text = try String(contentsOfFile: package + "/" + page, encoding: .utf8)
            return ("\n" + text).components(separatedBy: "\n```sh").dropFirst().map { rest in
                let note = rest.prefix { $0 != "\n" }
                let body = rest.dropFirst(note.count + 1).components(separatedBy: "\n```")[0]
                return Block(page: page, note: note.trimmingCharacters(in: .whitespaces), text: body)
            }
        }
    }

    /// Pages whose blocks other tests run, because they need more than a home: the suite's name.
    private static let elsewhere = [
        "docs/archive-format.md": "FormatTests", "docs/plugin-abi.md": "PluginHostTests/DocumentTests",
    ]

    @Test func `of every page succeeds, in the order of the page`() throws {
        let blocks = try Self.blocks()
        #expect(blocks.count > 8)
        for page in Set(blocks.map(\.page)).sorted() where Self.elsewhere[page] == nil {
            let shown = blocks.filter { $0.page == page }
            for block in shown where block.note.hasPrefix("not-run") {
                #expect(block.note.hasPrefix("not-run: ") && block.note.count > 15, "\(page): a block that is not run says why")
            }
            let run = shown.filter { !$0.note.hasPrefix("not-run") }
            guard !run.isEmpty else { continue }
            let place = try Place()
            if page == "docs/command-line.md" { try place.addTrouble() }
            let isFirst = page == "README.md"
            // A plugin is built in a checkout, which a test leaves as it is.
            let checkout = "ln -s \(package)/Sources \(package)/Plugins . && mkdir -p plugins\n"
            let start = page == "docs/twin-api.md" ? Self.daemon : page.hasPrefix("Plugins/") ? checkout : ""
            let ended = try place.run(
                (isFirst ? "rm -r factory\n" : "") + start + run.map(\.text).joined(separator: "\n"),
                in: isFirst ? "" : "/factory")
            #expect(ended.code == 0, "\(page): \(ended.out)\(ended.err)")
        }
    }

    /// Pages whose commands take minutes or more, in a checkout.
    private static let forDevelopers: Set = [
        "docs/benchmarks.md", "docs/crash-tests.md", "docs/fuzzing.md", "docs/sanitizers.md", "docs/simulation.md",
    ]

    private static let daemon = "twindrop run --listen 127.0.0.1:0 > ready &\nuntil grep -q ready ready; do :; done\n"

    @Test func `that is not run says why, and no page is forgotten`() throws {
        for page in Self.elsewhere.keys {
            #expect(try Self.blocks().contains { $0.page == page }, "\(page) has no block any more")
        }
        let blocks = try Self.blocks()
        for page in try Self.pages() {
            // A command that stands in no ```sh block is never tried.
            let text = try String(contentsOfFile: package + "/" + page, encoding: .utf8)
            let loose = text.split(separator: "\n").filter { line in
                ["    $ ", "    twindrop ", "    make ", "    python3 ", "    rsync "].contains { line.hasPrefix($0) }
            }
            #expect(loose.isEmpty, "\(page): \(loose)")
            let shown = blocks.filter { $0.page == page }
            let needsRun = !Self.forDevelopers.contains(page) && !shown.isEmpty
            #expect(!needsRun || shown.contains { !$0.note.hasPrefix("not-run") }, "\(page): none of its commands is run")
        }
    }
}
