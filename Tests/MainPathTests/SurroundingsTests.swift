import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A run in poor surroundings` {
    /// Runs a command line of the shell in the home.
    private func shell(_ line: String, _ home: Home) throws -> Program.Ended {
        try Program.run(
            "/bin/sh", ["-c", line], in: home.path, environment: ["TWINDROP": Program.twindrop, "TWINDROP_HOME": home.path])
    }

    @Test func `writes its log into no file of its own when the standard streams are closed`() throws {
        let home = try Home(Sample.sources)
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        #expect(try shell("\"$TWINDROP\" run --once <&- >&- 2>&-", home).code == 0)
        #expect(try home.ask("doctor")["sound"] == true)
        #expect(try home.list("drops", "--state", "done").count == 1)
        let holders = try Program.tool("grep", "-rlF", "A drop was applied", home.path)
        #expect(holders.code == 1 && holders.out == "", "\(holders.out)")
    }

    @Test func `goes on when nobody takes its log`() throws {
        let home = try Home(Sample.sources)
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        #expect(try shell("\"$TWINDROP\" run --once 2>/dev/full", home).code == 0)
        try home.deliver("b.csv", Sample.assets(1...4), to: "assets")
        #expect(try shell("\"$TWINDROP\" run --once 2>&1 | true; exit 0", home).code == 0)
        #expect(try home.list("drops", "--state", "done").count == 2)
    }

    @Test func `leaves a database of a newer version alone, and says so`() throws {
        let home = try Home(Sample.sources)
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        #expect(try Program.tool("sqlite3", home.path + "/state/twin.db", "PRAGMA user_version = 99").code == 0)
        for command in [["run", "--once"], ["status"], ["twin", "asset-FL-1"]] {
            let ended = try Program.run(Program.twindrop, command + ["--home", home.path])
            #expect(ended.code == 74 && ended.err.contains("99"), "\(command): \(ended.err)")
        }
        #expect(try Program.tool("sqlite3", home.path + "/state/twin.db", "PRAGMA user_version").out == "99\n")
    }
}
