import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A dropped file` {
    @Test(arguments: [true, false]) func `gets a receipt whose books close`(withDaemon: Bool) throws {
        let home = try Home(Sample.sources)
        let daemon = withDaemon ? try Daemon(home) : nil
        let receipt = try home.drop("a.csv", Sample.assets(1...5), to: "assets")
        #expect(receipt["file"] == "a.csv")
        #expect(receipt["state"] == "done")
        for book in ["records", "operations", "bytes"] { #expect(receipt[path: "books/\(book)/closes"] == .bool(true)) }
        #expect(receipt[path: "books/records/read"] == 5)
        #expect(receipt[path: "books/operations/created"] == 5)
        let id = try #require(receipt["drop"]?.string)
        #expect(try JSON(parsing: try home.text(of: "receipts/assets/\(id).receipt.json")) == receipt)
        #expect(try JSON(parsing: try home.text(of: "receipts/assets/a.csv.receipt.json")) == receipt)
        if let daemon { #expect(try daemon.end() == 0) }
    }

    @Test func `through a link hands over the file it leads to, under the link's name`() throws {
        let home = try Home(Sample.assetsSource())
        let file = try home.file("target.csv", Sample.assets(1...3))
        let link = home.path + "/files/link.csv"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
        let receipt = try home.drop(file: link, to: "assets")
        #expect(receipt["file"] == "link.csv" && receipt[path: "books/operations/created"] == 3)
        #expect(FileManager.default.fileExists(atPath: file))
        try #require(unsafe mkfifo(home.path + "/files/fifo", 0o600) == 0)
        for name in ["fifo", "nothing"] {
            #expect(try home.run("drop", home.path + "/files/" + name, "--source", "assets").code == 64)
        }
    }

    @Test func `shows a person its receipt`() throws {
        let home = try Home(Sample.sources)
        let ended = try home.run("drop", home.file("a.csv", Sample.assets(1...5)), "--source", "assets", "--wait")
        #expect(ended.code == 0)
        #expect(ended.out.contains("5 read = 5 used + 0 filtered + 0 refused"))
        #expect(ended.out.contains("a.csv"))
    }

    @Test func `is not taken twice while one of its name waits`() throws {
        let home = try Home(Sample.sources)
        try home.deliver("a.csv", Sample.assets(1...1), to: "assets")
        let ended = try home.run("drop", home.file("a.csv", Sample.assets(2...2)), "--source", "assets")
        #expect(ended.code == 1)
        #expect(ended.err.contains("waits to be processed"))
    }

    @Test func `that does not exist, or has no source, is a usage error`() throws {
        let home = try Home(Sample.sources)
        let missing = try home.run("drop", "nowhere.csv", "--source", "assets")
        #expect(missing.code == 64, "\(missing.err)")
        #expect(missing.err.contains("nowhere.csv"))
        let sourceless = try home.run("drop", home.file("a.csv", "x"), "--source", "assetz")
        #expect(sourceless.code == 64)
        #expect(sourceless.err.contains("assets"))
    }

    @Test func `is found by its id, the start of it, and its name`() throws {
        let home = try Home(Sample.sources)
        let id = try #require(try home.drop("a.csv", Sample.assets(1...1), to: "assets")["drop"]?.string)
        for text in [id, String(id.prefix(14)), "a.csv"] { #expect(try home.ask("show", text)["drop"] == .string(id)) }
        let unknown = try home.run("show", "b.csv")
        #expect(unknown.code == 1)
        #expect(unknown.err.contains("b.csv"))
    }
}

@Suite(.serialized) struct `The graph after several drops` {
    /// Three drops of one asset, and its moments.
    private static func home() throws -> (home: Home, drops: [JSON]) {
        let home = try Home(Sample.sources)
        let texts = [
            Sample.asset(1, status: "idle") + Sample.asset(2), Sample.asset(1, status: "maintenance", site: "MUC2"),
            Sample.asset(1, status: "maintenance", site: "LYS1"),
        ]
        let drops = try texts.enumerated().map { try home.drop("day\($0).csv", Sample.assetHeader + $1, to: "assets") }
        return (home, drops)
    }

    @Test func `shows the newest state, and any earlier one by number and by time`() throws {
        let (home, drops) = try Self.home()
        #expect(try home.ask("twin", "asset-FL-1")["site"] == "LYS1")
        let commits = try home.list("history", "asset-FL-1").compactMap { $0[path: "by/commit"]?.int }
        #expect(commits == commits.sorted(by: >))
        try #require(commits.count == 3)
        #expect(try home.ask("twin", "asset-FL-1", "--as-of", "#\(commits[2])")["status"] == "idle")
        #expect(try home.ask("twin", "asset-FL-1", "--as-of", "#\(commits[1])")["site"] == "MUC2")
        let times = try home.list("history", "asset-FL-1").compactMap { $0[path: "by/time"]?.string }
        #expect(try home.ask("twin", "asset-FL-1", "--as-of", times[1])["site"] == "MUC2")
        #expect(try home.ask("twin", "asset-FL-1", "--as-of", times[2])["site"] == "HAM1")
        #expect(try home.run("twin", "asset-FL-1", "--as-of", "2020-01-01").code == 1)
        #expect(drops.count == 3)
    }

