import Foundation
import Testing
import TwinModel

/// A home whose drops ended in every way they can.
private struct Lives {
    static let states: Set = [
        "claimed", "registered", "applied", "archived", "done", "held", "quarantined", "retried", "resolved", "discarded",
        "duplicate",
    ]
    static let outcomes: Set = [
        "applied", "applied-with-rejects", "unchanged", "empty", "nothing-usable", "duplicate", "not-applied",
    ]

    let home: Home
    /// Id, state and outcome of each drop, as they must be.
    let expected: [(drop: String, state: String, outcome: String?)]

    init() throws {
        home = try Home(
            Sample.assetsSource("guard: {rejects: 10%, rejects-free: 1}") + "http: {listen: \"127.0.0.1:0\"}\n")
        func id(_ json: JSON) -> String { json["drop"]?.string ?? "" }
        let good = try home.drop("good.csv", Sample.assets(1...20), to: "assets")
        let again = try home.drop("again.csv", Sample.assets(1...20), to: "assets")
        let same = try home.drop("same.csv", Sample.assets(1...19), to: "assets")
        let dirty = Sample.assets(21...40) + Sample.assets(41...41, status: "lost").dropFirst(Sample.assetHeader.count)
        let rejects = try home.drop("dirty.csv", dirty, to: "assets")
        let useless = try home.drop("useless.csv", Sample.assets(1...1, status: "lost"), to: "assets", code: 1)
        let most = Sample.assets(1...5) + Sample.assets(6...9, status: "lost").dropFirst(Sample.assetHeader.count)
        let held = try home.drop("held.csv", most, to: "assets", code: 1)
        let bad = try home.drop("bad.csv", "<html>\n", to: "assets", code: 1)
        let given = try home.drop("given.csv", "<html>\n1\n", to: "assets", code: 1)
        _ = try home.ask("discard", id(given), "--reason", "no such site")
        let first = try home.drop("first.csv", "<html>\n2\n", to: "assets", code: 1)
        let second = try home.ask("retry", id(first), code: 1)
        let wrong = try home.drop("right.csv", "<html>\n3\n", to: "assets", code: 1)
        let right = try home.drop("right.csv", Sample.assets(50...51), to: "assets")
        expected = [
            (id(good), "done", "applied"), (id(again), "duplicate", "duplicate"), (id(same), "done", "unchanged"),
            (id(rejects), "done", "applied-with-rejects"), (id(useless), "held", "nothing-usable"), (id(held), "held", nil),
            (id(bad), "quarantined", "not-applied"), (id(given), "discarded", "not-applied"),
            (id(first), "retried", "not-applied"), (id(second), "quarantined", "not-applied"),
            (id(wrong), "resolved", "not-applied"), (id(right), "done", "applied"),
        ]
    }
}

@Suite(.serialized) struct `The words for a drop` {
    @Test func `are the same in every command, receipt, metric and log line`() throws {
        let lives = try Lives()
        let home = lives.home
        let daemon = try Daemon(home)
        let listed = try home.list("drops")
        #expect(listed.count == lives.expected.count)
        let table = try home.shown("drops")
        for (drop, state, outcome) in lives.expected {
            let line = try #require(listed.first { $0["drop"]?.string == drop })
            let shown = try home.ask("show", drop)
            let receipt = try JSON(parsing: try home.text(of: "receipts/assets/\(drop).receipt.json"))
            for facts in [line, shown, receipt] {
                #expect(facts["state"]?.string == state, "\(facts)")
                #expect(facts["outcome"]?.string == outcome, "\(facts)")
            }
            let row = try #require(table.split(separator: "\n").first { $0.hasPrefix(drop) })
            let cells = row.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
            #expect(cells[1] == state && cells[2] == outcome ?? "-")
            let text = try home.shown("show", drop)
            #expect(text.contains("state       \(state) since"), "\(text)")
            if let outcome {
                #expect(text.contains("outcome     \(outcome)\n"), "\(text)")
                #expect(try home.list("drops", "--outcome", outcome).contains { $0["drop"]?.string == drop })
            }
        }
        let counted = Dictionary(lives.expected.map { ($0.state, 1) }, uniquingKeysWith: +)
        let status = try home.ask("status")["sources"]?.elements?.first?["drops"]?.members ?? []
        #expect(Dictionary(uniqueKeysWithValues: status.map { ($0.name, Int($0.value.int ?? 0)) }) == counted)
        let metrics = try metrics(of: home)
        for (state, count) in counted {
            #expect(metrics.contains("twindrop_drops{source=\"assets\",state=\"\(state)\"} \(count)\n"), "\(metrics)")
        }
        #expect(try daemon.end() == 0)
    }

