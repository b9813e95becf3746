import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `plan` {
    @Test(arguments: [true, false]) func `shows what a file would change, and changes nothing`(withDaemon: Bool) throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...20), to: "assets")
        let daemon = withDaemon ? try Daemon(home) : nil
        let before = try (home.list("twin", "--all"), home.ask("status")["graph"], home.list("drops"), home.ask("verify")["root"])
        let text = Sample.assets(1...18) + Sample.asset(19, status: "idle") + Sample.asset(21) + Sample.asset(22, status: "lost")
        let file = try home.file("2.csv", text)
        let plan = try home.ask("plan", file, "--source", "assets")
        #expect(plan[path: "books/operations/created"] == 1)
        #expect(plan[path: "books/operations/updated"] == 1)
        #expect(plan[path: "books/records/rejected"] == 1)
        let changes = plan["changes"]?.elements ?? []
        let updated = try #require(changes.first { $0["id"] == "asset-FL-19" })
        #expect(updated[path: "before/status"] == "active")
        #expect(updated[path: "after/status"] == "idle")
        #expect(plan["rejections"]?.elements?.first?["message"]?.string?.contains("status") == true)
        #expect(plan["rejections"]?.elements?.first?["line"] == 22)
        let shown = try home.shown("plan", file, "--source", "assets")
        #expect(shown.contains("(line 22, byte "), "\(shown)")
        #expect(shown.contains("status: \"active\" → \"idle\""), "\(shown)")
        #expect(shown.contains("Nothing was changed."))
        let after = try (home.list("twin", "--all"), home.ask("status")["graph"], home.list("drops"), home.ask("verify")["root"])
        #expect(before == after)
        if let daemon { #expect(try daemon.end() == 0) }
    }

    @Test func `reads a large file once more where it deletes twins and states relationships of them`() throws {
        let mapping = """
            twins:
              - id: "{id}"
                model: dtmi:com:example:Lift;1
                deleteWhen: { column: op, equals: d }
                properties: { note: note }
            relationships:
              - { source: "{id}", name: feeds, target: "{to}" }

            """
        let keys = "    ready: rename\n    dangling: reject\n    mapping: m.yaml\n"
        let home = try Home("sources:\n  s:\n    plugin: mapping\n" + keys, mappings: ["m.yaml": mapping])
        try home.drop("1.csv", "id,note,to,op\na,x,,\nb,x,,\n", to: "s")
        let filler = String(repeating: "n", count: 100)
        // More than is kept while a file is read for the first time.
        let rows = (0..<40_000).map { "t\($0),\(filler),,\n" }.joined()
        let file = try home.file("2.csv", "id,note,to,op\na,y,b,\n" + rows + "b,x,,d\n")
        let plan = try home.run("plan", file, "--source", "s", "--limit", "5")
        #expect(plan.code == 0 && plan.out.contains("would refuse record 1 (line 2, byte "), "\(plan.out)\(plan.err)")
        #expect(plan.out.contains("[dangling]") && plan.out.contains(" 1 to delete"), "\(plan.out)")
    }

    @Test func `says that a file would be held`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...40), to: "assets")
        let plan = try home.ask("plan", home.file("2.csv", Sample.assets(1...10)), "--source", "assets")
        #expect(plan["held"]?.string?.contains("30 of 40") == true)
    }

    @Test func `says why a file would be quarantined`() throws {
        let home = try Home(Sample.sources)
        let ended = try home.run("plan", home.file("2.csv", "<html>\n"), "--source", "assets")
        #expect(ended.code == 1)
        #expect(ended.err.contains("HTML"))
        #expect(ended.err.contains("2.csv"))
    }
}

@Suite(.serialized) struct `why` {
    private static let sources = """
        sources:
          assets:
            plugin: asset-inventory
            patterns: ["*.csv"]
            ready: {rule: stable, settle: 10m}
          quick:
            plugin: asset-inventory
            patterns: ["*.csv"]
            ready: {rule: close}

        """

