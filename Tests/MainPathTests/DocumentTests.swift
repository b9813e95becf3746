import Foundation
import Testing
import TwinModel

/// The folder of the package: where README.md is.
let package: String = {
    let tests = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
    return tests.deletingLastPathComponent().deletingLastPathComponent().path
}()

@Suite(.serialized) struct `The command line` {
    @Test func `shows an example in the help of every command`() throws {
        let help = try JSON(parsing: Array(Program.run(Program.twindrop, ["--experimental-dump-help"]).bytes))
        let commands = Self.commands(in: try #require(help["command"]), below: [])
        #expect(commands.count > 25)
        for command in commands {
            let ended = try Program.run(Program.twindrop, command + ["--help"])
            #expect(ended.code == 0)
            let example = "  twindrop " + (command.isEmpty ? "init" : command.joined(separator: " "))
            #expect(ended.out.contains(example), "\(command): \(ended.out)")
        }
    }

    private static func commands(in command: JSON, below path: [String]) -> [[String]] {
        let more = (command["subcommands"]?.elements ?? []).filter { $0["commandName"] != "help" }
        return [path] + more.flatMap { commands(in: $0, below: path + [$0["commandName"]?.string ?? ""]) }
    }

    @Test(arguments: [["drop"], ["drop", "a", "b"], ["status", "--nothing"], ["drops", "--limit", "x"]])
    func `says a mistake of its caller in the form of all errors`(words: [String]) throws {
        let ended = try Program.run(Program.twindrop, words)
        #expect(ended.code == 64 && ended.err.hasPrefix("twindrop: ") && !ended.err.contains("Error:"), "\(ended)")
    }

    @Test func `says its version`() throws {
        #expect(try Program.run(Program.twindrop, ["--version"]).out.hasPrefix("0."))
    }
}

@Suite(.serialized) struct `The README` {
    @Test func `has five commands that work as they are written`() throws {
        let text = try String(contentsOfFile: package + "/README.md", encoding: .utf8)
        let section = try #require(text.components(separatedBy: "## Five commands").last)
        let block = try #require(
            section.components(separatedBy: "```sh\n").dropFirst().first?.components(separatedBy: "```").first)
        let lines = block.split(separator: "\n").map(String.init)
        #expect(lines.count == 5)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("td-readme-\(UUID().uuidString.prefix(8))")
            .path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = "set -eu\nPATH=\"$1:$PATH\"\ntrap 'kill -TERM $(jobs -p); wait' EXIT\n" + block
        let ended = try Program.run("/bin/bash", ["-c", script, "readme", Program.folder], in: folder)
        #expect(ended.code == 0, "\(ended.err)")
        for words in ["4 created", "\"status\": \"active\"", "The archive is whole."] {
            #expect(ended.out.contains(words), "\(ended.out)")
        }
    }
}

@Suite(.serialized) struct `What --json prints` {
    @Test func `is as the published schemas say`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot") + "  doors: {plugin: door-counter, ready: {rule: rename}}\n")
        let daemon = try Daemon(home)
        var samples: [(schema: String, json: JSON)] = []
        let first = try home.drop("1.csv", Sample.assets(1...40), to: "assets")
        samples.append(("receipt", first))
        samples.append(("receipt", try home.drop("1.csv", Sample.assets(1...40), to: "assets")))
        samples.append(("receipt", try home.drop("2.csv", Sample.assets(1...4), to: "assets", code: 1)))
        samples.append(("receipt", try home.drop("3.csv", "<html>\n", to: "assets", code: 1)))
        samples.append(
            ("receipt", try home.drop("4.csv", Sample.assets(1...40) + Sample.asset(41, status: "lost"), to: "assets")))
        try home.drop("doors.cnt", Sample.doors, to: "doors")
        for one in try home.list("waiting") { samples.append(("waiting-relationship", one)) }
        samples.append(("status", try home.ask("status")))
        samples.append(("drop", try home.ask("discard", "2.csv")))
        samples.append(("drop", try home.ask("retry", "3.csv", "--force", code: 1)))
        #expect(try daemon.end() == 0)
        samples.append(("status", try home.ask("status")))
        for drop in try home.list("drops") { samples.append(("drop", drop)) }
        samples.append(("drop", try home.ask("show", "4.csv")))
        samples.append(("drop", try home.ask("show", "4.csv", "--diff")))
        samples.append(("drop", try home.ask("show", "1.csv")))
        for batch in try home.list("batches") { samples.append(("batch", batch)) }
        samples.append(("verify", try home.ask("verify", "--prove", first["drop"]?.string ?? "")))
        samples.append(("verify", try home.ask("verify", "--full")))
        #expect(Set(samples.map(\.schema)) == ["receipt", "status", "drop", "batch", "verify", "waiting-relationship"])
        try Self.check(samples, home)
    }

    /// With Python's jsonschema where it is installed, else by the names of members alone.
    private static func check(_ samples: [(schema: String, json: JSON)], _ home: Home) throws {
        let schemas = package + "/docs/schemas"
        guard try Program.tool("python3", "-c", "import jsonschema, referencing").code == 0 else {
            print("What --json prints: no jsonschema for python3, so only required and unknown members are checked")
            for sample in samples { try checkMembers(sample.json, schemas + "/\(sample.schema).schema.json") }
            return
        }
        print("What --json prints: checked with python3's jsonschema")
        let lines = samples.map { JSON.object([.init("schema", .string($0.schema)), .init("value", $0.json)]).text() }
        let file = try home.file("samples.ndjson", lines.joined(separator: "\n"))
        let program = """
            import json, sys, pathlib, referencing, jsonschema
            found = {p.name: json.loads(p.read_text()) for p in pathlib.Path(sys.argv[1]).glob("*.schema.json")}
            registry = referencing.Registry().with_resources(
                (name, referencing.Resource.from_contents(schema)) for name, schema in found.items())
            for line in open(sys.argv[2]):
                sample = json.loads(line)
                schema = found[sample["schema"] + ".schema.json"]
                jsonschema.Draft202012Validator.check_schema(schema)
                for error in jsonschema.Draft202012Validator(schema, registry=registry).iter_errors(sample["value"]):
                    print(sample["schema"], error.json_path, error.message)
            """
        let ended = try Program.tool("python3", "-c", program, schemas, file)
        #expect(ended.code == 0, "\(ended.err)")
        #expect(ended.out == "")
    }

    private static func checkMembers(_ json: JSON, _ path: String) throws {
        let schema = try JSON(parsing: Array(Data(contentsOf: URL(fileURLWithPath: path))))
        let names = json.members?.map(\.name) ?? []
        let known = schema["properties"]?.members?.map(\.name) ?? []
        for name in schema["required"]?.elements ?? [] { #expect(names.contains(name.string ?? ""), "\(path): \(name)") }
        if schema["additionalProperties"] == .bool(false) { #expect(Set(names).isSubset(of: known), "\(path)") }
    }
}
