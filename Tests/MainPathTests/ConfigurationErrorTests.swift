import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A wrong configuration` {
    @Test(arguments: [["run"], ["run", "--once"], ["source", "check"]])
    func `is refused with 64, and with every error at its place`(command: [String]) throws {
        let home = try Home(
            """
            sources:
              assets:
                plugin: asset-inventory
                mode: snapshoot
                ready: {rule: rename, settel: 2s}
                guard: {deletes: 0.05}
              lifts:
                plugin: no-such-plugin
            limits:
              workers: many

            """)
        let ended = try Program.run(Program.twindrop, command + ["--home", home.path])
        #expect(ended.code == 64)
        #expect(ended.out == "")
        for place in [":4:", ":5:", ":6:", ":8:", ":10:"] { #expect(ended.err.contains("twindrop.yaml" + place), "\(ended.err)") }
        for words in ["snapshot", "settle", "5%", "no-such-plugin", "limits.workers"] {
            #expect(ended.err.contains(words), "\(ended.err)")
        }
    }

    @Test func `that is no YAML is said to be so by whoever asks for a source`() throws {
        let home = try Home(Sample.assetsSource("patterns: [\"*.csv\"]"))
        let file = try home.file("a.csv", Sample.assets(1...1))
        try home.configure(Sample.assetsSource("patterns: [\"*.csv\""))
        for call in [["drop", file, "--source", "assets"], ["plan", file, "--source", "assets"], ["source", "list"]] {
            let ended = try Program.run(Program.twindrop, call + ["--home", home.path])
            #expect(ended.code == 64 && ended.err.contains("twindrop.yaml:"), "\(call): \(ended.out)\(ended.err)")
            #expect(!ended.err.contains("No source is called"), "\(ended.err)")
        }
    }

    @Test func `with settings the plugin does not take names the setting`() throws {
        let home = try Home(Sample.assetsSource("settings: {delimeter: \";\", statuses: active}"))
        let ended = try home.run("source", "check")
        #expect(ended.code == 64)
        #expect(ended.err.contains("twindrop.yaml:5:"), "\(ended.err)")
        #expect(ended.err.contains("delimeter"))
        #expect(ended.err.contains("statuses"))
    }

    @Test func `in a mapping file is told with that file's lines`() throws {
        let home = try Home(
            "sources:\n  lifts:\n    plugin: mapping\n    mapping: lifts.yaml\n",
            mappings: ["lifts.yaml": "dialect:\n  delimiter: \"\"\ntwins: 5\n"])
        let ended = try home.run("run", "--once")
        #expect(ended.code == 64)
        #expect(ended.err.contains("mappings/lifts.yaml:2:"), "\(ended.err)")
        #expect(ended.err.contains("mappings/lifts.yaml:3:"), "\(ended.err)")
    }

    @Test func `that only the plugin can find suspends its source, and is told`() throws {
        let home = try Home(
            "sources:\n  lifts:\n    plugin: mapping\n    ready: {rule: rename}\n    mapping: lifts.yaml\n",
            mappings: ["lifts.yaml": "twins:\n  - id: \"lift-{id\"\n    model: dtmi:com:example:Lift;1\n    properties: {}\n"])
        try home.deliver("a.csv", "id\n1\n", to: "lifts")
        let ended = try home.run("run", "--once")
        #expect(ended.err.contains("twins[0].id") || ended.err.contains("twins"), "\(ended.err)")
        #expect(try home.list("drops").allSatisfy { $0["state"] != "quarantined" })
    }

    private static let lifts = "sources:\n  lifts:\n    plugin: mapping\n    ready: rename\n    mapping: lifts.yaml\n"

    @Test func `that only the plugin can find is found by a check, all of it, each at its place`() throws {
        let mapping = """
            twins:
              - id: "lift-{id"
                model: dtmi:com:example:Lift;1
                properties:
                  since: { column: since, type: date, format: yyyy-QQ }
                  name: { text: "{name|lowr}" }
              - id: "door-{id}|{"
                model: dtmi:com:example:Door;1

            """
        let home = try Home(Self.lifts, mappings: ["lifts.yaml": mapping])
        let check = try home.run("source", "check")
        #expect(check.code == 64, "\(check.out)\(check.err)")
        let doctor = try home.run("doctor")
        #expect(doctor.code == 1 && doctor.out.contains("PROBLEM configuration"), "\(doctor.out)")
        for said in [check.err, doctor.out] {
            for place in ["2:9: twins.0.id", "5:", "6:", "7:9: twins.1.id"] {
                #expect(said.contains("mappings/lifts.yaml:" + place), "\(place): \(said)")
            }
            for path in ["twins.0.properties.since.format: ", "twins.0.properties.name.text: "] { #expect(said.contains(path)) }
            #expect(!said.contains("mapping.so"), "\(said)")
        }
        #expect(check.err.contains("4 errors."), "\(check.err)")
        // The first file says the same.
        try home.deliver("a.csv", "id,name,since\n1,a,2026-11-21\n", to: "lifts")
        let run = try home.run("run", "--once")
        #expect(run.err.contains("mappings/lifts.yaml:2:9: twins.0.id"), "\(run.err)")
    }

    @Test(arguments: [
        ("", "mappings/lifts.yaml:3:"), ("    mode: snapsho\n", "twindrop.yaml:"),
    ])
    func `that the schema finds is told together with what only the plugin finds, each once`(key: String, place: String) throws {
        let mapping = """
            twins:
              - id: "lift-{id"
                verb: uspert
                colour: red
                model: dtmi:com:example:Lift;1
                properties:
                  since: { column: since, type: date, format: yyyy-QQ }

            """
        let home = try Home(Self.lifts + key, mappings: ["lifts.yaml": mapping])
        let check = try home.run("source", "check")
        #expect(check.code == 64, "\(check.out)\(check.err)")
        #expect(check.err.contains(place), "\(check.err)")
        for path in ["2:9: twins.0.id: ", "twins.0.verb: ", "twins.0.colour: ", "twins.0.properties.since.format: "] {
            #expect(check.err.split(separator: path).count == 2, "\(path): \(check.err)")
        }
    }

    @Test func `names a lookup table that the source does not have`() throws {
        let mapping = """
            twins:
              - id: "lift-{id}"
                model: dtmi:com:example:Lift;1
                properties:
                  site: { column: site, lookup: nix }

            """
        let home = try Home(
            Self.lifts + "    lookups:\n      sites: {file: files/sites.csv, key: code, value: name}\n",
            mappings: ["lifts.yaml": mapping])
        _ = try home.file("sites.csv", "code,name\nHAM,Hamburg\n")
        let check = try home.run("source", "check")
        #expect(check.code == 64)
        #expect(check.err.contains("mappings/lifts.yaml:5:") && check.err.contains("\"nix\""), "\(check.err)")
        #expect(check.err.contains("it has sites"), "\(check.err)")
        try home.write("mappings/lifts.yaml", mapping.replacing("nix }", with: "sites, otherwise: reject }"))
        #expect(try home.run("source", "check").code == 0)
        try home.drop("a.csv", "id,site\n1,HAM\n2,MUC\n", to: "lifts")
        #expect(try home.shown("show", "a.csv").contains("the lookup table 'sites'"))
    }

    @Test func `is none where the rule of readiness stands as a word`() throws {
        let home = try Home("sources:\n  assets:\n    plugin: asset-inventory\n    ready: rename\n")
        #expect(try home.shown("source", "list").contains("rename"))
        try home.configure("sources:\n  assets:\n    plugin: asset-inventory\n    ready: renamed\n")
        let check = try home.run("source", "check")
        #expect(check.code == 64 && check.err.contains("sources.assets.ready.rule"), "\(check.err)")
    }

    @Test func `is no reason to touch the home`() throws {
        let home = try Home("sources: 5\n")
        #expect(try home.run("run", "--once").code == 64)
        #expect(home.names(in: "").sorted() == ["dropzone", "files", "mappings", "plugins", "twindrop.yaml"])
    }

    @Test func `is missing where there is no home`() throws {
        let home = try Home(Sample.sources)
        let ended = try Program.run(Program.twindrop, ["status", "--home", home.path + "/nowhere"])
        #expect(ended.code == 64)
        #expect(ended.err.contains("twindrop init"))
    }

    @Test(arguments: [
        [], ["nonsense"], ["drop"], ["drop", "a.csv"], ["twin"], ["twin", "a", "--as-of", "yesterday"],
        ["drops", "--state", "lost"],
    ])
    func `of the command line is a usage error`(arguments: [String]) throws {
        let home = try Home(Sample.sources)
        let ended = try Program.run(Program.twindrop, arguments, environment: ["TWINDROP_HOME": home.path])
        #expect(ended.code == (arguments.isEmpty ? 0 : 64), "\(ended.err)")
    }
}
