import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `The metrics of a daemon` {
    private static func mapping(_ property: String) -> String {
        "twins:\n  - id: \"lift-{id}\"\n    properties: {\(property): name}\n"
    }

    /// The samples of a page of `/metrics` by their names and labels, as they are written.
    private func samples(of home: Home) throws -> [String: Double] {
        let endpoint = try home.text(of: "state/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
        let url = try #require(URL(string: endpoint + "/metrics"))
        let text = try Program.tool(
            "python3", "-c", "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())", url.absoluteString)
        try #require(text.code == 0, "\(text.err)")
        var samples: [String: Double] = [:]
        for line in text.out.split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " ") else { continue }
            samples[String(line[..<space])] = Double(line[line.index(after: space)...])
        }
        return samples
    }

    @Test func `count each drop once, whatever a person did with it`() throws {
        let home = try Home(
            Sample.assetsSource("mode: snapshot", "guard: {deletes-free: 0}") + "http: {listen: \"127.0.0.1:0\"}\n")
        let daemon = try Daemon(home)
        try home.drop("1.csv", Sample.assets(1...20), to: "assets")
        let held = try home.drop("2.csv", Sample.assets(1...5), to: "assets", code: 1)
        try home.drop("broken.csv", "<html>\n", to: "assets", code: 1)
        let before = try samples(of: home)
        #expect(before["twindrop_drops{source=\"assets\",state=\"held\"}"] == 1)
        #expect(before["twindrop_operations_total{source=\"assets\",outcome=\"created\"}"] == 20)
        #expect(before["twindrop_records_total{source=\"assets\",outcome=\"used\"}"] == 20)
        #expect(try home.run("release", held["drop"]?.string ?? "").code == 0)
        try daemon.wait(for: "A drop was applied.", count: 2)
        let after = try samples(of: home)
        #expect(after["twindrop_operations_total{source=\"assets\",outcome=\"created\"}"] == 20)
        #expect(after["twindrop_operations_total{source=\"assets\",outcome=\"deleted-by-absence\"}"] == 15)
        #expect(after["twindrop_records_total{source=\"assets\",outcome=\"used\"}"] == 25)
        #expect(after["twindrop_drops{source=\"assets\",state=\"held\"}"] ?? 0 == 0)
        #expect(after["twindrop_drops{source=\"assets\",state=\"quarantined\"}"] == 1)
        func ends(_ samples: [String: Double]) -> [Double] {
            ["applied", "not-applied", "nothing-usable", "applied-with-rejects"].map {
                samples["twindrop_drop_outcomes_total{source=\"assets\",outcome=\"\($0)\"}"] ?? 0
            }
        }
        #expect(ends(before) == [1, 1, 0, 0], "a held drop has not ended")
        #expect(ends(after) == [2, 1, 0, 0])
        #expect(try home.run("discard", "broken.csv").code == 0)
        #expect(ends(try samples(of: home)) == [2, 1, 0, 0], "it ended when it was quarantined")
        #expect(try daemon.end() == 0)
    }

    @Test func `count a worker that was started because its mapping changed`() throws {
        let home = try Home(
            "sources:\n  lifts:\n    plugin: mapping\n    ready: {rule: rename}\n    mapping: lifts.yaml\nhttp: {listen: \"127.0.0.1:0\"}\n",
            mappings: ["lifts.yaml": Self.mapping("name")])
        let daemon = try Daemon(home)
        let starts = "twindrop_worker_starts_total{source=\"lifts\"}"
        try home.drop("1.csv", "id,name\n1,One\n", to: "lifts")
        try home.drop("2.csv", "id,name\n2,Two\n", to: "lifts")
        #expect(try samples(of: home)[starts] == 1)
        try home.write("mappings/lifts.yaml", Self.mapping("title"))
        try home.drop("3.csv", "id,name\n3,Three\n", to: "lifts")
        #expect(try samples(of: home)[starts] == 2)
        #expect(try daemon.end() == 0)
    }
}
