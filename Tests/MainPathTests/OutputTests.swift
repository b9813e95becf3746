import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `What every command prints` {
    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == "\n" { return true }
        return switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate: false
        default: scalar != "\u{FFFD}"
        }
    }

    private static func expectHarmless(_ ended: Program.Ended, _ call: [String]) {
        for (stream, text) in [("stdout", ended.out), ("stderr", ended.err)] {
            let bad = text.unicodeScalars.filter { !isHarmless($0) }.map { String($0.value, radix: 16) }
            #expect(bad.isEmpty, "\(call) lets \(Set(bad)) through on \(stream)")
        }
    }

    @Test func `holds no sign that steers a terminal, whatever strangers wrote`() throws {
        let every = try EveryCommand()
        let calls = try every.calls()
        for leaf in try EveryCommand.leaves() {
            #expect(calls.contains { $0.starts(with: leaf) }, "no call of \(leaf.joined(separator: " ")) is tried")
        }
        let plain = ["--help", "--version", "init", "token", "run", "retry", "release", "discard", "drop"]
        for call in calls {
            Self.expectHarmless(try Program.run(Program.twindrop, every.arguments(call)), call)
            guard !plain.contains(call[0]), call[0] != EveryCommand.hostile, !call.contains("--format") else { continue }
            let asJSON = try Program.run(Program.twindrop, every.arguments(call) + ["--json"])
            Self.expectHarmless(asJSON, call + ["--json"])
        }
    }

    @Test func `says the same text in JSON, with its signs escaped`() throws {
        let every = try EveryCommand()
        let bad = EveryCommand.hostile
        let ended = try every.home.run("twin", try every.id(ofVehicle: false), "--json")
        #expect(ended.out.contains("\\u202e") && ended.out.contains("\\u001b") && ended.out.contains("\\u009b"))
        #expect(try ended.json().first?["name"]?.string.map { Array($0.utf8) } == Array(bad.utf8))
        // A name is taken as the system has it, and as it is shown.
        let shown = try #require(try every.home.list("drops").compactMap { $0["file"]?.string }.first { $0.hasPrefix("=h") })
        #expect(try every.home.ask("show", shown)["drop"] == every.home.ask("show", bad + ".csv")["drop"])
        #expect(try every.home.run("archive", "extract", shown, "--into", every.home.path + "/e").code == 0)
    }

    /// Runs a call with a stdout that takes nothing.
    private static func full(_ arguments: [String]) throws -> Program.Ended {
        try Program.run("/bin/bash", ["-c", #"exec "$@" > /dev/full"#, "full", Program.twindrop] + arguments)
    }

    @Test func `is an error with the code 74 where it cannot be written`() throws {
        let every = try EveryCommand()
        var tried: Set<String> = []
        for call in try every.calls() where call != ["run", "--once"] {
            let arguments = every.arguments(call)
            // What prints nothing on stdout has nothing to fail at: it is asked first, where asking changes nothing.
            let acts = ["retry", "release", "discard", "drop", "backup", "export", "init", "archive"]
            if !acts.contains(call[0]), try Program.run(Program.twindrop, arguments).out.isEmpty { continue }
            if acts.contains(call[0]), arguments.contains(EveryCommand.hostile), call[0] != "init" { continue }
            let ended = try Self.full(arguments)
            if ended.code == 64 || (ended.code == 1 && call[0] == "archive") { continue }
            #expect(ended.code == 74, "\(call) ended with \(ended.code): \(ended.err)")
            #expect(ended.err.contains("written"), "\(call): \(ended.err)")
            tried.insert(call[0])
        }
        let silent: Set<String> = ["run", "token", "restore"]
        for leaf in try EveryCommand.leaves() where !silent.contains(leaf[0]) {
            #expect(tried.contains(leaf[0]), "\(leaf[0]) was never tried with a full output")
        }
        // What a command did is done, whether or not it could be told.
        #expect(try every.home.ask("show", "held-b.csv")["state"] == "discarded")
        #expect(try Self.full(["run", "--home", every.home.path]).code == 74)
    }

    @Test func `fits a narrow terminal`() throws {
        let home = try Home(Sample.sources)
        try home.drop("a.csv", Sample.assets(1...2), to: "assets")
        let wide = try home.shown("drops")
        let id = try #require(try home.list("drops").first?["drop"]?.string)
        #expect(wide.split(separator: "\n").count == 2)
        let narrow = try Program.run(Program.twindrop, ["drops", "--home", home.path], environment: ["COLUMNS": "40"]).out
        #expect(narrow.contains(id) && narrow.split(separator: "\n").allSatisfy { $0.count <= 40 }, "\(narrow)")
    }

    @Test func `names the other drops of a file name`() throws {
        let home = try Home(Sample.sources)
        let first = try home.drop("a.csv", Sample.assets(1...2), to: "assets")["drop"]?.string ?? "-"
        let second = try home.drop("a.csv", Sample.assets(1...3), to: "assets")["drop"]?.string ?? "-"
        for call in [["show", "a.csv"], ["archive", "cat", "a.csv"], ["plan", "--drop", "a.csv"]] {
            let ended = try Program.run(Program.twindrop, call + ["--home", home.path])
            #expect(ended.code == 0)
            #expect(ended.err.contains(first) && ended.err.contains(second), "\(call): \(ended.err)")
        }
        #expect(try home.run("show", first).err.isEmpty)
    }
}

@Suite(.serialized) struct `A table for spreadsheets` {
    private static let formulas = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "＝1+1", " =1+1", "\t=1+1", "\u{200B}=1+1"]

    private func home() throws -> Home {
        let home = try Home(Sample.sources)
        var text = Sample.assetHeader
        for (index, formula) in Self.formulas.enumerated() { text += "F-\(index),\"\(formula)\",c,s,active,\n" }
        text += "N-1,-12.5,c,s,active,\nN-2,plain - text,c,s,active,\n"
        try home.drop("f.csv", text, to: "assets")
        return home
    }

    @Test func `computes nothing, unless raw values were asked for`() throws {
        let home = try home()
        let query = "SELECT name FROM DIGITALTWINS"
        let lines = try home.shown("query", query, "--format", "csv").split(separator: "\n").dropFirst().map(String.init)
        #expect(lines.count == Self.formulas.count + 2)
        for line in lines where line != "-12.5" && line != "plain - text" {
            #expect(line.hasPrefix("'") || line.hasPrefix("\"'"), "\(line)")
        }
        #expect(lines.contains("-12.5") && lines.contains("plain - text"))
        let raw = try home.run("query", query, "--format", "csv", "--raw")
        #expect(raw.code == 0)
        for formula in Self.formulas { #expect(raw.out.contains(formula), "\(formula)") }
        #expect(try home.run("query", query, "--raw").code == 64)
    }
}
