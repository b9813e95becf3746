import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A mapping that is changed under a running daemon` {
    private static let sources = """
        sources:
          lifts:
            plugin: mapping
            ready: {rule: rename}
            mapping: lifts.yaml
            lookups: {sites: {file: sites.csv, key: code, value: name}}
          assets:
            plugin: asset-inventory
            ready: {rule: rename}

        """

    private static func mapping(_ property: String) -> String {
        "twins:\n  - id: \"lift-{id}\"\n    model: dtmi:com:example:Lift;1\n    properties: {\(property): name}\n"
    }

    private static func home() throws -> Home {
        let home = try Home(sources, mappings: ["lifts.yaml": mapping("name")])
        try home.write("sites.csv", "code,name\nH,Hamburg\n")
        return home
    }

    @Test func `is used for the next drop`() throws {
        let home = try Self.home()
        let daemon = try Daemon(home)
        let first = try home.drop("1.csv", "id,name\n1,One\n", to: "lifts")
        try home.write("mappings/lifts.yaml", Self.mapping("title"))
        try home.drop("2.csv", "id,name\n2,Two\n", to: "lifts")
        #expect(try home.ask("twin", "lift-1")["name"] == "One")
        #expect(try home.ask("twin", "lift-2")["title"] == "Two")
        #expect(first["state"] == "done" || first["state"] == "done" || first["state"] == "applied")
        #expect(try daemon.end() == 0)
    }

    @Test func `suspends its source with the reason when it is wrong, until it is right`() throws {
        let home = try Self.home()
        let daemon = try Daemon(home)
        try home.drop("1.csv", "id,name\n1,One\n", to: "lifts")
        try home.write("mappings/lifts.yaml", "twinz: []\n")
        try home.deliver("2.csv", "id,name\n2,Two\n", to: "lifts")
        try daemon.wait(for: "A source is suspended; its files wait.")
        let status = try home.ask("status")["sources"]?.elements?.first
        #expect(status?["suspended"]?.string?.contains("mappings/lifts.yaml:1:1: twinz: unknown key") == true)
        try home.deliver("a.csv", Sample.assets(1...2), to: "assets")
        try daemon.wait(for: "A drop was applied.", count: 2)
        try home.write("mappings/lifts.yaml", Self.mapping("title"))
        try daemon.wait(for: "A drop was applied.", count: 3)
        #expect(try home.ask("twin", "lift-2")["title"] == "Two")
        #expect(try home.ask("status")["sources"]?.elements?.first?["suspended"] == nil)
        #expect(try daemon.end() == 0)
    }
}
