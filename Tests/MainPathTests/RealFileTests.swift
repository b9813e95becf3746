import Foundation
import Testing
import TwinModel

/// Public export files, through the whole path: each number is compared with `facts.json`, which other tools computed.
@Suite(.serialized, .enabled(if: Shared.isPresent, "needs ../shared/data beside the package"))
struct `Real files` {
    @Test func `of AdventureWorks become twins and relationships`() throws {
        let home = try Shared.home(
            "adventureworks-product", "adventureworks-bom", "adventureworks-inventory", "adventureworks-location",
            "adventureworks-model", "adventureworks-workorder")
        let daemon = try Daemon(home)
        for (source, file) in [
            ("product", "Product"), ("bom", "BillOfMaterials"), ("location", "Location"), ("inventory", "ProductInventory"),
            ("model", "ProductModel"), ("workorder", "ssms-excel-export/Production.WorkOrder"),
        ] {
            let receipt = try home.drop(file: Shared.file("adventureworks-oltp", file + ".csv"), to: "adventureworks-" + source)
            Shared.expectWhole(receipt)
        }
        let facts = try Shared.facts("adventureworks-oltp")
        let graph = try Graph(home)
        #expect(graph.twins("Product").count == facts.count("Product", "rows"))
        #expect(abs(graph.sum("Product", "listPrice") - facts.number("Product", "sum_ListPrice")) < 1e-6)
        #expect(abs(graph.sum("Product", "standardCost") - facts.number("Product", "sum_StandardCost")) < 1e-6)
        #expect(graph.twins("Product").count { $0["made"] == .bool(true) } == facts.count("Product", "make_flag_1"))
        #expect(graph.relationships("ofModel").count == facts.count("Product", "rel_model"))
        #expect(graph.relationships("hasComponent").count == facts.count("BillOfMaterials", "rel_assembly_component_open"))
        #expect(graph.relationships("storedAt").count == facts.count("ProductInventory", "distinct_key_Product_Location"))
        let stored = graph.relationships("storedAt").reduce(0) { $0 + ($1["quantity"]?.number ?? .nan) }
        #expect(stored == facts.number("ProductInventory", "sum_Quantity"))
        #expect(graph.twins("Location").count == facts.count("Location", "rows"))
        #expect(graph.sum("Location", "availability") == facts.number("Location", "sum_Availability"))
        #expect(graph.twins("ProductModel").count == facts.count("ProductModel", "records"))
        #expect(
            graph.twins("ProductModel").count { $0["catalog"] != nil }
                == facts.count("ProductModel", "with_CatalogDescription_xml"))
        #expect(graph.sum("WorkOrder", "orderQuantity") == facts.number("WorkOrder", "sum_OrderQty"))
        #expect(graph.sum("WorkOrder", "scrappedQuantity") == facts.number("WorkOrder", "sum_ScrappedQty"))
        #expect(graph.relationships("produces").count == facts.count("WorkOrder", "rel_product"))
        let again = try home.drop(file: Shared.file("adventureworks-oltp", "Product.csv"), to: "adventureworks-product")
        #expect(again["state"] == "duplicate")
        #expect(try home.run("verify", "--full").code == 0)
        #expect(try daemon.end() == 0)
    }

    @Test func `of an airline's week wait for aircraft nobody knows`() throws {
        let home = try Shared.home("aviation-planes", "aviation-airports", "aviation-airlines", "aviation-flights")
        for (source, file) in [
            ("planes", "planes"), ("airports", "airports"), ("airlines", "airlines"), ("flights", "flights_2013-01-01_to_07"),
        ] {
            Shared.expectWhole(try home.drop(file: Shared.file("aviation-fleet", file + ".csv"), to: "aviation-" + source))
        }
        let facts = try Shared.facts("aviation-fleet")
        let graph = try Graph(home)
        #expect(graph.twins("Aircraft").count == facts.count("planes_rows"))
        #expect(graph.sum("Aircraft", "seats") == facts.number("planes_sum_seats"))
        #expect(graph.twins("Aircraft").count { $0["year"] == nil } == facts.count("planes_year_NA"))
        #expect(graph.twins("Airport").count == facts.count("airports_rows"))
        #expect(graph.twins("Airline").count == facts.count("airlines_rows"))
        #expect(graph.twins("Flight").count == facts.count("flights_rows"))
        #expect(graph.sum("Flight", "distance") == facts.number("sum_distance"))
        #expect(graph.twins("Flight").count { $0["departed"] == nil } == facts.count("cancelled_dep_time_missing"))
        let waiting = try #require(try home.ask("status")[path: "graph/waitingRelationships"]?.int)
        #expect(waiting > 0)
        #expect(
            graph.relationships("currentAssignment").count + Int(waiting) == facts.count("planes_with_a_last_departed_flight"))
    }

    @Test func `with many equal rows, and with quotation marks that mean nothing, lose none`() throws {
        let home = try Shared.home("us-gov-1033", "us-gov-events", keys: "duplicates: process")
        Shared.expectWhole(try home.drop(file: Shared.file("us-gov-assets", "ks_1033_data.csv"), to: "us-gov-1033"))
        Shared.expectWhole(
            try home.drop(file: Shared.file("us-gov-assets", "event-notification-rpt-lastmonth.txt"), to: "us-gov-events"))
        let facts = try Shared.facts("us-gov-assets")
        let graph = try Graph(home)
        #expect(graph.twins("AssetItem").count == facts.count("ks_1033_data.csv", "rows"))
        #expect(graph.sum("AssetItem", "quantity") == facts.number("ks_1033_data.csv", "sum_quantity"))
        #expect(abs(graph.sum("AssetItem", "total") - facts.number("ks_1033_data.csv", "sum_total_cost")) < 1e-4)
        #expect(graph.twins("ItemType").count == facts.count("ks_1033_data.csv", "distinct_nsn"))
        #expect(graph.twins("Event").count == facts.count("event-notification-rpt-lastmonth.txt", "records_naive_split"))
        let again = try home.drop(file: Shared.file("us-gov-assets", "ks_1033_data.csv"), to: "us-gov-1033")
        #expect(again["state"] == "done")
        for outcome in ["created", "updated", "deleted"] { #expect(again[path: "books/operations/\(outcome)"] == 0) }
    }

    @Test func `of a building become its sites, equipment and points`() throws {
        let home = try Shared.home("haystack")
        Shared.expectWhole(try home.drop(file: Shared.file("haystack-carytown", "carytown.csv"), to: "haystack"))
        let facts = try Shared.facts("haystack-carytown")
        let graph = try Graph(home)
        for (model, marker) in [("Site", "site"), ("Equip", "equip"), ("Point", "point")] {
            #expect(graph.twins(model).count == facts.count("markers", marker))
        }
        for name in ["siteRef", "equipRef"] { #expect(graph.relationships(name).count == facts.count("refs", name)) }
    }
}

/// The public files beside the package.
private enum Shared {
    static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    static let folder =
        tests.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path + "/shared/data"
    static let isPresent = FileManager.default.fileExists(atPath: folder + "/README.md")

    static func file(_ family: String, _ name: String) -> String { "\(folder)/\(family)/files/\(name)" }

    static func facts(_ family: String) throws -> Facts {
        let text = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(family)/facts.json"))
        return Facts(json: try #require(try JSON(parsing: Array(text))["facts"]))
    }

    /// A home with one source for each mapping of `Mappings/`, of the same name.
    static func home(_ mappings: String..., keys: String = "order: none") throws -> Home {
        var sources = "sources:\n"
        var texts: [String: String] = [:]
        for name in mappings {
            sources += "  \(name):\n    plugin: mapping\n    ready: {rule: rename}\n    mapping: \(name).yaml\n    \(keys)\n"
            texts[name + ".yaml"] = try String(contentsOf: tests.appendingPathComponent("Mappings/\(name).yaml"), encoding: .utf8)
        }
        return try Home(sources, mappings: texts)
    }

    static func expectWhole(_ receipt: JSON) {
        #expect(receipt["state"] == "done")
        #expect(receipt[path: "books/records/rejected"] == 0, "\(receipt.text())")
        #expect(receipt[path: "books/bytes/unaccounted"] == 0)
        for book in ["records", "operations", "bytes"] { #expect(receipt[path: "books/\(book)/closes"] == .bool(true)) }
    }
}

/// Numbers of one family's `facts.json`.
private struct Facts {
    let json: JSON

    func number(_ path: String...) -> Double { path.reduce(json as JSON?) { $0?[$1] }?.number ?? .nan }

    func count(_ path: String...) -> Int {
        let value = path.reduce(json as JSON?) { $0?[$1] }?.number ?? .nan
        return value.isNaN ? -1 : Int(value)
    }
}

/// All twins of a home, as `twin --all` prints them.
private struct Graph {
    let all: [JSON]

    init(_ home: Home) throws { all = try home.list("twin", "--all") }

    func twins(_ model: String) -> [JSON] {
        all.filter { $0[path: "$metadata/$model"] == .string("dtmi:com:example:\(model);1") }
    }

    func sum(_ model: String, _ property: String) -> Double { twins(model).reduce(0) { $0 + ($1[property]?.number ?? 0) } }

    func relationships(_ name: String) -> [JSON] {
        all.flatMap { $0["$relationships"]?.elements ?? [] }.filter { $0["$relationshipName"] == .string(name) }
    }
}
