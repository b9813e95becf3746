import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A relationship to a twin that is not there` {
    private static func sources(_ dangling: String) -> String {
        """
        sources:
          doors:
            plugin: door-counter
            ready: {rule: rename}
            dangling: \(dangling)
            guard: {rejects: 100%}
          buildings:
            plugin: asset-inventory
            ready: {rule: rename}
            settings: {idPrefix: ""}

        """
    }

    @Test func `waits, is counted in status, and is applied when the twin comes`() throws {
        let home = try Home(Self.sources("wait 1d"))
        let receipt = try home.drop("doors.cnt", Sample.doors, to: "doors")
        #expect(receipt[path: "books/operations/waiting"] == 2)
        #expect(receipt[path: "books/operations/closes"] == .bool(true))
        #expect(try home.ask("status")[path: "graph/waitingRelationships"] == 2)
        #expect(try home.ask("twin", "door-HQ-EAST-MAIN")["$relationships"] == nil)
        let building = Sample.assetHeader + "HQ-EAST,Head office,building,HAM1,active,\n"
        try home.drop("buildings.csv", building, to: "buildings")
        #expect(try home.ask("status")[path: "graph/waitingRelationships"] == 0)
        #expect(try home.ask("twin", "door-HQ-EAST-MAIN")["$relationships"]?.elements?.first?["$targetId"] == "HQ-EAST")
    }

    @Test func `is rejected where the source says so`() throws {
        let home = try Home(Self.sources("reject"))
        let receipt = try home.drop("doors.cnt", Sample.doors, to: "doors", code: 1)
        #expect(receipt[path: "books/operations/waiting"] == 0)
        #expect(receipt[path: "books/records/rejected"] == 2 || receipt[path: "books/operations/rejected"] == 2)
        let reasons = try home.text(of: "receipts/doors/" + (receipt[path: "rejects/reasons"]?.string ?? "none"))
        #expect(reasons.split(separator: "\n").count { $0.contains("dangling") } == 2)
        #expect(try home.ask("status")[path: "graph/relationships"] == 0)
    }

    @Test func `gets a stub where the source says so`() throws {
        let home = try Home(Self.sources("stub"))
        try home.drop("doors.cnt", Sample.doors, to: "doors")
        let stub = try home.ask("twin", "HQ-EAST")
        #expect(stub.members?.allSatisfy { $0.name.hasPrefix("$") } == true)
        #expect(try home.ask("status")[path: "graph/relationships"] == 2)
    }
}

@Suite(.serialized) struct `The sample plugins` {
    @Test func `run side by side in their workers`() throws {
        let home = try Home(
            Sample.sources + "  lifts:\n    plugin: mapping\n    ready: {rule: rename}\n    mapping: lifts.yaml\n",
            mappings: [
                "lifts.yaml":
                    "twins:\n  - id: \"lift-{id}\"\n    model: dtmi:com:example:Lift;1\n    properties: {load: {column: load, type: double}}\n"
            ])
        let daemon = try Daemon(home)
        try home.deliver("assets.csv", Sample.assets(1...3), to: "assets")
        try home.deliver("orders.csv", Sample.orderHeader + Sample.order(1, battery: 81, order: 4711), to: "orders")
        try home.deliver("fleet.csv", Sample.fleet, to: "fleet")
        try home.deliver("doors.cnt", Sample.doors, to: "doors")
        try home.deliver("lifts.csv", "id,load\n7,1250.5\n", to: "lifts")
        try daemon.wait(for: "A drop was applied.", count: 5)
        #expect(try home.ask("twin", "asset-FL-2")["lastService"] == "2026-10-02")
        let forklift = try home.ask("twin", "forklift-FL-1")
        #expect(forklift["batteryPercent"] == 81)
        #expect(forklift["$relationships"]?.elements?.first?["$targetId"] == "order-4711")
        let depot = try home.ask("twin", "depot-D1")
        #expect(
            depot["$relationships"]?.elements?.compactMap { $0["$targetId"]?.string }.sorted() == [
                "vehicle-V100", "vehicle-V101",
            ])
        #expect(try home.ask("twin", "door-HQ-EAST-MAIN")["entered"] == 12)
        #expect(try home.ask("twin", "lift-7")["load"] == 1250.5)
        #expect(try daemon.end() == 0)
    }

    @Test func `are listed and inspected`() throws {
        let home = try Home(Sample.sources)
        let plugins = try home.list("plugin", "list")
        let names = Set(plugins.compactMap { $0["plugin"]?.string })
        #expect(names.isSuperset(of: ["mapping", "asset-inventory", "wms-orders", "fleet-hierarchy", "door-counter"]))
        #expect(plugins.allSatisfy { $0["usable"] == .bool(true) })
        #expect(try home.ask("plugin", "inspect", "mapping")[path: "settings/type"] == "object")
        #expect(try home.run("plugin", "inspect", "nothing").code == 1)
        let shown = try home.shown("plugin", "inspect", "mapping")
        #expect(shown.hasPrefix("plugin    mapping "), "\(shown)")
        #expect(shown.contains("dialect.delimiter") && shown.contains("what stands between cells"), "\(shown)")
        #expect(!shown.contains("\"settings\"") && !shown.contains("\\u{"), "no JSON, no escapes: \(shown)")
        #expect(
            try home.list("source", "list").compactMap { $0["source"]?.string ?? $0["name"]?.string } == [
                "assets", "orders", "fleet", "doors",
            ])
        #expect(try home.run("source", "check").code == 0)
    }
}