    @Test func `explains which row of which file set a property, and what it was before`() throws {
        let (home, drops) = try Self.home()
        let status = try home.ask("explain", "asset-FL-1", "/status")
        #expect(status["value"] == "maintenance")
        #expect(status[path: "setBy/file"] == "day1.csv")
        #expect(status[path: "setBy/record"] == 1)
        #expect(status[path: "setBy/drop"] == drops[1]["drop"])
        #expect(status["before"] == "idle")
        #expect(status[path: "beforeSetBy/file"] == "day0.csv")
        #expect(try home.ask("explain", "asset-FL-1.status") == status)
        #expect(try home.ask("explain", "asset-FL-1", "status") == status)
        let second = try home.ask("explain", "asset-FL-2", "/name")
        #expect(second[path: "setBy/record"] == 2)
        let all = Set(try home.list("explain", "asset-FL-1").compactMap { $0["pointer"]?.string })
        #expect(all.isSuperset(of: ["/name", "/category", "/site", "/status", "/lastService"]))
        let none = try home.run("explain", "asset-FL-1", "/colour")
        #expect(none.code == 1)
        #expect(none.err.contains("/colour"))
        // What people are shown can be typed.
        #expect(try home.shown("explain", "asset-FL-1.status").hasPrefix(".status = "))
        #expect(try home.ask("explain", "asset-FL-1", ".status") == status)
        #expect(try home.shown("history", "asset-FL-1").contains("  .status: "))
        let slash = try home.run("explain", "asset-FL-1/status")
        #expect(slash.code == 1 && slash.err.contains("TWIN.PROPERTY") && slash.err.contains("TWIN/RELATIONSHIP"), "\(slash.err)")
        let history = try home.run("history", "asset-FL-1/status")
        for told in [slash, history] {
            #expect(told.code == 1 && told.err.contains("`twindrop explain asset-FL-1.status`"), "\(told.err)")
        }
        let nobody = try home.run("explain", "asset-FL-77/status")
        #expect(nobody.code == 1 && nobody.err.contains("never was one") && !nobody.err.contains("FL-77.status"), "\(nobody.err)")
    }

    @Test func `tells the life of a twin, the newest change first`() throws {
        let (home, _) = try Self.home()
        let steps = try home.list("history", "asset-FL-1")
        #expect(steps.map { $0[path: "by/file"] } == ["day2.csv", "day1.csv", "day0.csv"])
        #expect(steps[0]["changes"]?.elements?.map { $0["pointer"] } == ["/site"])
        #expect(steps[0]["changes"]?.elements?.first?["before"] == "MUC2")
        #expect(steps[0]["changes"]?.elements?.first?["after"] == "LYS1")
        #expect(try home.list("history", "asset-FL-1", "--limit", "1").count == 1)
        #expect(try home.run("history", "asset-FL-99").code == 1)
    }

    @Test func `still answers for a twin that was deleted`() throws {
        let home = try Home(Sample.assetsSource("mode: snapshot"))
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        let before = try #require(try home.list("history", "asset-FL-3").first?[path: "by/commit"]?.int)
        try home.drop("b.csv", Sample.assets(1...2), to: "assets")
        #expect(try home.run("twin", "asset-FL-3").code == 1)
        #expect(try home.ask("twin", "asset-FL-3", "--as-of", "#\(before)")["name"] == "Forklift 3")
        #expect(try home.list("twin", "--all", "--as-of", "#\(before)").count == 3)
        #expect(try home.list("twin", "--all").count == 2)
        let life = try home.list("history", "asset-FL-3")
        #expect(life.compactMap { $0["kind"]?.string }.first == "deleted")
        #expect(life.first?[path: "by/file"] == "b.csv")
    }

    @Test func `keeps the past of relationships`() throws {
        let home = try Home(Sample.sources)
        try home.drop("0800.csv", Sample.orderHeader + Sample.order(1, battery: 80, order: 11), to: "orders")
        let first = try #require(try home.list("history", "forklift-FL-1").first?[path: "by/commit"]?.int)
        try home.drop("0810.csv", Sample.orderHeader + Sample.order(1, battery: 79, order: 12), to: "orders")
        try home.drop("0820.csv", Sample.orderHeader + Sample.order(1, battery: 78, order: nil), to: "orders")
        func target(_ more: String...) throws -> JSON? {
            let ended = try Program.run(Program.twindrop, ["twin", "forklift-FL-1", "--home", home.path, "--json"] + more)
            return try #require(try ended.json().first)["$relationships"]?.elements?.first?["$targetId"]
        }
        #expect(try target() == nil)
        #expect(try target("--as-of", "#\(first)") == "order-11")
        #expect(try target("--as-of", "#\(first + 1)") == "order-12")
    }
}
