import Foundation
import Testing
import TwinModel

/// What stands in the answers of a home about what waits: the same everywhere.
private struct Surfaces {
    let home: Home
    let status: JSON
    let doctor: JSON
    let ready: String
    let metrics: String

    init(_ home: Home, code: Int32 = 1) throws {
        self.home = home
        status = try home.ask("status")
        doctor = try home.ask("doctor", code: code)
        ready = try Self.page("readyz", home)
        metrics = try Self.page("metrics", home)
    }

    private static func page(_ path: String, _ home: Home) throws -> String {
        let endpoint = try home.text(of: "state/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
        let script = """
            import sys, urllib.request as u, urllib.error as e
            try: print(u.urlopen(sys.argv[1]).read().decode())
            except e.HTTPError as f: print(f.read().decode())
            """
        let got = try Program.tool("python3", "-c", script, endpoint + "/" + path)
        try #require(got.code == 0, "\(got.err)")
        return got.out
    }

    /// Files of a source with a reason, wherever it is told.
    func expectFiles(_ source: String?, _ code: String, _ comment: Comment) {
        for (place, waiting) in [("status", status["waiting"]), ("doctor", doctor["waiting"])] {
            let groups = waiting?["files"]?.elements ?? []
            let isThere = groups.contains { $0["code"]?.string == code && $0["source"]?.string == source }
            #expect(isThere, "\(comment): \(place) does not say \(code) of \(source ?? "-"): \(groups.map { $0.text() })")
        }
        let title = source.map { "source \($0)" } ?? "the drop zone"
        #expect(ready.contains("\(title): ") && ready.contains("wait (\(code))"), "\(comment): /readyz: \(ready)")
        let sample = "twindrop_left_files{source=\"\(source ?? "")\",reason=\"\(code)\"}"
        #expect(metrics.contains(sample), "\(comment): no \(sample)")
    }

    func expectUnserved(_ source: String?, _ code: String, _ words: String) {
        for (place, waiting) in [("status", status["waiting"]), ("doctor", doctor["waiting"])] {
            let all = waiting?["unserved"]?.elements ?? []
            let isThere = all.contains { $0["code"]?.string == code && $0["source"]?.string == source }
            #expect(isThere, "\(place) does not say \(code) of \(source ?? "-"): \(all.map { $0.text() })")
        }
        let findings = doctor["checks"]?.elements?.flatMap { $0["findings"]?.elements ?? [] }.compactMap(\.string) ?? []
        #expect(findings.contains { $0.contains(words) && $0.contains("[\(code)]") }, "\(findings)")
        #expect(ready.contains("\(source.map { "source \($0)" } ?? "the drop zone"): \(words) (\(code))"), "/readyz: \(ready)")
        #expect(metrics.contains("twindrop_source_unserved{source=\"\(source ?? "")\",reason=\"\(code)\"} 1"))
    }

    func expectDrops(_ source: String, _ code: String) {
        for (place, waiting) in [("status", status["waiting"]), ("doctor", doctor["waiting"])] {
            let all = waiting?["drops"]?.elements ?? []
            #expect(
                all.contains { $0["code"]?.string == code && $0["source"]?.string == source },
                "\(place) does not say \(code) of a drop of \(source): \(all.map { $0.text() })")
        }
        #expect(ready.contains("source \(source): drops wait (\(code))"), "/readyz: \(ready)")
        #expect(metrics.contains("twindrop_waiting_drops{source=\"\(source)\",reason=\"\(code)\"} 1"))
    }
}

@Suite(.serialized) struct `Every file that waits` {
    private static let configuration = """
        sources:
          slow: {plugin: asset-inventory, patterns: ["*.csv"], ready: {rule: stable, settle: 10m}}
          closed: {plugin: asset-inventory, patterns: ["*.csv"], ready: {rule: close}}
          marked: {plugin: asset-inventory, ready: {rule: marker}}
          renamed: {plugin: asset-inventory, ready: {rule: rename}}
          small: {plugin: asset-inventory, ready: {rule: close}, limits: {file-size: 10 B}}
          deep: {plugin: asset-inventory, patterns: ["*.deep"], ready: {rule: close}, recursive: true}
          roomy: {plugin: asset-inventory, ready: {rule: close}, limits: {file-size: 1024 TiB}}
          foreign: {plugin: asset-inventory, ready: {rule: close}}
          lost: {plugin: asset-inventory, ready: {rule: close}}
          ordered: {plugin: asset-inventory, ready: {rule: rename}, order: arrival}
          refused: {plugin: mapping, mapping: refused.yaml, ready: {rule: rename}}
          mistaken: {plugin: asset-inventory, ready: {rule: colse}}
        log: {level: debug}
        http: {listen: "127.0.0.1:0"}

        """

