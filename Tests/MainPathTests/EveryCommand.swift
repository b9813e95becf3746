import Foundation
import Testing
import TwinModel

/// Calls of every command of the program, for what must hold whatever is called.
struct EveryCommand {
    /// Words and signs as a stranger would choose them: they steer a terminal, turn the direction of writing, are not seen, or
    /// begin a formula.
    static let hostile = "=h\u{1B}[31m\u{202E}\u{200B}\u{9B}x"

    let home: Home

    /// A home in which every command has something to say: applied, held and quarantined drops, refused records, models,
    /// relationships, one that waits. All names and values are hostile.
    init() throws {
        home = try Home(
            """
            sources:
              assets:
                plugin: asset-inventory
                ready: {rule: rename}
                settings: {idPrefix: ""}
                guard: {rejects-free: 100}
              lists:
                plugin: asset-inventory
                mode: snapshot
                ready: {rule: rename}
                settings: {idPrefix: "list-"}
              fleet:
                plugin: fleet-hierarchy
                ready: {rule: rename}
              doors:
                plugin: door-counter
                ready: {rule: rename}

            """)
        try FileManager.default.createDirectory(atPath: home.path + "/models", withIntermediateDirectories: true)
        try home.write(
            "models/room.json",
            #"{"@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:Room;1", "@type": "Interface", "displayName": "\#(Self.hostile.replacing("\u{1B}", with: ""))", "contents": []}"#
        )
        let bad = Self.hostile
        try home.drop(
            bad + ".csv", Sample.assetHeader + "\(bad),\(bad),\(bad),\(bad),active,\nA-2,\(bad),c,s,\(bad),\n", to: "assets")
        try home.drop("fleet.csv", Sample.fleet.replacing("V100", with: bad).replacing("Truck 101", with: bad), to: "fleet")
        try home.drop("doors.cnt", Sample.doors, to: "doors")
        try home.drop("list.csv", Sample.assets(1...40), to: "lists")
        for name in ["held-a", "held-b", "held-c"] { try home.drop(name + ".csv", Sample.assets(1...3), to: "lists", code: 1) }
        for name in ["broken-a", "broken-b"] { try home.drop(name + ".csv", "<html>\(bad)\n", to: "assets", code: 1) }
    }

    /// The id of the asset or the vehicle whose key is hostile; the plugins escape it.
    func id(ofVehicle isVehicle: Bool) throws -> String {
        let named = try home.list("twin", "--all").filter {
            $0["name"]?.string.map { Array($0.utf8) } == Array(Self.hostile.utf8)
        }
        return try #require(
            named.compactMap { $0["$dtId"]?.string }.first { $0 != "A-2" && $0.hasPrefix("vehicle-") == isVehicle })
    }

    /// Calls without `--home`, and whether what they print on stdout is JSON. Those that change the home come last.
    func calls() throws -> [[String]] {
        let bad = Self.hostile
        let text = Sample.assetHeader + "\(bad),\(bad),c,s,active,\nA-3,n,c,s,\(bad),\n"
        let file = try home.file(bad + "-new.csv", text)
        let again = try home.file(bad + "-again.csv", text.replacing("A-3", with: "A-4"))
        let model = try home.file(bad + ".json", "{\"@id\": \"\(bad)\"}")
        let name = bad + ".csv"
        let (asset, vehicle) = (try id(ofVehicle: false), try id(ofVehicle: true))
        let depot = "depot-D1"
        let query = "SELECT * FROM DIGITALTWINS"
        return [
            ["status"], ["drops"], ["drops", "--source", bad], ["drops", "--state", bad], ["show", name],
            ["show", "broken-a.csv"],
            ["show", "held-a.csv", "--diff"], ["show", bad], ["waiting"], ["why", home.path + "/dropzone/assets/" + bad],
            ["why", name],
            ["plan", file, "--source", "assets"], ["plan", "--drop", name], ["plan", bad, "--source", bad],
            ["twin", bad], ["twin", asset], ["explain", asset], ["history", asset],
            ["twin", "--all"], ["twin", bad + "?"], ["twin", bad, "--as-of", bad], ["explain", bad],
            ["explain", bad, "/" + bad], ["explain", vehicle], ["explain", depot + "/contains:" + vehicle], ["history", bad],
            ["history", depot + "/contains:" + vehicle], ["history", bad + "?"], ["query", query],
            ["query", query, "--format", "csv"], ["query", query, "--format", "json"], ["query", "SELECT * FROM RELATIONSHIPS"],
            ["query", bad], ["models", "list"], ["models", "show", "dtmi:test:Room;1"], ["models", "show", bad],
            ["models", "validate", model], ["models", "validate", bad], ["models", "upload", home.path + "/models"],
            ["batches"], ["archive", "list"], ["archive", "list", "--file", bad], ["archive", "list", "--from", bad],
            ["archive", "list", "--source", bad], ["archive", "cat", "fleet.csv", "--archive", bad],
            ["archive", "extract", name, "--into", home.path + "/" + bad], ["verify"], ["verify", "--prove", name],
            ["verify", "--prove", bad], ["verify", "--anchor", bad], ["plugin", "list"], ["plugin", "inspect", "mapping"],
            ["plugin", "inspect", bad], ["plugin", "inspect", "./" + bad], ["source", "list"], ["source", "check"],
            ["source", "adopt", bad],
            ["source", "adopt", "--all"], ["forget-names", bad], ["forget-names", "assets"], ["doctor"],
            ["bench"], ["bench", "--totals", bad], ["token", "new", "--name", bad, "--role", bad],
            ["export", home.path + "/\(bad).x"],
            ["backup", home.path + "/\(bad).db"], ["restore", bad], ["init", home.path + "/" + bad], [bad], ["status", bad],
            ["drop", again, "--source", "assets", "--wait"], ["drop", bad, "--source", bad], ["retry", bad], ["release", bad],
            ["discard", bad], ["retry", "broken-a.csv"], ["release", "held-a.csv"], ["discard", "held-b.csv"], ["run", "--once"],
            ["--help"], ["--version"],
        ]
    }

    /// Takes `--home` where the command knows it.
    func arguments(_ call: [String]) -> [String] {
        ["--help", "--version", "token", "init", Self.hostile].contains(call[0]) ? call : call + ["--home", home.path]
    }

    /// The commands of the program that have no others below them.
    static func leaves() throws -> [[String]] {
        let help = try JSON(parsing: Array(Program.run(Program.twindrop, ["--experimental-dump-help"]).bytes))
        func leaves(_ command: JSON, _ path: [String]) -> [[String]] {
            let more = (command["subcommands"]?.elements ?? []).filter { $0["commandName"] != "help" }
            return more.isEmpty ? [path] : more.flatMap { leaves($0, path + [$0["commandName"]?.string ?? ""]) }
        }
        return leaves(try #require(help["command"]), [])
    }
}
