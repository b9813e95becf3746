import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `What does not exist` {
    /// Calls that ask for something that is not there.
    private static let calls: [[String]] = [
        ["verify", "--anchor", "nothing.json"], ["verify", "--prove", "nothing.csv"], ["verify", "--archive", "nowhere"],
        ["batches", "--archive", "nowhere"], ["archive", "list", "--archive", "nowhere"],
        ["archive", "list", "--from", "tomorrow"],
        ["archive", "list", "--from", "2999-01-01"], ["archive", "list", "--through", "2999-01-01"],
        ["archive", "list", "--from", "2026-11"], ["archive", "list", "--from", "2026-02-30"],
        ["archive", "list", "--from", "2025-01-02", "--through", "2025-01-01"], ["archive", "list", "--source", "nobody"],
        ["archive", "cat", "nothing.csv"], ["archive", "extract", "nothing.csv", "--into", "e"],
        ["twin", "asset-FL-1", "--as-of", "#99"], ["twin", "asset-FL-1", "--as-of", "#"],
        ["twin", "asset-FL-1", "--as-of", "#-1"],
        ["twin", "asset-FL-1", "--as-of", "2999-01-01T00:00"], ["twin", "asset-FL-1", "--as-of", "2026-11-21T08"],
        ["twin", "asset-FL-1", "--as-of", "2026-11-21T08:30+"], ["twin", "asset-FL-1", "--as-of", "2026-1-1"],
        ["twin", "asset-FL-1", "--as-of", "+2026-01-01"], ["twin", "asset-FL-1", "--as-of", "2026-01-01T1e1:00"],
        ["query", "SELECT * FROM DIGITALTWINS", "--as-of", "#99"], ["twin", "nothing"], ["explain", "nothing"],
        ["explain", "asset-FL-1", "/nothing"], ["explain", "asset-FL-1/nothing"], ["history", "nothing"],
        ["history", "asset-FL-1/nothing"], ["history", "asset-FL-1.status"], ["history", "asset-FL-1", "--limit", "0"],
        ["drops", "--source", "nobody"], ["drops", "--state", "lost"], ["drops", "--state", ""], ["drops", "--limit", "-1"],
        ["show", "nothing.csv"], ["waiting", "--source", "nobody"], ["waiting", "--drop", "nothing.csv"],
        ["plan", "nothing.csv", "--source", "assets"], ["plan", "/dev/null", "--source", "assets"],
        ["plan", "--drop", "nothing.csv"],
        ["drop", "nothing.csv", "--source", "assets"], ["retry", "nothing.csv"], ["release", "nothing.csv"],
        ["discard", "nothing.csv"], ["models", "show", "dtmi:x:y;1"], ["models", "validate", "nothing.json"],
        ["models", "upload", "nothing.json"], ["models", "list", "--dependencies", "dtmi:x:y;1"],
        ["plugin", "inspect", "nothing"], ["why", "nothing.csv"], ["why", "dropzone/assets/nothing.csv"],
        ["backup", "nowhere/b.twindb"], ["drop", "twindrop.yaml", "--source", "assets", "--as", "../x.csv"],
        ["plugin", "inspect", "./nothing.so"], ["restore", "nothing.db"], ["bench", "--totals", "nothing"],
    ]

    @Test(arguments: [true, false]) func `is an error, in a home with drops and in a new one`(isNew: Bool) throws {
        let home = try Home(Sample.sources)
        if !isNew { try home.drop("a.csv", Sample.assets(1...3), to: "assets") }
        for call in Self.calls where !(isNew && call[0] == "bench") {
            let ended = try Program.run(Program.twindrop, call + ["--home", home.path])
            #expect(ended.code == 1 || ended.code == 64, "\(call) ended with \(ended.code): \(ended.out)\(ended.err)")
            #expect(ended.out.isEmpty, "\(call) answered \(ended.out)")
            #expect(!ended.err.isEmpty, "\(call) says nothing")
        }
    }

    @Test(arguments: [["frobnicate"], ["archive", "frobnicate"]]) func `has no help`(words: [String]) throws {
        let ended = try Program.run(Program.twindrop, ["help"] + words)
        #expect(ended.code == 64 && ended.err.contains("frobnicate"), "\(ended.out)\(ended.err)")
        #expect(try Program.run(Program.twindrop, ["help", "archive", "list"]).out.contains("twindrop archive list"))
    }

    @Test func `is not said of an archive that a seal proves`() throws {
        let home = try Home(Sample.sources)
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        let day = try #require(home.names(in: "archive/seals").last)
        let seal = try #require(home.names(in: "archive/seals/" + day).last)
        let other = try Home(Sample.sources)
        try FileManager.default.copyItem(atPath: home.path + "/archive/seals/\(day)/\(seal)", toPath: other.path + "/seal.json")
        let ended = try other.run("verify", "--anchor", other.path + "/seal.json")
        #expect(ended.code == 1)
        #expect(!ended.out.contains("Nothing has been archived yet."))
        #expect(try other.run("verify").code == 0)
        #expect(
            try other.run("verify", "--anchor", other.path + "/twindrop.yaml", "--archive", home.path + "/archive").code == 64)
    }
}

