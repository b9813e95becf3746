import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A snapshot` {
    @Test func `deletes the twins it no longer lists`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...20), to: "assets")
        let receipt = try home.drop("2.csv", Sample.assets(3...22), to: "assets")
        #expect(receipt[path: "books/operations/deletedByAbsence"] == 2)
        #expect(receipt[path: "books/operations/created"] == 2)
        #expect(try home.list("twin", "--all").count == 20)
        #expect(try home.run("twin", "asset-FL-1").code == 1)
    }

    @Test func `deletes nothing that another source made`() throws {
        let home = try Home(
            Sample.assetsSource("mode: snapshot") + "  fleet:\n    plugin: fleet-hierarchy\n    ready: {rule: rename}\n")
        try home.drop("fleet.csv", Sample.fleet, to: "fleet")
        let others = try home.list("twin", "--all").count
        try home.drop("1.csv", Sample.assets(1...5), to: "assets")
        try home.drop("2.csv", Sample.assets(2...5), to: "assets")
        #expect(try home.list("twin", "--all").count == others + 4)
    }

    @Test func `that was cut off is held with its numbers, and can be released`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...40), to: "assets")
        let receipt = try home.drop("2.csv", Sample.assets(1...12), to: "assets", code: 1)
        #expect(receipt["state"] == "held")
        let message = receipt[path: "reason/message"]?.string ?? ""
        #expect(message.contains("28 of 40"), "\(message)")
        #expect(try home.list("twin", "--all").count == 40)
        #expect(try home.ask("release", "2.csv")["state"] != "held")
        #expect(try home.list("twin", "--all").count == 12)
        #expect(try home.run("release", "2.csv").code == 1)
    }

    @Test func `that was cut off can be given up`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...40), to: "assets")
        let text = Sample.assets(1...12)
        try home.drop("2.csv", text, to: "assets", code: 1)
        #expect(try home.ask("discard", "2.csv")["state"] == "discarded")
        #expect(try home.list("twin", "--all").count == 40)
        #expect(try home.shown("archive", "cat", "2.csv") == text)
        #expect(home.names(in: "state/spool/in") == [])
    }

    @Test func `that is older than the newest one is released only by force`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...40), to: "assets")
        try home.drop("2.csv", Sample.assets(1...12), to: "assets", code: 1)
        try home.drop("3.csv", Sample.assets(1...41), to: "assets")
        let refused = try home.run("release", "2.csv")
        #expect(refused.code == 1)
        #expect(refused.err.contains("--force"))
        #expect(try home.list("twin", "--all").count == 41)
        #expect(try home.run("release", "2.csv", "--force").code == 0)
        #expect(try home.list("twin", "--all").count == 12)
    }

    @Test func `with a record whose key is unreadable deletes nothing`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...20), to: "assets")
        let text = Sample.assets(1...18) + ",Forklift 19,forklift,HAM1,active,2026-10-02\n"
        let receipt = try home.drop("2.csv", text, to: "assets")
        #expect(receipt[path: "books/records/rejected"] == 1)
        #expect(receipt[path: "books/operations/deletedByAbsence"] == 0)
        #expect(try home.list("twin", "--all").count == 20)
    }

    @Test func `keeps what a rejected record names`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("1.csv", Sample.assets(1...20), to: "assets")
        try home.drop("2.csv", Sample.assets(1...19) + Sample.asset(20, status: "lost"), to: "assets")
        #expect(try home.ask("twin", "asset-FL-20")["status"] == "active")
    }
}