    private enum Kind: String, CaseIterable {
        case writing, settling, pattern, temporary, symlink, fifo, processed, root, missing
    }

    private static let codes: [Kind: [String]] = [
        .writing: ["writer"], .settling: ["settling"], .pattern: ["unmatched-name"], .temporary: ["temporary-name"],
        .symlink: ["not-a-file"], .fifo: ["not-a-file"], .processed: ["gone"], .root: ["no-route"], .missing: ["gone"],
    ]

    @Test(arguments: [true, false]) func `says what is the matter with a file`(withDaemon: Bool) throws {
        let home = try Home(Self.sources)
        try home.drop("processed.csv", Sample.assets(1...1), to: "quick")
        let daemon = withDaemon ? try Daemon(home) : nil
        let folder = home.path + "/dropzone/quick/"
        let files = FileManager.default
        try files.createDirectory(atPath: home.path + "/dropzone/assets", withIntermediateDirectories: true)
        var writer: FileHandle?
        for kind in Kind.allCases {
            var path = folder + kind.rawValue + ".csv"
            switch kind {
            case .writing:
                // Open before the source sees it: made there, it would be closed for a moment.
                let beside = home.path + "/writing"
                _ = files.createFile(atPath: beside, contents: Data(Sample.assetHeader.utf8))
                writer = FileHandle(forWritingAtPath: beside)
                try files.moveItem(atPath: beside, toPath: path)
            case .settling:
                path = home.path + "/dropzone/assets/settling.csv"
                _ = files.createFile(atPath: path, contents: Data(Sample.assets(1...1).utf8))
            case .pattern:
                path = folder + "pattern.txt"
                _ = files.createFile(atPath: path, contents: Data("x".utf8))
            case .temporary:
                path = folder + "temporary.csv.part"
                _ = files.createFile(atPath: path, contents: Data("x".utf8))
            case .symlink: try files.createSymbolicLink(atPath: path, withDestinationPath: "/etc/passwd")
            case .fifo: #expect(try Program.tool("mkfifo", path).code == 0)
            case .root:
                path = home.path + "/dropzone/root.bin"
                _ = files.createFile(atPath: path, contents: Data("x".utf8))
            case .processed, .missing: break
            }
            let answer = try home.ask("why", path, code: kind == .missing ? 64 : 0)
            #expect(Self.codes[kind]?.contains(answer["code"]?.string ?? "") == true, "\(kind): \(answer.text())")
            #expect(answer["sentences"]?.elements?.isEmpty == false)
            if kind == .processed {
                #expect(answer["drop"] != nil)
                #expect(answer["sentences"]?.elements?.last?.string?.contains("claimed at") == true)
            }
        }
        withExtendedLifetime(writer) {}
        #expect(files.fileExists(atPath: folder + "symlink.csv"))
        if let daemon { #expect(try daemon.end() == 0) }
    }
}

@Suite(.serialized) struct `Whoever asks` {
    @Test func `is told that a folder is one`() throws {
        let home = try Home(Sample.assetsSource())
        try home.drop("a.csv", Sample.assets(1...1), to: "assets")
        let answer = try home.ask("why", home.path + "/dropzone/assets")
        #expect(answer["code"] == "not-a-file" && answer["source"] == "assets", "\(answer.text())")
        #expect(
            answer["sentences"]?.elements?.first?.string?.contains("is a folder, in which files of source assets land") == true)
    }

    @Test func `is told that no daemon runs, where a file is handed over and not waited for`() throws {
        let home = try Home(Sample.assetsSource())
        let said = try home.shown("drop", home.file("a.csv", Sample.assets(1...1)), "--source", "assets")
        #expect(said.contains("No daemon runs"), "\(said)")
        let daemon = try Daemon(home)
        let other = try home.shown("drop", home.file("b.csv", Sample.assets(2...2)), "--source", "assets")
        #expect(!other.contains("No daemon runs"), "\(other)")
        #expect(try daemon.end() == 0)
    }
}

