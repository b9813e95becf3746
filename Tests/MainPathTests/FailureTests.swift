import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A daemon that is killed` {
    @Test(arguments: [0, 1, 9, 20]) func `in the middle of 30 files applies each exactly once`(applied: Int) throws {
        let home = try Home(Sample.assetsSource("mode: incremental"))
        let daemon = try Daemon(home)
        for number in 1...30 { try home.deliver("\(number).csv", Sample.assets(1...number, site: "S\(number)"), to: "assets") }
        if applied > 0 { try daemon.wait(for: "A drop was applied.", count: applied) }
        #expect(try daemon.end(SIGKILL) == -SIGKILL)
        let ended = try home.run("run", "--once")
        #expect(ended.code == 0, "\(ended.err)")
        let drops = try home.list("drops", "--limit", "1000")
        #expect(drops.count == 30)
        #expect(drops.allSatisfy { $0["state"] == "done" })
        let names = Set(drops.compactMap { $0["file"]?.string })
        #expect(names.count == 30)
        #expect(try home.list("twin", "--all").count == 30)
        // Every applied drop is one commit: nothing was applied twice, and only drops that changed the twin stand in its history.
        let steps = try home.list("history", "asset-FL-1").compactMap { $0[path: "by/drop"]?.string }
        #expect(Set(steps).count == steps.count)
        #expect(try home.ask("status")[path: "graph/commits"] == 30)
        #expect(home.names(in: "state/spool/in") == [])
        #expect(try home.run("verify", "--full").code == 0)
        #expect(try home.list("archive", "list").count == 30)
        let receipts = home.names(in: "receipts/assets").filter { $0.hasSuffix(".receipt.json") }
        #expect(receipts.count == 60)
    }
}

@Suite(.serialized) struct `A plugin that crashes on every file` {
    /// A home whose own asset-inventory crashes; the installed one is hidden behind it.
    private static func home() throws -> Home {
        let home = try Home(Sample.sources)
        try home.replaceAssetInventory(by: "crashing.c")
        return home
    }

    @Test func `loses no file, and leaves other sources at work`() throws {
        let home = try Self.home()
        let daemon = try Daemon(home)
        for number in 1...8 { try home.deliver("\(number).csv", Sample.assets(number...number), to: "assets") }
        try daemon.wait(for: "A source is suspended; its files wait.")
        try home.drop("orders.csv", Sample.orderHeader + Sample.order(1, battery: 50, order: 7), to: "orders")
        #expect(try home.ask("twin", "forklift-FL-1")["batteryPercent"] == 50)
        let source = try home.ask("status")["sources"]?.elements?.first
        #expect(source?["suspended"]?.string?.isEmpty == false, "\(source?.text() ?? "")")
        let quarantined = try home.list("drops", "--state", "quarantined")
        let waiting = try home.list("drops", "--state", "claimed,registered")
        #expect(quarantined.count + waiting.count == 8)
        #expect(!waiting.isEmpty)
        #expect(quarantined.allSatisfy { $0[path: "reason/code"] == "crashed" })
        #expect(try daemon.end() == 0)
    }

    @Test func `gets another chance by retry, all at once for the files that wait`() throws {
        let home = try Self.home()
        let daemon = try Daemon(home)
        for number in 1...12 { try home.deliver("\(number).csv", Sample.assets(number...number), to: "assets") }
        try daemon.wait(for: "A source is suspended; its files wait.")
        let waiting = try home.list("drops", "--state", "claimed,registered").compactMap { $0["drop"]?.string }
        try #require(!waiting.isEmpty)
        #expect(try home.run("retry", waiting[0]).code == 1, "its plugin crashes still")
        try daemon.wait(for: "A drop was quarantined.", count: 8)
        #expect(try daemon.end() == 0)
    }

    @Test func `is replaced, and the files that waited go on`() throws {
        let home = try Self.home()
        let daemon = try Daemon(home)
        for number in 1...8 { try home.deliver("\(number).csv", Sample.assets(number...number), to: "assets") }
        try daemon.wait(for: "A source is suspended; its files wait.")
        let quarantined = try home.list("drops", "--state", "quarantined").compactMap { $0["drop"]?.string }
        let waiting = try home.list("drops", "--state", "claimed,registered").compactMap { $0["drop"]?.string }
        let installed = try #require(
            try home.list("plugin", "list").first {
                $0["plugin"] == "asset-inventory" && $0["library"]?.string?.hasPrefix(home.path) == false
            })
        let library = try #require(installed["library"]?.string)
        for ending in [".so", ".plugin.json"] {
            let from = library.replacingOccurrences(of: ".so", with: ending)
            let target = home.path + "/plugins/asset-inventory" + ending
            try FileManager.default.copyItem(atPath: from, toPath: target + ".new")
            #expect(try Program.tool("mv", target + ".new", target).code == 0)
        }
        #expect(!waiting.isEmpty)
        #expect(try daemon.end() == 0)
        let second = try Daemon(home)
        try second.wait(for: "A drop was applied.", count: waiting.count)
        for drop in quarantined {
            let retried = try home.run("retry", drop)
            #expect(retried.code == 0, "\(retried.err)")
        }
        try second.wait(for: "A drop was applied.", count: 8)
        #expect(try home.list("twin", "--all").count == 8)
        #expect(try second.end() == 0)
    }
}