    /// A file to be, the source it counts for, and why it waits.
    private static let files: [(path: String, source: String?, code: String)] = [
        ("slow/a.csv", "slow", "settling"), ("closed/b.csv", "closed", "writer"), ("closed/c.txt", "closed", "unmatched-name"),
        ("closed/d.csv.part", "closed", "temporary-name"), ("closed/e.csv", "closed", "not-a-file"),
        ("closed/sub/f.csv", "closed", "not-watched"), ("marked/g.csv", "marked", "marker-missing"),
        ("marked/h.csv", "marked", "manifest"), ("marked/i.csv", "marked", "manifest-mismatch"),
        ("marked/j.csv.done", "marked", "marker"), ("renamed/k.csv", "renamed", "not-renamed"),
        ("small/l.csv", "small", "too-big"), ("roomy/m.csv", "roomy", "no-room"), ("foreign/n.csv", "foreign", "folder-owned"),
        ("lost/o.csv", "lost", "folder-unmounted"), ("mistaken/p.csv", "mistaken", "source-mistake"),
        ("q.bin", nil, "no-route"), ("r.csv", nil, "several-routes"), ("nobody/s.csv", nil, "not-watched"),
    ]

    private func home() throws -> Home {
        let home = try Home(
            Self.configuration,
            mappings: ["refused.yaml": "twins:\n  - id: \"lift-{id\"\n    model: dtmi:com:example:Lift;1\n    properties: {}\n"])
        for folder in ["state", "dropzone/foreign", "dropzone/lost", "dropzone/mistaken"] {
            try FileManager.default.createDirectory(atPath: home.path + "/" + folder, withIntermediateDirectories: true)
        }
        try home.write("dropzone/foreign/.twindrop-owner", "somebody-else\n")
        try home.write("state/landing-folders.json", "[\"\(home.path)/dropzone/lost\"]\n")
        return home
    }

