import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `Retention` {
    @Test func `removes receipts and history that are older than configured, and nothing of the archive`() throws {
        let home = try Home(Sample.sources + "retention: {receipts: 30d, revisions: 30d}\n")
        try home.drop("old.csv", Sample.assets(1...3), to: "assets")
        try home.drop("old2.csv", Sample.assets(1...3, status: "idle"), to: "assets")
        try home.drop("new.csv", Sample.assets(1...3, status: "maintenance"), to: "assets")
        // The first two commits were forty days ago, and a receipt's drop was claimed in 2016.
        let aged = try Program.tool(
            "sqlite3", home.path + "/state/twin.db", "UPDATE drop_commit SET time = time - 40 * 86400000 WHERE sequence < 3")
        try #require(aged.code == 0, "\(aged.err)")
        let ancient = "01ARZ3NDEKTSV4RRFFQ69G5FAV.receipt.json"
        try home.write("receipts/assets/" + ancient, "{}")
        let kept = home.names(in: "receipts/assets").filter { $0 != ancient }
        #expect(try home.list("history", "asset-FL-1").count == 3)
        let daemon = try Daemon(home)
        try daemon.wait(for: "Old history was removed.")
        try daemon.wait(for: "Old receipts were removed.")
        #expect(try daemon.end() == 0)
        #expect(home.names(in: "receipts/assets") == kept)
        #expect(try home.list("history", "asset-FL-1").count == 1)
        #expect(try home.ask("twin", "asset-FL-1")["status"] == "maintenance")
        #expect(try home.shown("archive", "cat", "old.csv") == Sample.assets(1...3))
        #expect(try home.run("verify", "--full").code == 0)
    }
}