@Suite(.serialized) struct `A bare name` {
    @Test func `is told why of, in a folder of a source and among the drops`() throws {
        let home = try Home(Sample.assetsSource("patterns: [\"*.csv\"]"))
        let id = try #require(try home.drop("a.csv", Sample.assets(1...1), to: "assets")["drop"]?.string)
        for name in ["a.csv", id] {
            let shown = try home.shown("why", name)
            #expect(shown.contains("[gone") && shown.contains(id), "\(shown)")
            #expect(!shown.contains("If it was taken") && shown.hasSuffix("which is done.\n"), "\(shown)")
        }
        try home.deliver("x.txt", "x", to: "assets")
        #expect(try home.shown("why", "x.txt").contains("[unmatched-name"))
    }
}

@Suite(.serialized) struct `A shell` {
    @Test(arguments: ["bash", "zsh", "fish"]) func `is offered the states of drops, and asks for what a home has`(
        shell: String
    ) throws {
        let script = try Program.run(Program.twindrop, ["--generate-completion-script", shell]).out
        #expect(script.contains("quarantined") && script.contains("---completion"), "\(script.prefix(400))")
    }
}

@Suite(.serialized) struct `An operator` {
    @Test func `is told in status and doctor which drops wait, and what to type`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...40), to: "assets")
        for number in 2...8 {
            try home.drop("\(number).csv", Sample.assets(1...(number + 2)), to: "assets", code: 1)
        }
        let bad = try home.drop("bad.csv", "<html>\n", to: "assets", code: 1)
        let id = try #require(bad["drop"]?.string)
        let status = try home.ask("status")
        #expect(status[path: "openDrops/held"] == 7 && status[path: "openDrops/quarantined"] == 1)
        #expect(status[path: "openDrops/first"]?.elements?.count == 6)
        let shown = try home.shown("status")
        let doctor = try home.run("doctor").out
        for said in [shown, doctor] {
            #expect(said.contains("bad.csv") && said.contains("twindrop retry \(id)"), "\(said)")
            #expect(said.contains("8.csv") && !said.contains("3.csv") && said.contains("… and 2 more held"), "\(said)")
            #expect(said.contains("twindrop release "), "\(said)")
        }
        #expect(try home.shown("show", "bad.csv").contains("twindrop retry \(id)"))
        let next = try #require(try home.ask("show", "bad.csv")["next"]?.elements)
        #expect(next.compactMap { $0["command"]?.string?.split(separator: " ").prefix(2).last } == ["retry", "retry", "discard"])
        #expect(next[0]["command"]?.string?.hasSuffix(" --with FILE") == true, "\(next)")
        #expect(next[1]["meaning"]?.string?.hasPrefix("only after") == true, "\(next)")
        let books = try home.shown("show", "8.csv")
        #expect(books.contains("30 to delete") && !books.contains("30 deleted"), "\(books)")
    }

    @Test func `sees in status what runs and what waits`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...40), to: "assets")
        try home.drop("2.csv", Sample.assets(1...10), to: "assets", code: 1)
        let rest = try home.ask("status")
        #expect(rest["running"] == .bool(false))
        let daemon = try Daemon(home)
        let running = try home.ask("status")
        #expect(running["running"] == .bool(true))
        for status in [rest, running] {
            #expect(status[path: "graph/twins"] == 40)
            #expect(status["sources"]?.elements?.first?[path: "drops/held"] == 1)
        }
        #expect(try home.shown("status").contains("1 held"))
        #expect(try daemon.end() == 0)
    }

    @Test func `is told by doctor what needs a person`() throws {
        let home = try Home(Sample.sources)
        try home.drop("1.csv", Sample.assets(1...4), to: "assets")
        #expect(try home.ask("doctor")["sound"] == .bool(true))
        try home.drop("bad.csv", "<html>\n", to: "assets", code: 1)
        let ill = try home.ask("doctor", code: 1)
        #expect(ill["sound"] == .bool(false))
        #expect(ill.text().contains("bad.csv"))
    }

    @Test func `is not told of a quarantined drop that was run again`() throws {
        let home = try Home(Sample.assetsSource())
        let bad = try home.drop("bad.csv", "<html>\n", to: "assets", code: 1)
        #expect(try home.run("retry", bad["drop"]?.string ?? "").code == 1)
        let ill = try home.ask("doctor", code: 1)
        let findings = ill["checks"]?.elements?.first { $0["check"] == "drops" }?["findings"]?.elements
        #expect(findings?.count == 1)
        #expect(try home.run("discard", "bad.csv").code == 0)
        #expect(try home.ask("doctor")["sound"] == .bool(true))
    }

    @Test func `can back up beside a running daemon, and restore`() throws {
        let home = try Home(Sample.sources)
        let daemon = try Daemon(home)
        try home.drop("1.csv", Sample.assets(1...4), to: "assets")
        let backup = home.path + "/files/nightly.twindb"
        #expect(try home.run("backup", backup).code == 0)
        #expect(try home.run("backup", backup).code == 64)
        let twins = try home.list("twin", "--all")
        try home.drop("2.csv", Sample.assets(3...9, status: "idle"), to: "assets")
        #expect(try home.run("restore", backup).code == 75)
        #expect(try daemon.end() == 0)
        #expect(try home.run("restore", backup).code == 0)
        #expect(try home.list("twin", "--all") == twins)
        #expect(try home.drop("3.csv", Sample.assets(1...5, status: "idle"), to: "assets")["state"] == "done")
        #expect(try home.run("verify", "--full").code == 0)
    }

    @Test(arguments: [0, 8192]) func `can restore over a database that is damaged`(at offset: UInt64) throws {
        let home = try Home(Sample.sources)
        try home.drop("1.csv", Sample.assets(1...400), to: "assets")
        let backup = home.path + "/files/nightly.twindb"
        #expect(try home.run("backup", backup).code == 0)
        let twins = try home.list("twin", "--all")
        // Otherwise everything is in the log still.
        let moved = try Program.tool("sqlite3", home.path + "/state/twin.db", "PRAGMA wal_checkpoint(TRUNCATE)")
        try #require(moved.code == 0, "\(moved.err)")
        let database = try FileHandle(forUpdating: URL(fileURLWithPath: home.path + "/state/twin.db"))
        try database.seek(toOffset: offset)
        try database.write(contentsOf: Data(repeating: 0xA5, count: 40_000))
        try database.close()
        for ending in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: home.path + "/state/twin.db" + ending) }
        #expect(try home.run("run", "--once").code == 74)
        #expect(try home.run("restore", home.file("no.twindb", "no database")).code == 64)
        #expect(try home.run("restore", home.path + "/files/nothing").code == 64)
        #expect(home.names(in: "state").filter { $0.contains("restore") } == [])
        #expect(try home.run("restore", backup).code == 0)
        #expect(home.names(in: "state").contains("twin.db.before-restore-1"))
        #expect(!home.names(in: "state").contains { $0.hasPrefix("twin.db.restore") })
        #expect(try home.list("twin", "--all") == twins)
        #expect(try home.run("run", "--once").code == 0)
    }

    @Test func `lists drops by source and state, the newest first`() throws {
        let home = try Home(Sample.sources)
        for number in 1...3 { try home.drop("\(number).csv", Sample.assets(number...number), to: "assets") }
        try home.drop("f.csv", Sample.fleet, to: "fleet")
        #expect(try home.list("drops").map { $0["file"] } == ["f.csv", "3.csv", "2.csv", "1.csv"])
        #expect(try home.list("drops", "--source", "assets", "--limit", "2").map { $0["file"] } == ["3.csv", "2.csv"])
        #expect(try home.list("drops", "--state", "held,quarantined") == [])
    }
}
