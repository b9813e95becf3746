import Testing
import TwinDropTesting

@Suite struct `The sample plugins` {
    @Test(arguments: [
        ("asset-inventory", "inventory.csv", "{}"),
        ("asset-inventory", "semicolon.csv", #"{"delimiter":";","idPrefix":"a-","statuses":["active","idle"]}"#),
        ("wms-orders", "orders-0850.csv", "{}"),
        ("wms-orders", "orders-0900.csv", "{}"),
        ("fleet-hierarchy", "fleet.csv", "{}"),
    ])
    func `give what their golden files say`(plugin: String, sample: String, settings: String) throws {
        let harness = try PluginHarness(library: PluginLibraries.path(plugin), settings: settings)
        #expect(harness.id == plugin)
        let path = "\(PluginLibraries.folder(plugin))/Samples/\(sample)"
        let recording = try harness.transform(file: path)
        #expect(recording.violations.isEmpty)
        #expect(recording.accountsForEveryByte)
        let golden = GoldenFile(path.replacing(".csv", with: ".golden.ndjson"))
        let differences = try golden.differences(from: recording)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    @Test(arguments: ["asset-inventory", "wms-orders", "fleet-hierarchy"])
    func `refuse settings they do not know`(plugin: String) throws {
        let error = #expect(throws: HarnessError.self) {
            try PluginHarness(library: PluginLibraries.path(plugin), settings: #"{"delimeter":";"}"#)
        }
        #expect(error?.message.contains("delimeter: is unknown here; allowed: delimiter") == true)
    }

    @Test(arguments: [("asset-inventory", "asset_id,name"), ("wms-orders", "forklift_id,x"), ("fleet-hierarchy", "company_id,x")])
    func `know their own files`(plugin: String, head: String) throws {
        let harness = try PluginHarness(library: PluginLibraries.path(plugin))
        #expect(harness.probe(name: "x.csv", head: Array(head.utf8)) == 90)
        #expect(harness.probe(name: "x.csv", head: Array("id,name".utf8)) == 0)
    }

    @Test(arguments: ["asset-inventory", "wms-orders", "fleet-hierarchy"])
    func `refuse a file of another kind and say which columns it has`(plugin: String) throws {
        let recording = try PluginHarness(library: PluginLibraries.path(plugin)).transform(
            Array("id,name\n1,2\n".utf8), name: "x.csv")
        #expect(recording.status == 1)
        #expect(recording.failure?.contains("Its columns are: id, name.") == true)
    }

    @Test func `are refused when they are no plugin`() throws {
        #expect(throws: HarnessError.self) { try PluginHarness(library: PluginLibraries.path("no-such-plugin")) }
    }
}
