import Foundation
import Testing
import TwinModel

/// Acts of people, from the command to the chain.
@Suite(.serialized) struct `An act of a person` {
    private static let user = try? Program.tool("id", "-un").out.trimmingCharacters(in: .newlines)
    private static let number = Int64(getuid())

    private static let guarded = Sample.assetsSource("guard: {rejects: 10%, rejects-free: 1}")
    private static let most =
        Sample.assets(1...5) + Sample.assets(6...9, status: "lost").dropFirst(Sample.assetHeader.count)

    /// The acts of the chain, oldest first.
    private func chain(of home: Home) throws -> [JSON] {
        try home.text(of: "archive/chain.log").split(separator: "\n").map { try JSON(parsing: String($0.dropFirst(16))) }
            .filter { $0["kind"] == "act" }
    }

    private func check(_ act: JSON, _ word: String, on drop: JSON, because reason: String?) {
        #expect(act["id"] == drop["drop"] && act["source"] == "assets")
        #expect(act[path: "extra/act"]?.string == word)
        #expect(act[path: "extra/by/uid"] == .int(Self.number))
        #expect(act[path: "extra/by/user"]?.string == Self.user)
        #expect(act[path: "extra/reason"]?.string == reason)
        #expect(act[path: "extra/at"]?.string?.hasSuffix("Z") == true)
    }

    @Test(arguments: [false, true])
    func `is in the chain, with who, when and why, by a daemon or without one`(hasDaemon: Bool) throws {
        let home = try Home(Self.guarded)
        let daemon = hasDaemon ? try Daemon(home) : nil
        let held = try home.drop("held.csv", Self.most, to: "assets", code: 1)
        let given = try home.drop("given.csv", Sample.assets(1...1, status: "lost"), to: "assets", code: 1)
        let bad = try home.drop("bad.csv", "<html>\n", to: "assets", code: 1)
        let released = try home.ask("release", "held.csv", "--reason", "the \"site\" is closed\n")
        #expect(released["outcome"] == "applied-with-rejects")
        #expect(try home.ask("discard", "given.csv")["state"] == "discarded")
        let again = try home.ask("retry", "bad.csv", "--reason", "once more", code: 1)
        let thrown = try home.ask("discard", again["drop"]?.string ?? "", "--reason", "not ours")
        #expect(thrown["state"] == "discarded")
        if let daemon { #expect(try daemon.end() == 0) }
        let acts = try chain(of: home)
        try #require(acts.count == 4)
        check(acts[0], "release", on: held, because: "the \"site\" is closed")
        #expect(acts[0][path: "extra/held"] == "guard-rejects")
        check(acts[1], "discard", on: given, because: nil)
        #expect(acts[1][path: "extra/was"] == "held")
        check(acts[2], "retry", on: bad, because: "once more")
        #expect(acts[2][path: "extra/as"] == again["drop"])
        check(acts[3], "discard", on: again, because: "not ours")
        #expect(acts[3][path: "extra/was"] == "quarantined")
        let shown = try home.ask("show", "held.csv")["acts"]?.elements ?? []
        #expect(shown.count == 1 && shown[0]["act"] == "release" && shown[0]["leaf"] == acts[0]["i"])
        #expect(try home.shown("show", "held.csv").contains("release by \(Self.user ?? "")"))
        #expect(try home.shown("show", "given.csv").contains("no reason was given"))
        let verified = try home.ask("verify", "--full")
        #expect(verified["sound"] == .bool(true) && verified["acts"] == .int(4))
    }

    @Test func `that was refused leaves nothing`() throws {
        let home = try Home(Self.guarded)
        try home.drop("good.csv", Sample.assets(1...2), to: "assets")
        for act in ["release", "discard", "retry"] { #expect(try home.run(act, "good.csv", "--reason", "x").code == 1) }
        #expect(try chain(of: home) == [])
        #expect(try home.ask("show", "good.csv")["acts"] == .array([]))
    }

    @Test func `that somebody took out of the chain is missed`() throws {
        let home = try Home(Self.guarded)
        try home.drop("held.csv", Self.most, to: "assets", code: 1)
        _ = try home.ask("release", "held.csv", "--reason", "x")
        let whole = try home.text(of: "archive/chain.log")
        let act = try #require(whole.split(separator: "\n").first { $0.contains("\"kind\":\"act\"") })
        let forged = whole.replacingOccurrences(of: String(act) + "\n", with: "")
        try home.write("archive/chain.log", forged)
        let found = try home.ask("verify", code: 1)["findings"]?.elements?.compactMap { $0["code"]?.string } ?? []
        #expect(found.contains("act-missing"), "\(found)")
    }

    @Test func `is asked for its reason in its own words, and they cannot harm a terminal`() throws {
        let home = try Home(Self.guarded)
        try home.drop("held.csv", Self.most, to: "assets", code: 1)
        _ = try home.ask("release", "held.csv", "--reason", "\u{1B}[31m" + String(repeating: "x", count: 3000))
        let reason = try chain(of: home).first?[path: "extra/reason"]?.string ?? ""
        #expect(reason.hasPrefix("\\u{1b}[31mxxx") && reason.count < 1100)
        #expect(try home.shown("show", "held.csv").contains("\u{1B}") == false)
        #expect(try home.run("verify", "--full").code == 0)
    }
}

@Suite(.serialized) struct `What a plugin logged` {
    private static let mapping = "dialect: {ragged: fail}\ntwins:\n  - id: \"lift-{id}\"\n    properties: {name: name}\n"

    @Test func `is kept with the plugin's name and digest, also of a drop that failed`() throws {
        let home = try Home(Sample.assetsSource())
        try home.replaceAssetInventory(by: "crashing.c")
        let receipt = try home.drop("a.csv", Sample.assets(1...1), to: "assets", code: 1)
        let shown = try home.ask("show", receipt["drop"]?.string ?? "")
        #expect(shown["state"] == "quarantined")
        #expect(shown[path: "plugin/id"] == "asset-inventory")
        #expect(shown[path: "plugin/sha256"]?.string?.count == 64)
        #expect(shown[path: "plugin/log"]?.elements != nil)
    }

    @Test func `is kept of a held drop, with what the drop would do`() throws {
        let home = try Home(Sample.assetsSource("guard: {rejects: 10%, rejects-free: 1}"))
        let most = Sample.assets(1...5) + Sample.assets(6...9, status: "lost").dropFirst(Sample.assetHeader.count)
        try home.drop("held.csv", most, to: "assets", code: 1)
        let shown = try home.ask("show", "held.csv")
        #expect(shown[path: "plugin/id"] == "asset-inventory")
        #expect(shown[path: "books/records/rejected"] == 4 && shown[path: "books/operations/created"] == 5)
        let row = try home.shown("drops").split(separator: "\n").last ?? ""
        #expect(row.split(separator: " ").suffix(2) == ["-", "held.csv"], "what it would change is not changed: \(row)")
    }
}