    /// Puts the files where they wait.
    private func place(_ home: Home) throws -> FileHandle? {
        let (files, zone) = (FileManager.default, home.path + "/dropzone/")
        var writer: FileHandle?
        for (path, _, code) in Self.files {
            let parent = (zone + path).split(separator: "/").dropLast().joined(separator: "/")
            try files.createDirectory(atPath: "/" + parent, withIntermediateDirectories: true)
            switch code {
            case "writer":
                _ = files.createFile(atPath: home.path + "/writing", contents: Data("x".utf8))
                writer = FileHandle(forWritingAtPath: home.path + "/writing")
                try files.moveItem(atPath: home.path + "/writing", toPath: zone + path)
            case "not-a-file": try files.createSymbolicLink(atPath: zone + path, withDestinationPath: "/etc/passwd")
            case "not-watched":
                let folder = zone + path.split(separator: "/").dropLast().joined(separator: "/")
                try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try home.write("dropzone/" + path, "x")
            case "manifest":
                try home.write("dropzone/\(path).done", #"{"size": 77}"#)
                try home.write("dropzone/" + path, "x")
            case "manifest-mismatch":
                try home.write("dropzone/" + path, "x")
                try home.write("dropzone/\(path).done", #"{"sha256": "\#(String(repeating: "0", count: 64))"}"#)
            case "no-room":
                // Two names, so that it is copied; larger than any disk.
                let made = try Program.tool("truncate", "-s", "2T", home.path + "/giant")
                try #require(made.code == 0, "\(made.err)")
                try files.linkItem(atPath: home.path + "/giant", toPath: home.path + "/second")
                try files.moveItem(atPath: home.path + "/giant", toPath: zone + path)
            case "too-big": try home.write("dropzone/" + path, String(repeating: "x", count: 20))
            default: try home.write("dropzone/" + path, "x")
            }
        }
        return writer
    }

    @Test func `has one reason, the same in every place`() throws {
        let home = try home()
        let daemon = try Daemon(home)
        let writer = try place(home)
        try home.deliver("bad.csv", "<html>\n", to: "ordered")
        try daemon.wait(for: "A drop was quarantined.")
        try home.deliver("next.csv", Sample.assets(1...2), to: "ordered")
        try home.deliver("lift.csv", "id\n1\n", to: "refused")
        for code in Set(Self.files.map(\.code)).subtracting(["folder-owned", "folder-unmounted", "marker"]) {
            try daemon.wait(for: "reason\":\"" + code)
        }
        for code in ["blocked", "source-suspended"] { try daemon.wait(for: "reason\":\"" + code) }
        let surfaces = try Surfaces(home)
        for (path, source, code) in Self.files {
            let answer = try home.ask("why", home.path + "/dropzone/" + path)
            #expect(answer["code"]?.string == code, "\(path): \(answer.text())")
            surfaces.expectFiles(source, code, "\(path)")
        }
        surfaces.expectUnserved("foreign", "folder-owned", "not watched")
        surfaces.expectUnserved("lost", "folder-unmounted", "not watched")
        surfaces.expectUnserved("mistaken", "source-mistake", "not served")
        surfaces.expectUnserved("refused", "source-suspended", "suspended")
        surfaces.expectDrops("ordered", "blocked")
        surfaces.expectDrops("refused", "source-suspended")
        // The reason of the source once, and behind it what waits for that.
        for said in [try home.run("status").out, try home.run("doctor").out] {
            #expect(said.components(separatedBy: "Claimed, and waiting for that: lift.csv (").count == 2, "\(said)")
        }
        #expect(surfaces.ready.hasPrefix("ok\n"))
        #expect(try home.ask("why", home.path + "/dropzone/ordered/next.csv")["code"] == "blocked")
        #expect(try home.ask("show", "lift.csv")[path: "waiting/code"] == "source-suspended")
        #expect(try home.list("drops").contains { $0[path: "waiting/code"] == "blocked" })
        withExtendedLifetime(writer) {}
        #expect(try daemon.end() == 0)
    }

    @Test func `has the same reason when no daemon runs, and run --once ends with 1`() throws {
        let home = try home()
        // It has one settle interval.
        try home.configure(Self.configuration.replacing("settle: 10m", with: "settle: 2s"))
        let writer = try place(home)
        try home.deliver("lift.csv", "id\n1\n", to: "refused")
        let once = try home.run("run", "--once")
        #expect(once.code == 1, "\(once.err)")
        let status = try home.ask("status")
        let groups = status["waiting"]?["files"]?.elements ?? []
        for (path, source, code) in Self.files {
            // What only a claim finds out is tried again; what nobody saw being written may have been renamed.
            let atRest = ["manifest-mismatch": "ready"][code] ?? code
            if code == "not-renamed" || code == "settling" { continue }
            let answer = try home.ask("why", home.path + "/dropzone/" + path)
            #expect(answer["code"]?.string == atRest, "\(path): \(answer.text())")
            #expect(groups.contains { $0["code"]?.string == atRest && $0["source"]?.string == source }, "\(path): \(groups)")
            if !["temporary-name", "marker"].contains(code) { #expect(once.err.contains("[\(code)]"), "\(code): \(once.err)") }
        }
        #expect(try home.ask("show", "lift.csv")[path: "waiting/code"] == "source-suspended")
        #expect(try home.ask("doctor", code: 1).text().contains("source refused: suspended"))
        withExtendedLifetime(writer) {}
    }

    @Test func `waits for room on a full disk, everywhere, and no command waits along`() throws {
        let home = try Home(
            Sample.assetsSource() + "limits: {free-space: {soft: 1024 TiB, soft-share: 100%, hard-share: 0%}}\n"
                + "http: {listen: \"127.0.0.1:0\"}\n")
        let ended = try home.run("drop", home.file("a.csv", Sample.assets(1...2)), "--source", "assets", "--wait")
        #expect(ended.code == 1)
        #expect(ended.err.contains("[disk-full]"), "\(ended.err)")
        let daemon = try Daemon(home)
        let other = try home.run("drop", home.file("b.csv", Sample.assets(3...4)), "--source", "assets", "--wait")
        #expect(other.code == 1)
        #expect(other.err.contains("[disk-full]"), "\(other.err)")
        let surfaces = try Surfaces(home)
        surfaces.expectFiles("assets", "disk-full", "full")
        #expect(surfaces.ready.hasPrefix("disk-full"))
        #expect(try daemon.end() == 0)
    }
}

@Suite(.serialized) struct `drop --wait` {
    private static let order = Sample.assetsSource("order: arrival")

    @Test(arguments: [true, false]) func `ends with the reason behind a drop that waits for a person`(withDaemon: Bool) throws {
        let home = try Home(Self.order)
        let daemon = withDaemon ? try Daemon(home) : nil
        try home.drop("bad.csv", "<html>\n", to: "assets", code: 1)
        let ended = try home.run("drop", home.file("next.csv", Sample.assets(1...2)), "--source", "assets", "--wait")
        #expect(ended.code == 1)
        #expect(ended.err.contains("[blocked]") && ended.err.contains("twindrop retry"), "\(ended.err)")
        if let daemon { #expect(try daemon.end() == 0) }
    }

    @Test(arguments: [true, false]) func `ends with the reason where the folder is not watched`(withDaemon: Bool) throws {
        let home = try Home(Sample.assetsSource())
        try FileManager.default.createDirectory(atPath: home.path + "/dropzone/assets", withIntermediateDirectories: true)
        try home.write("dropzone/assets/.twindrop-owner", "somebody-else\n")
        let daemon = withDaemon ? try Daemon(home) : nil
        let ended = try home.run("drop", home.file("a.csv", Sample.assets(1...2)), "--source", "assets", "--wait")
        #expect(ended.code == 1)
        #expect(ended.err.contains("[folder-owned]") && ended.err.contains("twindrop source adopt assets"), "\(ended.err)")
        let adopted = try home.ask("source", "adopt", "assets", "--reason", "it is ours")["adopted"]?.elements?.first
        #expect(adopted?["formerOwner"] == "somebody-else" && adopted?["reason"] == "it is ours")
        if let daemon {
            try daemon.wait(for: "A drop was applied.")
            #expect(try daemon.end() == 0)
        } else {
            #expect(try home.run("run", "--once").code == 0)
        }
        #expect(try home.list("drops").count == 1)
    }
}
