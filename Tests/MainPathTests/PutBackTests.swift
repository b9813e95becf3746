import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `What cannot take the place of the database` {
    /// A home with three twins, and its database's names.
    private func home() throws -> Home {
        let home = try Home(Sample.sources)
        try home.drop("1.csv", Sample.assets(1...3), to: "assets")
        return home
    }

    private func expectRefused(_ file: String, by home: Home, saying text: String) throws {
        let twins = try home.twins()
        let ended = try home.run("restore", file)
        #expect(ended.code == 64, "\(file): \(ended.out)\(ended.err)")
        #expect(ended.err.contains(text) && ended.err.contains(file), "\(ended.err)")
        #expect(!home.names(in: "state").contains { $0.contains("restore") }, "nothing is put aside, and nothing stays")
        #expect(try home.twins() == twins)
    }

    @Test(arguments: ["", "key,value\n1,2\n"]) func `is a file that is no database`(text: String) throws {
        let home = try home()
        try expectRefused(home.file("nightly.twindb", text), by: home, saying: "no backup that `twindrop backup` wrote")
    }

    @Test func `is a database of another program`() throws {
        let home = try home()
        let foreign = home.path + "/files/foreign.db"
        #expect(
            try Program.tool("sqlite3", foreign, "CREATE TABLE meta(name, value); INSERT INTO meta VALUES('instance', '1')").code
                == 0)
        try expectRefused(foreign, by: home, saying: "no backup that `twindrop backup` wrote")
    }

    @Test func `leaves files of the spool, and forgotten drops, that status and doctor name`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...40), to: "assets")
        let backup = home.path + "/files/nightly.twindb"
        #expect(try home.run("backup", backup).code == 0)
        try home.drop("2.csv", Sample.assets(1...12), to: "assets", code: 1)
        try home.drop("3.csv", Sample.assets(1...41), to: "assets")
        #expect(try home.run("restore", backup).code == 0)
        let status = try home.shown("status")
        #expect(status.contains("UNKNOWN 1 file in state/spool") && status.contains("3.csv of assets"), "\(status)")
        #expect(status.contains("FORGOTTEN The archive proves") && status.contains("has forgotten, 1 in all"), "\(status)")
        #expect(try home.ask("status")["unknown"]?.elements?.count == 2)
        let doctor = try home.run("doctor").out
        #expect(doctor.contains("It is 2.csv of source assets"), "its receipt tells the name: \(doctor)")
    }

    @Test func `forgets that a drop was discarded, which doctor says`() throws {
        let home = try Home(Sample.assetsSource())
        let id = try home.drop("bad.csv", "<html>\n", to: "assets", code: 1)["drop"]?.string ?? ""
        let backup = home.path + "/files/nightly.twindb"
        #expect(try home.run("backup", backup).code == 0)
        #expect(try home.run("discard", id).code == 0)
        #expect(try home.run("restore", backup).code == 0)
        let doctor = try home.run("doctor").out
        #expect(doctor.contains("bad.csv is quarantined again") && doctor.contains("twindrop discard \(id)"), "\(doctor)")
        #expect(try home.run("discard", id).code == 0)
        #expect(try home.run("doctor").code == 0)
    }

    @Test func `is a backup of another home, unless nothing is lost by it`() throws {
        let (home, other) = (try home(), try home())
        let backup = other.path + "/files/other.twindb"
        #expect(try other.run("backup", backup).code == 0)
        try expectRefused(backup, by: home, saying: "the backup of another home")
        let new = try Home(Sample.sources)
        #expect(try new.run("run", "--once").code == 0)
        #expect(try new.run("restore", backup).code == 0, "a home that was only started may become the other one")
        #expect(try new.twins() == other.twins())
    }
}