    @Test func `are those of the glossary, and no others are taken`() throws {
        let pages = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../docs/glossary.md")
        let glossary = try String(contentsOf: pages, encoding: .utf8)
        for word in Lives.states.union(Lives.outcomes) { #expect(glossary.contains("| `\(word)` |"), "\(word)") }
        let home = try Home(Sample.assetsSource())
        for word in Lives.states { #expect(try home.run("drops", "--state", word).code == 0) }
        for word in Lives.outcomes { #expect(try home.run("drops", "--outcome", word).code == 0) }
        let refused = try home.run("drops", "--state", "clean")
        #expect(refused.code == 64)
        #expect(refused.err.contains("States: ") && Lives.states.allSatisfy { refused.err.contains($0) }, "\(refused.err)")
        #expect(try home.run("drops", "--outcome", "fine").code == 64)
    }

    @Test func `are in the log, with numbers as numbers and a sentence for each outcome`() throws {
        let home = try Home(Sample.assetsSource("guard: {rejects: 10%, rejects-free: 1}"))
        let dirty = Sample.assets(1...20) + Sample.assets(21...21, status: "lost").dropFirst(Sample.assetHeader.count)
        try home.deliver("dirty.csv", dirty, to: "assets")
        try home.deliver("useless.csv", Sample.assets(30...30, status: "lost"), to: "assets")
        try home.deliver("bad.csv", "<html>\n", to: "assets")
        let ended = try home.run("run", "--once")
        #expect(ended.code == 1)
        let lines = ended.err.split(separator: "\n").compactMap { try? JSON(parsing: String($0)) }
        func line(_ message: String) throws -> JSON {
            try #require(lines.first { $0["message"]?.string == message }, "\(message) is not in \(ended.err)")
        }
        let applied = try line("A drop was applied with rejects.")
        #expect(applied["level"] == "warning")
        #expect(applied["outcome"] == "applied-with-rejects" && applied["state"] == "applied")
        #expect(applied["records"] == .int(21) && applied["rejected"] == .int(1) && applied["changes"] == .int(20))
        #expect(applied["bytes"] == .int(Int64(dirty.utf8.count)))
        guard case .double(let seconds)? = applied["seconds"] else { throw CancellationError() }
        #expect(seconds >= 0)
        #expect(try line("A drop is held, because nothing of it can be used.")["outcome"] == "nothing-usable")
        #expect(try line("A drop was quarantined.")["reason.code"] == "refused")
        let start = try line("TwinDrop starts.")
        #expect(start["version"]?.string?.isEmpty == false && start["home"]?.string == home.path)
        guard case .int(let process)? = start["pid"] else { throw CancellationError() }
        #expect(process > 1)
        #expect(try line("TwinDrop stops.")["drops"] == .int(3))
    }

    private func metrics(of home: Home) throws -> String {
        let endpoint = try home.text(of: "state/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
        let page = try Program.tool(
            "python3", "-c", "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())",
            endpoint + "/metrics")
        try #require(page.code == 0, "\(page.err)")
        return page.out
    }
}

@Suite(.serialized) struct `A drop of which nothing can be used` {
    @Test func `is held whatever number is free, and ends as that when it is released`() throws {
        let home = try Home(Sample.assetsSource("guard: {rejects-free: 1000000}"))
        let receipt = try home.drop("a.csv", Sample.assets(1...3, status: "lost"), to: "assets", code: 1)
        #expect(receipt["state"] == "held" && receipt["outcome"] == "nothing-usable")
        #expect(receipt[path: "reason/code"] == "nothing-usable")
        #expect(receipt[path: "rejects/records"] == 3)
        #expect(try home.ask("status")["sources"]?.elements?.first?[path: "drops/held"] == 1)
        #expect(try home.run("run", "--once").code == 0)
        let after = try JSON(parsing: try home.text(of: "receipts/assets/a.csv.receipt.json"))
        #expect(after[path: "rejects/records"] == 3, "a start knows the rejects of a held drop still")
        let released = try home.ask("release", "a.csv", "--reason", "known")
        #expect(released["state"] == "done" && released["outcome"] == "nothing-usable")
        #expect(try home.list("twin", "--all") == [])
    }

    @Test func `is among those with open rejects where the guard is off, until they are corrected`() throws {
        let home = try Home(Sample.assetsSource("guard: {rejects: 100%}"))
        let receipt = try home.drop("a.csv", Sample.assets(1...3, status: "lost"), to: "assets", code: 1)
        #expect(receipt["state"] == "done" && receipt["outcome"] == "nothing-usable")
        #expect(try home.list("drops", "--open-rejects").map { $0["drop"] } == [receipt["drop"]])
        #expect(try home.ask("status")["sources"]?.elements?.first?["openRejects"] == 1)
        #expect(try home.shown("status").contains("1 drop with rejects that nobody corrected"))
        let doctor = try home.run("doctor")
        #expect(doctor.code == 1 && doctor.out.contains("nothing of a.csv (assets) could be used"), "\(doctor.out)")
        #expect(doctor.out.components(separatedBy: "a.csv (assets)").count == 2, "one line says all of it: \(doctor.out)")
        let file = try #require(receipt[path: "rejects/file"]?.string)
        let corrected = try home.text(of: "receipts/assets/" + file).replacing("lost", with: "idle")
        try home.drop("corrected.csv", corrected, to: "assets")
        #expect(try home.list("drops", "--open-rejects") == [])
        #expect(try home.run("doctor").code == 0)
        #expect(try home.list("twin", "--all").count == 3)
    }

    @Test func `is no such drop when one record is used`() throws {
        let home = try Home(Sample.assetsSource("guard: {rejects: 100%}"))
        let text = Sample.assets(1...1) + Sample.assets(2...4, status: "lost").dropFirst(Sample.assetHeader.count)
        let receipt = try home.drop("a.csv", text, to: "assets")
        #expect(receipt["state"] == "done" && receipt["outcome"] == "applied-with-rejects")
    }
}

@Suite(.serialized) struct `A delivery that was put right` {
    @Test func `is closed by the corrected file of its name, and with it what was a retry before`() throws {
        let home = try Home(Sample.assetsSource())
        let bad = try home.drop("day.csv", "<html>\n", to: "assets", code: 1)
        let again = try home.ask("retry", "day.csv", code: 1)
        let good = try home.drop("day.csv", Sample.assets(1...2), to: "assets")
        for drop in [bad, again] {
            let shown = try home.ask("show", drop["drop"]?.string ?? "")
            #expect(shown["state"] == "resolved")
            #expect(shown[path: "closedBy/drop"] == good["drop"])
            #expect(shown[path: "closedBy/how"] == "delivery")
        }
        let left = try files(in: home.path + "/state/quarantine")
        #expect(!left.contains("content"), "the archive has them")
        #expect(try home.shown("archive", "cat", bad["drop"]?.string ?? "") == "<html>\n")
        #expect(try home.run("doctor").code == 0)
        #expect(try home.run("verify", "--full").code == 0)
    }

    @Test func `stays open where the source uses its name again and again`() throws {
        let home = try Home(Sample.assetsSource())
        try home.drop("export.csv", Sample.assets(1...2), to: "assets")
        let bad = try home.drop("export.csv", "<html>\n", to: "assets", code: 1)
        try home.drop("export.csv", Sample.assets(3...4), to: "assets")
        #expect(try home.ask("show", bad["drop"]?.string ?? "")["state"] == "quarantined")
        #expect(try home.run("doctor").code == 1)
    }

    @Test func `is not closed by another source, an older drop, or one of which nothing was used`() throws {
        let home = try Home(Sample.assetsSource())
        try home.drop("a.csv", Sample.assets(9...9), to: "assets")
        let bad = try home.drop("day.csv", "<html>\n", to: "assets", code: 1)
        try home.drop("day.csv", Sample.assets(1...1, status: "lost"), to: "assets", code: 1)
        _ = try home.ask("release", "day.csv")
        #expect(try home.ask("show", bad["drop"]?.string ?? "")["state"] == "quarantined")
    }

    @Test func `is closed by its corrected rejects, and stays done`() throws {
        let home = try Home(Sample.assetsSource("guard: {rejects: 100%}"))
        let text = Sample.assets(1...2) + Sample.assets(3...3, status: "lost").dropFirst(Sample.assetHeader.count)
        let drop = try home.drop("day.csv", text, to: "assets")
        let id = try #require(drop["drop"]?.string)
        let rejects = try home.text(of: "receipts/assets/\(id).rejects.csv")
        let amendment = try home.drop(
            "day.rejects.\(id).csv", rejects.replacingOccurrences(of: "lost", with: "active"), to: "assets")
        let shown = try home.ask("show", id)
        #expect(shown["state"] == "done" && shown["outcome"] == "applied-with-rejects")
        #expect(shown[path: "closedBy/drop"] == amendment["drop"])
        #expect(shown[path: "closedBy/how"] == "amendment")
        let receipt = try JSON(parsing: try home.text(of: "receipts/assets/\(id).receipt.json"))
        #expect(receipt[path: "closedBy/how"] == "amendment")
        #expect(receipt[path: "archive/leaf"] == drop[path: "archive/leaf"])
    }

    private func files(in folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).map { String($0.split(separator: "/").last ?? "") }
    }
}
