import Testing
import TwinDropTesting
import TwinModel

@Suite(.enabled(if: SharedFiles.isPresent, "needs ../shared/data"))
struct `The mapping plugin on real files` {
    @Test func `maps AdventureWorks products`() throws {
        let facts = try #require(try SharedFiles.facts("adventureworks-oltp")["Product"])
        let recording = try transform("adventureworks-product", "adventureworks-oltp/files/Product.csv")
        #expect(recording.rejected == 0, "\(recording.allRecords.compactMap(\.rejection).first?.message ?? "")")
        let twins = recording.twins
        #expect(twins.count == count(facts, "rows"))
        #expect(Set(twins.map(\.key)).count == count(facts, "distinct_ProductID"))
        #expect(abs(sum(twins, "listPrice") - number(facts, "sum_ListPrice")) < 1e-6)
        #expect(abs(sum(twins, "standardCost") - number(facts, "sum_StandardCost")) < 1e-6)
        #expect(twins.count { $0["made"] == .bool(true) } == count(facts, "make_flag_1"))
        let subcategories = recording.relationships("inSubcategory")
        #expect(subcategories.count { $0.verb == .upsert } == count(facts, "rel_subcategory"))
        #expect(subcategories.count { $0.verb == .delete } == count(facts, "empty_ProductSubcategoryID"))
        #expect(recording.relationships("ofModel").count == count(facts, "rel_model"))
    }

    @Test func `maps the open bill of materials`() throws {
        let facts = try #require(try SharedFiles.facts("adventureworks-oltp")["BillOfMaterials"])
        let recording = try transform("adventureworks-bom", "adventureworks-oltp/files/BillOfMaterials.csv")
        #expect(recording.relationships("hasComponent").count == count(facts, "rel_assembly_component_open"))
        #expect(Int(recording.records) == count(facts, "rows"))
        #expect(recording.relationships("hasComponent").allSatisfy { $0["level"] != nil })
    }

    @Test func `maps inventory and locations`() throws {
        let facts = try SharedFiles.facts("adventureworks-oltp")
        let inventory = try #require(facts["ProductInventory"])
        let stored = try transform("adventureworks-inventory", "adventureworks-oltp/files/ProductInventory.csv").relationships(
            "storedAt")
        #expect(Set(stored.map(\.key)).count == count(inventory, "distinct_key_Product_Location"))
        #expect(sum(stored, "quantity") == number(inventory, "sum_Quantity"))
        #expect(stored.count { $0["bin"] == .int(0) } == count(inventory, "bin_zero"))
        let location = try #require(facts["Location"])
        let locations = try transform("adventureworks-location", "adventureworks-oltp/files/Location.csv").twins
        #expect(locations.count == count(location, "rows"))
        #expect(sum(locations, "availability") == number(location, "sum_Availability"))
    }

    @Test func `reads records that end with two characters and a line end`() throws {
        let facts = try #require(try SharedFiles.facts("adventureworks-oltp")["ProductModel"])
        let models = try transform("adventureworks-productmodel", "adventureworks-oltp/files/ProductModel.csv").twins
        #expect(models.count == count(facts, "records"))
        #expect(models.count { $0["catalog"] != .absent } == count(facts, "with_CatalogDescription_xml"))
        #expect(models.count { $0["instructions"] != .absent } == count(facts, "with_Instructions_xml"))
        let longest = models.flatMap(\.properties).map {
            if case .text(let text) = $0.value { text.unicodeScalars.count } else { 0 }
        }.max()
        #expect(longest == count(facts, "max_field_chars"))
    }

    @Test func `maps work orders whose dates Excel destroyed`() throws {
        let facts = try #require(try SharedFiles.facts("adventureworks-oltp")["WorkOrder"])
        let recording = try transform(
            "adventureworks-workorder", "adventureworks-oltp/files/ssms-excel-export/Production.WorkOrder.csv")
        #expect(recording.twins.count == count(facts, "rows"))
        #expect(sum(recording.twins, "orderQuantity") == number(facts, "sum_OrderQty"))
        #expect(sum(recording.twins, "stockedQuantity") == number(facts, "sum_StockedQty"))
        #expect(sum(recording.twins, "scrappedQuantity") == number(facts, "sum_ScrappedQty"))
        #expect(recording.relationships("produces").count == count(facts, "rel_product"))
        #expect(recording.relationships("scrappedBecause").count == count(facts, "rel_scrapReason"))
        #expect(!recording.twins.contains { $0["due"] != nil })
    }

    @Test func `maps aircraft and their models`() throws {
        let facts = try SharedFiles.facts("aviation-fleet")
        let recording = try transform("aviation-planes", "aviation-fleet/files/planes.csv")
        let aircraft = recording.twins.filter { $0["seats"] != nil }
        #expect(aircraft.count == count(facts, "planes_rows"))
        #expect(sum(aircraft, "seats") == number(facts, "planes_sum_seats"))
        #expect(aircraft.count { $0["year"] == .absent } == count(facts, "planes_year_NA"))
        let models = recording.twins.filter { $0["title"] != nil }
        #expect(Set(models.map(\.key)).count == count(facts, "distinct_manufacturer_model"))
        let makers = try #require(facts["planes_by_manufacturer_top"])
        #expect(aircraft.count { $0["maker"] == .text("AIRBUS") } == count(makers, "AIRBUS") + count(makers, "AIRBUS INDUSTRIE"))
        #expect(aircraft.allSatisfy { $0["engine/kind"] != nil })
    }

