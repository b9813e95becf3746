import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A home whose archive has not begun` {
    @Test func `says so in place of an error`() throws {
        let home = try Home(Sample.sources)
        for command in [["batches"], ["archive", "list"], ["verify"]] {
            let ended = try Program.run(Program.twindrop, command + ["--home", home.path])
            #expect(ended.code == 0 && ended.err == "", "\(command): \(ended.err)")
            #expect(!ended.out.isEmpty)
        }
        #expect(try home.ask("verify")["sound"] == true)
        #expect(try home.list("batches") == [])
    }
}

@Suite(.serialized) struct `A database that has forgotten` {
    @Test(arguments: ["restored from a backup", "put back from a copy"])
    func `archived drops is told by doctor, and goes on`(how: String) throws {
        let home = try Home(Sample.sources)
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        #expect(try home.run("backup", home.path + "/files/b.twindb").code == 0)
        if how == "put back from a copy" {
            let files = ["twin.db", "twin.db-wal"].map { (home.path + "/state/" + $0, home.path + "/files/" + $0) }
            for (from, to) in files { try? FileManager.default.copyItem(atPath: from, toPath: to) }
            try home.drop("b.csv", Sample.assets(1...4), to: "assets")
            for name in home.names(in: "state") where name.hasPrefix("twin.db") {
                try FileManager.default.removeItem(atPath: home.path + "/state/" + name)
            }
            for (to, from) in files { try? FileManager.default.copyItem(atPath: from, toPath: to) }
        } else {
            try home.drop("b.csv", Sample.assets(1...4), to: "assets")
            #expect(try home.run("restore", home.path + "/files/b.twindb").code == 0)
        }
        let doctor = try home.run("doctor")
        #expect(doctor.code == 1 && doctor.out.contains("b.csv"), "\(doctor.out)")
        if how == "put back from a copy" {
            // Nobody said that this is meant: it could as well be an accident, after which the graph would silently be older.
            let refused = try home.run("run", "--once")
            #expect(refused.code == 74 && refused.err.contains("b.csv"), "\(refused.err)")
            #expect(refused.err.contains("twindrop restore") && refused.err.contains("--accept-database"), "\(refused.err)")
            #expect(try home.run("run", "--once", "--accept-database").code == 0)
        }
        let run = try home.run("run", "--once")
        // Who accepted the database as it is was told then; who restored one is told until the bytes came again.
        let isTold = run.err.contains("The database has forgotten archived drops.")
        #expect(run.code == 0 && isTold == (how == "restored from a backup"), "\(run.err)")
        #expect(try home.run("archive", "extract", "b.csv", "--into", home.path + "/files/out").code == 0)
        #expect(try home.run("archive", "extract", "b.csv", "--into", home.path + "/files/out").code == 64)
        let file = try #require(home.names(in: "files/out").first)
        let again = try home.drop(file: home.path + "/files/out/" + file, to: "assets")
        #expect(again["state"] == "done", "\(again)")
        #expect(try home.list("twin", "--all").count == 4)
        #expect(try home.run("verify", "--full").code == 0)
    }
}

@Suite(.serialized) struct `A database that is gone` {
    @Test func `is found by verify, as the archive holds drops`() throws {
        let home = try Home(Sample.sources)
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        for name in home.names(in: "state") where name.hasPrefix("twin.db") {
            try FileManager.default.removeItem(atPath: home.path + "/state/" + name)
        }
        let findings = try home.ask("verify", code: 1)["findings"]?.elements ?? []
        #expect(findings.map { $0["code"] } == ["database-missing"], "\(findings)")
        #expect(try home.run("verify", "--archive", home.path + "/archive").code == 0)
    }
}

@Suite(.serialized) struct `What a database has forgotten` {
    /// Two of three drops are forgotten, in a source that goes by names.
    private func home() throws -> Home {
        let home = try Home(Sample.assetsSource("sequence: \"day_{n}.csv\"", "patterns: [\"day_*.csv\"]"))
        try home.drop("day_1.csv", Sample.assets(1...3), to: "assets")
        #expect(try home.run("backup", home.path + "/files/b.twindb").code == 0)
        try home.drop("day_2.csv", Sample.assets(1...4), to: "assets")
        try home.drop("day_3.csv", Sample.assets(1...5), to: "assets")
        #expect(try home.run("restore", home.path + "/files/b.twindb").code == 0)
        return home
    }

    @Test func `is listed, comes back under its name, and is no problem from then on`() throws {
        let home = try home()
        let doctor = try home.run("doctor")
        #expect(doctor.code == 1 && doctor.out.contains("forgotten: day_2.csv of source assets"), "\(doctor.out)")
        #expect(doctor.out.contains("has forgotten, 2 in all"), "\(doctor.out)")
        #expect(try home.list("archive", "list").map { $0["forgotten"] == true } == [false, true, true])
        #expect(try home.shown("archive", "list").contains("applied, forgotten"))
        let show = try home.run("show", "day_3.csv")
        #expect(show.code == 1 && show.err.contains("has forgotten drop") && show.err.contains("--keep-name"), "\(show.err)")
        #expect(try home.run("why", "day_3.csv").err == show.err)
        let verify = try home.run("verify")
        #expect(verify.code == 0 && verify.err.contains("has forgotten 2 drops"), "\(verify.err)")
        for name in ["day_2.csv", "day_3.csv"] {
            let path = home.path + "/files/out/" + name
            #expect(
                try home.ask("archive", "extract", name, "--into", home.path + "/files/out", "--keep-name")["path"]
                    == .string(path))
            #expect(try home.run("archive", "extract", name, "--into", home.path + "/files/out", "--keep-name").code == 64)
            try home.drop(file: path, to: "assets")
        }
        #expect(try home.run("doctor").code == 0)
        let run = try home.run("run", "--once")
        #expect(run.code == 0 && !run.err.contains("has forgotten"), "\(run.err)")
        #expect(try home.list("twin", "--all").count == 5)
    }

    @Test func `and a person does without is no problem either`() throws {
        let home = try home()
        #expect(try home.run("run", "--once", "--accept-database").code == 0)
        let doctor = try home.run("doctor")
        #expect(doctor.code == 0, "\(doctor.out)")
        #expect(try home.list("archive", "list").count { $0["forgotten"] == true } == 2)
    }

    @Test func `with a correction of it comes back by correcting it again`() throws {
        let home = try Home(Sample.sources)
        try home.drop("0.csv", Sample.assets(1...2), to: "assets")
        #expect(try home.run("backup", home.path + "/files/b.twindb").code == 0)
        let bad = Sample.assets(1...3) + Sample.asset(4, status: "lost")
        func correct() throws -> String {
            let receipt = try home.drop("bad.csv", bad, to: "assets")
            let file = try #require(receipt[path: "rejects/file"]?.string)
            let text = try home.text(of: "receipts/assets/" + file).replacing("lost", with: "active")
            #expect(try home.drop(file, text, to: "assets")["state"] == "done")
            return try #require(receipt["drop"]?.string)
        }
        let drop = try correct()
        #expect(try home.run("restore", home.path + "/files/b.twindb").code == 0)
        let doctor = try home.run("doctor")
        #expect(doctor.code == 1 && doctor.out.contains("It corrects drop \(drop) (bad.csv)"), "\(doctor.out)")
        _ = try correct()
        #expect(try home.list("twin", "--all").count == 4)
        let after = try home.run("doctor")
        #expect(after.code == 0, "\(after.out)")
        #expect(try home.list("archive", "list").count { $0["forgotten"] == true } == 0)
    }

    @Test func `in the spool is told with its name`() throws {
        let home = try home()
        let id = try #require(try home.list("archive", "list").last?["drop"]?.string)
        try home.write("state/spool/in/" + id, Sample.assets(1...5))
        let doctor = try home.run("doctor")
        #expect(
            doctor.out.contains("It is day_3.csv of source assets") && doctor.out.contains("--as 'day_3.csv'"), "\(doctor.out)")
        let again = try home.ask(
            "drop", home.path + "/state/spool/in/" + id, "--source", "assets", "--as", "day_3.csv", "--wait")
        #expect(again["file"] == "day_3.csv" && again["state"] == "done", "\(again)")
    }
}

@Suite(.serialized) struct `An archive that is away` {
    private func home() throws -> Home {
        let home = try Home(Sample.sources)
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        return home
    }

    @Test func `is found by doctor and verify`() throws {
        let home = try home()
        try FileManager.default.moveItem(atPath: home.path + "/archive", toPath: home.path + "/away")
        let doctor = try home.run("doctor")
        #expect(doctor.code == 1 && doctor.out.contains("PROBLEM archive"), "\(doctor.out)")
        #expect(try home.ask("verify", code: 1)[path: "findings"]?.elements?.first?["code"] == "behind-database")
        #expect(try home.run("batches").code == 74)
    }

    @Test func `is not begun anew beside the old one`() throws {
        let home = try home()
        try FileManager.default.moveItem(atPath: home.path + "/archive", toPath: home.path + "/away")
        let refused = try home.run("run", "--once")
        #expect(refused.code == 74 && refused.err.contains("away") && refused.err.contains("--new-archive"), "\(refused.err)")
        #expect(!home.names(in: "archive").contains("chain.log"))
        try FileManager.default.removeItem(atPath: home.path + "/archive")
        try FileManager.default.moveItem(atPath: home.path + "/away", toPath: home.path + "/archive")
        #expect(try home.run("run", "--once").code == 0)
        #expect(try home.run("verify").code == 0)
    }

    @Test func `and lost is gone on without by a person's word`() throws {
        let home = try home()
        try FileManager.default.removeItem(atPath: home.path + "/archive")
        try home.deliver("b.csv", Sample.assets(1...4), to: "assets")
        #expect(try home.run("run", "--once", "--new-archive").code == 0)
        #expect(try home.run("run", "--once").code == 0)
        #expect(try home.run("verify").code == 0)
    }

    @Test func `in part, after it was rolled back as a whole, is found`() throws {
        let home = try home()
        try FileManager.default.copyItem(atPath: home.path + "/archive", toPath: home.path + "/copy")
        try home.drop("b.csv", Sample.assets(1...4), to: "assets")
        try FileManager.default.removeItem(atPath: home.path + "/archive")
        try FileManager.default.moveItem(atPath: home.path + "/copy", toPath: home.path + "/archive")
        #expect(try home.run("verify", "--archive", home.path + "/archive").code == 0)
        #expect(try home.run("verify").code == 1)
        #expect(try home.run("run", "--once").code == 74)
    }
}

