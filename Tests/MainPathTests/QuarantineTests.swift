import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A file that cannot be read` {
    private static let sources = """
        sources:
          lifts:
            plugin: mapping
            ready: {rule: rename}
            mapping: lifts.yaml

        """

    private static func mapping(ragged: String) -> String {
        "dialect: {ragged: \(ragged)}\ntwins:\n  - id: \"lift-{id}\"\n    model: dtmi:com:example:Lift;1\n    properties: {name: name}\n"
    }

    private static let ragged = "id,name\n1,One\n2\n3,Three\n"

    @Test func `is quarantined with its file, record and byte`() throws {
        let home = try Home(Self.sources, mappings: ["lifts.yaml": Self.mapping(ragged: "fail")])
        let receipt = try home.drop("bad.csv", Self.ragged, to: "lifts", code: 1)
        #expect(receipt["state"] == "quarantined")
        let message = try #require(receipt[path: "reason/message"]?.string)
        #expect(message.contains("bad.csv"))
        #expect(message.contains("Record 2"))
        #expect(message.contains("Byte 14"))
        #expect(receipt[path: "reason/hint"]?.string?.isEmpty == false)
        #expect(try home.list("twin", "--all") == [])
        #expect(home.names(in: "state/spool/in") == [])
        #expect(try home.shown("archive", "cat", "bad.csv") == Self.ragged)
    }

    @Test func `succeeds when it is retried with corrected settings`() throws {
        let home = try Home(Self.sources, mappings: ["lifts.yaml": Self.mapping(ragged: "fail")])
        let bad = try home.drop("bad.csv", Self.ragged, to: "lifts", code: 1)
        try home.write("mappings/lifts.yaml", Self.mapping(ragged: "pad"))
        let retried = try home.ask("retry", "bad.csv")
        #expect(retried["drop"] != bad["drop"])
        #expect(retried[path: "link/kind"] == "retries")
        #expect(retried[path: "link/drop"] == bad["drop"])
        #expect(try home.list("twin", "--all").count == 3)
        let resolved = try home.ask("show", bad["drop"]?.string ?? "")
        #expect(resolved["state"] == "resolved")
        #expect(resolved[path: "closedBy/drop"] == retried["drop"])
        #expect(resolved[path: "closedBy/how"] == "retry")
        #expect(try home.list("drops", "--state", "quarantined") == [])
        #expect(try home.run("doctor").code == 0)
        let receipt = try JSON(parsing: try home.text(of: "receipts/lifts/\(bad["drop"]?.string ?? "").receipt.json"))
        #expect(receipt["state"] == "resolved")
        #expect(receipt[path: "closedBy/drop"] == retried["drop"])
        #expect(try home.run("verify", "--full").code == 0)
    }

    @Test func `can be retried beside a daemon`() throws {
        let home = try Home(Sample.assetsSource())
        let daemon = try Daemon(home)
        let bad = try home.drop("bad.csv", "<html>\n", to: "assets", code: 1)
        let again = try home.ask("retry", "bad.csv", code: 1)
        #expect(again[path: "link/drop"] == bad["drop"])
        #expect(again["state"] == "quarantined")
        // One delivery has one open drop.
        #expect(try home.list("drops", "--state", "quarantined").map { $0["drop"] } == [again["drop"]])
        let first = try home.ask("show", bad["drop"]?.string ?? "")
        #expect(first["state"] == "retried" && first[path: "closedBy/drop"] == again["drop"])
        #expect(try daemon.end() == 0)
    }

    @Test func `is given up by discard, and stays in the archive`() throws {
        let home = try Home(Self.sources, mappings: ["lifts.yaml": Self.mapping(ragged: "fail")])
        try home.drop("bad.csv", Self.ragged, to: "lifts", code: 1)
        #expect(try home.ask("discard", "bad.csv")["state"] == "discarded")
        #expect(try home.shown("archive", "cat", "bad.csv") == Self.ragged)
        #expect(try home.run("discard", "bad.csv").code == 1)
        #expect(try home.run("retry", "bad.csv").code == 1)
        #expect(try home.run("doctor").code == 0)
        let receipt = try JSON(parsing: try home.text(of: "receipts/lifts/bad.csv.receipt.json"))
        #expect(receipt["state"] == "discarded")
    }

    @Test func `does not hold up others of its source`() throws {
        let home = try Home(Sample.assetsSource())
        try home.drop("1.csv", Sample.assets(1...2), to: "assets")
        try home.drop("2.csv", "<html>\n", to: "assets", code: 1)
        try home.drop("3.csv", Sample.assets(3...4), to: "assets")
        #expect(try home.list("twin", "--all").count == 4)
    }

    @Test(arguments: ["discard", "retry"])
    func `holds up others where the source keeps an order, at every start, until a person settles it`(_ by: String) throws {
        let home = try Home(Sample.assetsSource("order: arrival"))
        try home.drop("1.csv", Sample.assets(1...2), to: "assets")
        try home.drop("2.csv", "<html>\n", to: "assets", code: 1)
        try home.deliver("3.csv", Sample.assets(3...4), to: "assets")
        for _ in 1...2 {
            #expect(try home.run("run", "--once").code == 1)
            #expect(try home.list("twin", "--all").count == 2)
        }
        if by == "retry" {
            #expect(try home.run("retry", "2.csv").code == 1)
            #expect(try home.list("drops", "--state", "quarantined").count == 1)
            #expect(try home.list("twin", "--all").count == 4, "what had waited went before the retry, which came after it")
        } else {
            #expect(try home.run("discard", "2.csv").code == 0)
        }
        #expect(try home.run("run", "--once").code == 0)
        #expect(try home.list("twin", "--all").count == 4)
    }

    @Test func `holds up others while the daemon runs, until it is discarded`() throws {
        let home = try Home(Sample.assetsSource("order: arrival"))
        let daemon = try Daemon(home)
        try home.drop("1.csv", "<html>\n", to: "assets", code: 1)
        try home.deliver("2.csv", Sample.assets(1...2), to: "assets")
        #expect(try home.run("discard", "1.csv").code == 0)
        try daemon.wait(for: "A drop was applied.")
        #expect(try home.list("twin", "--all").count == 2)
        #expect(try daemon.end() == 0)
    }
}