    @Test func `maps flights and current assignments`() throws {
        let facts = try SharedFiles.facts("aviation-fleet")
        let recording = try transform("aviation-flights", "aviation-fleet/files/flights_2013-01-01_to_07.csv")
        #expect(recording.twins.count == count(facts, "flights_rows"))
        #expect(sum(recording.twins, "distance") == number(facts, "sum_distance"))
        #expect(recording.twins.count { $0["departed"] == .absent } == count(facts, "cancelled_dep_time_missing"))
        // The id is stable, so an aircraft has one assignment, however many of its flights are in the file.
        let assigned = Set(recording.relationships("currentAssignment").map(\.key))
        #expect(assigned.count == count(facts, "planes_with_a_last_departed_flight"))
    }

    @Test func `gives each of many equal rows an id of its own`() throws {
        let facts = try #require(try SharedFiles.facts("us-gov-assets")["ks_1033_data.csv"])
        let recording = try transform("us-gov-1033", "us-gov-assets/files/ks_1033_data.csv")
        #expect(recording.rejected == 0, "\(recording.allRecords.compactMap(\.rejection).first?.message ?? "")")
        let items = recording.twins.filter { $0["total"] != nil }
        #expect(Set(items.map(\.key)).count == count(facts, "rows"))
        #expect(sum(items, "quantity") == number(facts, "sum_quantity"))
        #expect(abs(sum(items, "total") - number(facts, "sum_total_cost")) < 1e-4)
        #expect(Set(recording.twins.filter { $0.key.hasPrefix("itemtype-") }.map(\.key)).count == count(facts, "distinct_nsn"))
        #expect(items.contains { $0["shipped"] == .dateTime(microseconds: 1_148_018_400_000_000, offsetMinutes: -360) })
    }

    @Test func `reads a file whose quotation marks mean nothing`() throws {
        let facts = try #require(try SharedFiles.facts("us-gov-assets")["event-notification-rpt-lastmonth.txt"])
        let recording = try transform("us-gov-events", "us-gov-assets/files/event-notification-rpt-lastmonth.txt")
        #expect(recording.twins.count == count(facts, "records_naive_split"))
        #expect(recording.rejected == 0)
    }

    @Test func `maps a Haystack grid`() throws {
        let facts = try SharedFiles.facts("haystack-carytown")
        let recording = try transform("haystack", "haystack-carytown/files/carytown.csv")
        let markers = try #require(facts["markers"])
        let refs = try #require(facts["refs"])
        for (kind, marker) in [("Site", "site"), ("Equip", "equip"), ("Point", "point")] {
            #expect(recording.twins.count { $0.model.contains(":\(kind);") } == count(markers, marker))
        }
        for name in ["siteRef", "equipRef", "regionRef"] { #expect(recording.relationships(name).count == count(refs, name)) }
        #expect(recording.twins.contains { $0["area"] == .double(3149) })
    }

    private func transform(_ mapping: String, _ file: String) throws -> Recording {
        let recording = try PluginLibraries.mapping(mapping).transform(file: "\(SharedFiles.folder)/\(file)")
        #expect(recording.status == 0, "\(recording.failure ?? "")")
        #expect(recording.accountsForEveryByte, "\(recording.violations)")
        return recording
    }

    private func count(_ facts: JSON, _ name: String) -> Int { Int(facts[name]?.int ?? -1) }

    private func number(_ facts: JSON, _ name: String) -> Double { Double(facts[name]?.string ?? "") ?? .nan }

    private func sum(_ operations: [RecordedOperation], _ property: String) -> Double {
        operations.reduce(0) { sum, operation in
            switch operation[property] {
            case .int(let value): sum + Double(value)
            case .double(let value): sum + value
            default: sum
            }
        }
    }
}

extension Recording {
    var twins: [RecordedOperation] {
        allOperations.filter { if case .twin = $0.subject { true } else { false } }
    }

    func relationships(_ wanted: String) -> [RecordedOperation] {
        allOperations.filter { if case .relationship(_, let name, _, _) = $0.subject { name == wanted } else { false } }
    }
}

extension RecordedOperation {
    /// What tells it apart from others.
    var key: String {
        switch subject {
        case .twin(let id, _): id
        case .relationship(let source, let name, let target, let id): "\(source)/\(id.isEmpty ? "\(name):\(target)" : id)"
        }
    }

    var model: String { if case .twin(_, let model) = subject { model } else { "" } }

    var source: String? { if case .relationship(let source, _, _, _) = subject { source } else { nil } }
}