/// The same from the other side: what an archive says when somebody rewrote it with all that follows, it says when the database
/// is changed.
@Suite(.serialized) struct `An archive that is not what the database knows` {
    private func home(_ change: String) throws -> Home {
        let home = try Home(Sample.sources)
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        try home.drop("b.csv", Sample.assets(1...4), to: "assets")
        let changed = try Program.tool("sqlite3", home.path + "/state/twin.db", change)
        try #require(changed.code == 0, "\(changed.err)")
        return home
    }

    @Test(arguments: [
        "digest = zeroblob(32)", "bytes = bytes + 1", "container = '2026/11/21/000009.tar.zst'", "source = 'orders'",
    ])
    func `of one drop is found by verify and doctor`(change: String) throws {
        let home = try home("UPDATE drops SET \(change) WHERE file_name = CAST('a.csv' AS BLOB)")
        let verify = try home.ask("verify", code: 1)
        #expect(verify["findings"]?.elements?.contains { $0["code"] == "register-differs" } == true, "\(verify)")
        #expect(try home.run("doctor").code == 1)
        #expect(try home.run("verify", "--archive", home.path + "/archive").code == 0)
    }

    @Test func `as a whole is found by verify and doctor, and refused at a start`() throws {
        let home = try home("SELECT 1")
        let database = home.path + "/state/twin.db"
        let known = try Program.tool("sqlite3", database, "SELECT value FROM meta WHERE name = 'archive-head'").out
        var words = known.split(whereSeparator: \.isWhitespace).map(String.init)
        try #require(words.count >= 4, "bytes, records, leaf and root: \(known)")
        words[3] = words[3].dropLast(10) + "0123456789"
        let value = words.joined(separator: " ")
        let changed = try Program.tool("sqlite3", database, "UPDATE meta SET value = '\(value)' WHERE name = 'archive-head'")
        try #require(changed.code == 0, "\(changed.err)")
        #expect(try home.ask("verify", code: 1)[path: "findings"]?.elements?.first?["code"] == "other-than-database")
        let again = try self.home(
            "UPDATE meta SET value = substr(value, 1, instr(value, ' ')) || '9 ' || hex(zeroblob(32)) || ' ' || hex(zeroblob(32)) "
                + "WHERE name = 'archive-head'")
        #expect(try again.run("doctor").code == 1)
        let refused = try again.run("run", "--once")
        #expect(refused.code == 74 && refused.err.contains("--new-archive"), "\(refused.err)")
        #expect(try again.run("run", "--once", "--new-archive").code == 0)
        #expect(try again.run("run", "--once").code == 0)
        #expect(try again.run("verify").code == 0)
    }
}

@Suite(.serialized) struct `A seal that is removed` {
    @Test func `is missed by verify in a home, also where chain.head went with it`() throws {
        let home = try Home(Sample.sources)
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        #expect(try home.run("verify").code == 0)
        let day = try #require(home.names(in: "archive/seals").last)
        let seals = home.names(in: "archive/seals/" + day)
        let newest = try #require(seals.max { $0.utf8.count == $1.utf8.count ? $0 < $1 : $0.utf8.count < $1.utf8.count })
        for name in ["seals/\(day)/\(newest)", "chain.head"] {
            try FileManager.default.removeItem(atPath: home.path + "/archive/" + name)
        }
        let findings = try home.ask("verify", code: 1)["findings"]?.elements ?? []
        #expect(findings.map { $0["code"] } == ["seal-missing"], "\(findings)")
    }
}