@Suite(.serialized) struct `A time` {
    @Test func `is read with any offset, and shown in local time where that is asked for`() throws {
        let home = try Home(Sample.sources)
        let receipt = try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        let year = try #require(receipt["claimedAt"]?.string).prefix(10)
        for text in ["\(year)", "\(year)T00:00Z", "\(year)T00:00+14:00", "\(year)t00:00:00.000z", "\(year) 00:00"] {
            #expect(try home.run("archive", "list", "--from", text).code == 0, "\(text)")
        }
        let id = try #require(receipt["drop"]?.string)
        let zone = ["TZ": "XXX-05:30"]
        func run(_ more: [String]) throws -> String {
            try Program.run(Program.twindrop, ["show", id, "--home", home.path] + more, environment: zone).out
        }
        #expect(try run(["--local"]).contains("+05:30"))
        #expect(try !run([]).contains("+05:30"))
        #expect(try !run(["--local", "--json"]).contains("+05:30"))
    }
}

@Suite(.serialized) struct `A call that is mistyped` {
    @Test func `is told the command that may be meant, and where options stand`() throws {
        func said(_ words: String...) throws -> String {
            let ended = try Program.run(Program.twindrop, words)
            #expect(ended.code == 64 && ended.out.isEmpty, "\(words) ended with \(ended.code): \(ended.out)")
            return ended.err
        }
        #expect(try said("stauts").contains("Did you mean status?"))
        let list = try said("archive", "lsit")
        #expect(list.contains("There is no command twindrop archive lsit.") && list.contains("Did you mean list?"), "\(list)")
        #expect(try said("frobnicate").contains("`twindrop --help` lists the commands."))
        for words in [["--home", "x", "status"], ["--home=x", "status"]] {
            let ended = try Program.run(Program.twindrop, words)
            #expect(ended.code == 64 && ended.err.contains("Put it behind"), "\(ended.err)")
        }
    }

    @Test func `names no drop with an empty text`() throws {
        let home = try Home(Sample.assetsSource())
        let drop = try home.drop("bad.csv", "<html>\n", to: "assets", code: 1)
        for call in [
            ["show", ""], ["retry", ""], ["discard", "", "--reason", "x"], ["archive", "cat", ""], ["plan", "--drop", ""],
        ] {
            let ended = try Program.run(Program.twindrop, call + ["--home", home.path])
            #expect(ended.code == 64, "\(call) ended with \(ended.code): \(ended.out)\(ended.err)")
        }
        #expect(try home.ask("show", #require(drop["drop"]?.string))["state"] == "quarantined")
    }
}

@Suite(.serialized) struct `A pipe that nobody reads` {
    @Test(arguments: [["status"], ["drops"], ["doctor"], ["history", "asset-FL-1"], ["show", "a.csv", "--diff"]])
    func `ends a command with 74`(call: [String]) throws {
        let home = try Home(Sample.assetsSource())
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        let script =
            "import os, subprocess, sys; r, w = os.pipe(); os.close(r); "
            + "print(subprocess.run(sys.argv[1:], stdout=w).returncode)"
        let ended = try Program.run(
            "/usr/bin/env", ["python3", "-c", script, Program.twindrop] + call + ["--home", home.path])
        #expect(ended.out == "74\n", "\(call): \(ended.out)\(ended.err)")
    }
}

@Suite(.serialized) struct `A command that has nothing to do` {
    @Test func `says that a folder is ours already`() throws {
        let home = try Home(Sample.assetsSource())
        try home.drop("a.csv", Sample.assets(1...1), to: "assets")
        #expect(try home.shown("source", "adopt", "assets").contains("is ours already: nothing changed"))
        #expect(try home.ask("source", "adopt", "assets")["adopted"]?.elements?.first?["wasOurs"] == true)
        _ = try home.run("run", "--once")
        let chain = try home.text(of: "archive/chain.log")
        #expect(!chain.contains("\"adopt\""), "nothing was done, and nothing is on record: \(chain)")
    }

    @Test func `makes no home among other files unless it is told the folder`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("td-init-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data().write(to: URL(fileURLWithPath: folder + "/letter.txt"))
        let refused = try Program.run(Program.twindrop, ["init"], in: folder)
        #expect(refused.code == 64 && refused.err.contains("`twindrop init .`"), "\(refused.err)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["letter.txt"])
        #expect(try Program.run(Program.twindrop, ["init", "."], in: folder).code == 0)
    }
}
