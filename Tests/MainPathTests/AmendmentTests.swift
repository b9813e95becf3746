import Foundation
import Testing
import TwinModel

/// Corrected rejects, in whatever form people give them back (docs/decisions/0025-amendments.md).
@Suite(.serialized) struct `Corrected rejects` {
    /// Rows of an inventory; 3 and 6 are wrong, twins 9 and 10 are sold, ids of extra twins come from record numbers.
    private static let mapping = """
        twins:
          - id: "a-{id}"
            properties: {name: name, count: {column: count, type: int}, line: {text: "line {@record}"}}

        """
    private static let first = table((1...10).map { "\($0),Thing \($0),\($0)" })
    private static let clean = table((1...8).map { "\($0),Größe \($0),\($0 * 10)" })
    private static let dirty =
        clean.replacingOccurrences(of: ",30\n", with: ",viele\n").replacingOccurrences(of: ",60\n", with: ",sechs\n")

    private static func table(_ rows: [String]) -> String { "id,name,count\n" + rows.map { $0 + "\n" }.joined() }

    private static func home(_ keys: String = "mode: snapshot") throws -> Home {
        try Home(
            "sources:\n  s:\n    plugin: mapping\n    mapping: s.yaml\n    ready: {rule: rename}\n    \(keys)\n",
            mappings: ["s.yaml": mapping])
    }

    /// A home after a first list and a dirty second one: the receipt of the second, and its rejects, corrected.
    private static func dirtied(_ keys: String = "mode: snapshot") throws -> (home: Home, drop: String, corrected: String) {
        let home = try home(keys)
        try home.drop("1.csv", first, to: "s")
        let receipt = try home.drop("2.csv", dirty, to: "s")
        try #require(receipt[path: "books/records/rejected"] == 2)
        let file = try #require(receipt[path: "rejects/file"]?.string)
        return (home, try #require(receipt["drop"]?.string), try correct(home.text(of: "receipts/s/" + file)))
    }

    private static func correct(_ text: String) -> String {
        text.replacingOccurrences(of: "viele", with: "30").replacingOccurrences(of: ",sechs,", with: ",60,")
    }

    static let names = [
        "ULID.rejects.csv", "ULID.rejects (1).csv", "ULID.rejects - Kopie.csv", "Copy of ULID.rejects.csv", "ULID_rejects.csv",
        "ULID.rejects-fixed.csv", "rejects.csv", "2.rejects.ULID.csv", "ULID.REJECTS.CSV", "corrected.csv", "2.csv",
        "ULID.rejects.csv.txt", "Kopie von ULID.rejects (2).csv", "ulid.rejects.csv", "monday's mistakes",
    ]

    enum Form: CaseIterable { case asGiven, semicolons, quotedTabsInUTF16 }

    private static func form(_ text: String, _ form: Form) -> Data {
        switch form {
        case .asGiven: return Data(text.utf8)
        case .semicolons:
            let lines = text.replacingOccurrences(of: ",", with: ";").replacingOccurrences(of: "\n", with: "\r\n")
            return Data([0xEF, 0xBB, 0xBF]) + Data(lines.utf8) + Data(";;;\r\n".utf8)
        case .quotedTabsInUTF16:
            let lines = text.split(separator: "\n").map { line in
                line.split(separator: ",", omittingEmptySubsequences: false).map { "\"\($0)\"" }.joined(separator: "\t") + "\r\n"
            }
            return Data([0xFF, 0xFE]) + lines.joined().utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
        }
    }

    /// Fifteen names in three forms: a source each, in one home, so that three runs make all of them.
    @Test func `and the dirty file come to what the clean file does, under any name and in any form`() throws {
        let cases = Form.allCases.flatMap { form in Self.names.map { (name: $0, form: form) } }
        let sources = ["whole"] + cases.indices.map { "s\($0)" }
        let settings = sources.map {
            "  \($0):\n    plugin: mapping\n    mapping: \($0).yaml\n    ready: {rule: rename}\n    mode: snapshot\n"
        }
        let mappings = sources.map { ("\($0).yaml", Self.mapping.replacingOccurrences(of: "a-{id}", with: "\($0)-{id}")) }
        let home = try Home("sources:\n" + settings.joined(), mappings: Dictionary(uniqueKeysWithValues: mappings))
        for source in sources { try home.place("1.csv", Data(Self.first.utf8), in: source) }
        _ = try home.run("run", "--once")
        for source in sources {
            try home.place("2.csv", Data((source == "whole" ? Self.clean : Self.dirty).utf8), in: source)
        }
        _ = try home.run("run", "--once")
        #expect(try home.list("twin", "--all").count == 8 + 10 * cases.count)

        var drops: [String] = []
        for (index, one) in cases.enumerated() {
            let rejects = try #require(home.names(in: "receipts/s\(index)").first { $0.hasSuffix(".rejects.csv") })
            let drop = String(rejects.prefix(26))
            drops.append(drop)
            let corrected = Self.correct(try home.text(of: "receipts/s\(index)/" + rejects))
            let name = one.name.replacingOccurrences(of: "ULID", with: drop).replacingOccurrences(
                of: "ulid", with: drop.lowercased())
            try home.place(name, Self.form(corrected, one.form), in: "s\(index)")
        }
        _ = try home.run("run", "--once")
        let all = try home.twins()
        func said(by source: String) -> [JSON] {
            all.filter { $0["$dtId"]?.string?.hasPrefix(source + "-") == true }.map { $0.without("$dtId") }
        }
        #expect(said(by: "whole").count == 8)
        for (index, one) in cases.enumerated() {
            #expect(said(by: "s\(index)") == said(by: "whole"), "\(one)")
            let last = try #require(
                try home.list("drops", "--source", "s\(index)").max { $0["drop"]?.string ?? "" < $1["drop"]?.string ?? "" })
            #expect(last["state"] == "done", "\(one) \(last)")
            #expect(last[path: "link/drop"] == .string(drops[index]), "\(one) \(last)")
        }
    }

    @Test func `complete a snapshot bit by bit, and carry out its deletes with the last one`() throws {
        let (home, _, corrected) = try Self.dirtied()
        let lines = corrected.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let one = try home.drop("one.csv", [lines[0], lines[1], ""].joined(separator: "\n"), to: "s")
        #expect(one[path: "books/withheld/twins"] == 3)
        #expect(try home.list("twin", "--all").count == 10)
        let two = try home.drop("two.csv", [lines[0], lines[2], ""].joined(separator: "\n"), to: "s")
        #expect(two["withheld"] == nil)
        #expect(two[path: "books/operations/deletedByAbsence"] == 2)
        #expect(try home.list("twin", "--all").count == 8)
        #expect(try home.ask("twin", "a-6")["line"] == "line 6")
    }

    @Test func `whose file is gone are made anew from the bytes of their drop, and every command says so`() throws {
        let (home, drop, corrected) = try Self.dirtied()
        let name = "\(drop).rejects.csv"
        let was = try home.text(of: "receipts/s/" + name)
        for gone in home.names(in: "receipts/s") where gone.contains("rejects") {
            try FileManager.default.removeItem(atPath: home.path + "/receipts/s/" + gone)
        }
        let command = "twindrop archive extract \(drop) --into DIR --rejects"
        #expect(try home.shown("show", drop).contains(command))
        let doctor = try home.run("doctor")
        #expect(doctor.code == 1 && doctor.out.contains(command), "\(doctor.out)")
        #expect(try home.ask("status")["sources"]?.elements?.first?["lostRejects"] == 1)
        let made = try home.ask("archive", "extract", drop, "--into", home.path + "/again", "--rejects")["path"]?.string
        #expect(made == home.path + "/again/" + name)
        #expect(try home.text(of: "again/" + name) == was, "the same rows, with the same marks")
        #expect(home.names(in: "again") == [name])
        try home.drop(name, corrected, to: "s")
        #expect(try home.list("twin", "--all").count == 8)
        #expect(try home.run("doctor").code == 0)
        let none = try home.run("archive", "extract", drop, "--into", home.path + "/more", "--rejects")
        #expect(none.code == 1 && none.err.contains("was corrected"), "\(none.err)")
    }

    @Test func `that are refused again are advised to be corrected, delivered, and then discarded`() throws {
        let (home, original, corrected) = try Self.dirtied()
        let wrong = corrected.replacingOccurrences(of: ",30,", with: ",drei,").replacingOccurrences(of: ",60,", with: ",sechs!,")
        let held = try home.drop("wrong.csv", wrong, to: "s", code: 1)
        #expect(held["state"] == "held" && held["outcome"] == "nothing-usable", "\(held)")
        let id = try #require(held["drop"]?.string)
        let facts = try home.ask("show", id)
        let steps = facts["next"]?.elements?.compactMap { $0["command"]?.string?.split(separator: " ").prefix(2).last }
        #expect(steps == ["show", "drop", "discard", "release"])
        let shown = try home.shown("show", id)
        #expect(shown.contains("do not wait for this drop: hand them over, then `twindrop discard \(id)`"), "\(shown)")
        #expect(!shown.contains("apply it") && !shown.contains("once this drop is released"), "\(shown)")
        // And so it is.
        let file = try #require(facts[path: "rejects/file"]?.string)
        let right = try String(contentsOfFile: file, encoding: .utf8).replacingOccurrences(of: ",drei,", with: ",30,")
            .replacingOccurrences(of: ",sechs!,", with: ",60,")
        try home.drop("right.csv", right, to: "s")
        #expect(try home.list("twin", "--all").count == 8)
        #expect(try home.ask("show", original)[path: "closedBy/how"] == "amendment")
        #expect(try home.ask("discard", id, "--reason", "corrected")["state"] == "discarded")
        #expect(try home.list("drops", "--open-rejects") == [])
    }

    @Test func `are told of as records of the file they correct`() throws {
        let (home, _, corrected) = try Self.dirtied()
        let given = try home.drop("korrektur.csv", corrected.replacingOccurrences(of: ",60,", with: ",sechzig,"), to: "s")
        for told in [try home.shown("explain", "a-3", "/count"), try home.shown("history", "a-3")] {
            #expect(told.contains("record 3 of 2.csv, corrected by korrektur.csv"), "\(told)")
        }
        #expect(try home.ask("explain", "a-3", "/count")[path: "setBy/corrects"] == "2.csv")
        #expect(try home.ask("explain", "a-1", "/count")[path: "setBy/corrects"] == nil)
        let shown = try home.shown("show", given["drop"]?.string ?? "")
        #expect(shown.contains("record 6 (of the file it corrects)") && !shown.contains("skipped"), "\(shown)")
    }

    @Test func `delivered twice, and out of the archive, change nothing more`() throws {
        let (home, drop, corrected) = try Self.dirtied()
        try home.drop("a.csv", corrected, to: "s")
        let before = try home.twins()
        #expect(try home.drop("b.csv", corrected, to: "s")["state"] == "duplicate")
        let archived = try home.shown("archive", "cat", "a.csv")
        #expect(archived == corrected)
        let again = try home.drop("from the archive.csv", archived.replacingOccurrences(of: "\n", with: "\r\n"), to: "s")
        #expect(again[path: "link/drop"] == .string(drop))
        #expect(try home.twins() == before)
    }

    @Test func `that say something else than the correction before are refused, and overwrite nothing`() throws {
        let (home, _, corrected) = try Self.dirtied()
        try home.drop("a.csv", corrected, to: "s")
        let other = corrected.replacingOccurrences(of: ",30,", with: ",31,")
        let receipt = try home.drop("b.csv", other, to: "s")
        #expect(receipt[path: "books/records/rejected"] == 1)
        #expect(try home.ask("twin", "a-3")["count"] == 30)
    }

    @Test func `that come after a newer list bring nothing back`() throws {
        let (home, _, corrected) = try Self.dirtied()
        try home.drop("3.csv", Self.table([1, 2, 4, 5, 7, 8].map { "\($0),New \($0),\($0)" }), to: "s")
        let before = try home.twins()
        let receipt = try home.drop("a.csv", corrected, to: "s")
        #expect(receipt[path: "reason/code"] == "superseded")
        #expect(receipt[path: "books/operations/superseded"] == 2)
        #expect(try home.twins() == before)
        #expect(before.count == 6)
    }

    @Test func `of an increment keep what newer increments said, also where those changed nothing`() throws {
        let home = try Self.home("mode: incremental")
        try home.drop("1.csv", Self.table(["1,a,1", "2,b,2"]), to: "s")
        let receipt = try home.drop("2.csv", Self.table(["1,a,x", "2,b,y", "3,c,3"]), to: "s")
        let file = try #require(receipt[path: "rejects/file"]?.string)
        let corrected = try home.text(of: "receipts/s/" + file).replacingOccurrences(of: ",x,", with: ",9,").replacingOccurrences(
            of: ",y,", with: ",9,")
        try home.drop("3.csv", Self.table(["1,a,1"]), to: "s")
        try home.drop("c.csv", corrected, to: "s")
        #expect(try home.ask("twin", "a-1")["count"] == 1)
        #expect(try home.ask("twin", "a-2")["count"] == 9)
    }

    @Test func `of another source, or of no drop, are quarantined with the reason`() throws {
        let home = try Home(
            "sources:\n"
                + ["s", "t"].map { "  \($0):\n    plugin: mapping\n    mapping: s.yaml\n    ready: {rule: rename}\n" }.joined(),
            mappings: ["s.yaml": Self.mapping])
        let receipt = try home.drop("2.csv", Self.dirty, to: "s")
        let drop = try #require(receipt["drop"]?.string)
        let corrected = Self.correct(try home.text(of: "receipts/s/\(drop).rejects.csv"))
        let other = try home.drop("c.csv", corrected, to: "t", code: 1)
        #expect(other["state"] == "quarantined")
        #expect(other[path: "reason/message"]?.string?.contains("corrects drop \(drop), which is one of source s") == true)
        let none = try home.drop("01ARZ3NDEKTSV4RRFFQ69G5FAV.rejects.csv", Self.clean, to: "s", code: 1)
        #expect(none["state"] == "quarantined")
        #expect(none[path: "reason/message"]?.string?.contains("does not exist") == true)
        let torn = try home.drop("01ARZ3NDEKTSV4RRFFQ69G5FAV.rejects.csv", corrected, to: "s", code: 1)
        #expect(torn[path: "reason/message"]?.string?.contains("does not exist") == true)
        let named = try home.drop("\(drop).rejects.csv", Self.clean, to: "s", code: 1)
        #expect(named[path: "reason/code"] == "looks-like-rejects")
    }

    @Test func `of a held drop wait for its release, and go on behind it`() throws {
        let home = try Self.home("guard: {rejects: 10%, rejects-free: 0}")
        let receipt = try home.drop("2.csv", Self.dirty, to: "s", code: 1)
        #expect(receipt["state"] == "held")
        let drop = try #require(receipt["drop"]?.string)
        let corrected = Self.correct(try home.text(of: "receipts/s/\(drop).rejects.csv"))
        #expect(try home.drop("c.csv", corrected, to: "s", code: 1)[path: "reason/code"] == "amended-held")
        #expect(try home.run("release", "2.csv").code == 0)
        #expect(try home.run("run", "--once").code == 0)
        #expect(try home.list("twin", "--all").count == 8)
        #expect(try home.ask("twin", "a-3")["count"] == 30)
    }

    @Test func `of a held drop that is given up have nothing to correct, and nothing advises to release it`() throws {
        let home = try Self.home("guard: {rejects: 10%, rejects-free: 0}")
        let receipt = try home.drop("2.csv", Self.dirty, to: "s", code: 1)
        let drop = try #require(receipt["drop"]?.string)
        let corrected = Self.correct(try home.text(of: "receipts/s/\(drop).rejects.csv"))
        #expect(try home.drop("c.csv", corrected, to: "s", code: 1)[path: "reason/code"] == "amended-held")
        #expect(try home.run("discard", drop).code == 0)
        #expect(try home.run("run", "--once").code == 0)
        let facts = try home.ask("show", "c.csv")
        #expect(facts["state"] == "quarantined" && facts[path: "reason/code"] == "amendment", "\(facts)")
        for said in [try home.shown("show", "c.csv"), try home.shown("status"), try home.run("doctor").out] {
            #expect(!said.contains("twindrop release"), "\(said)")
        }
    }

    @Test func `are taken whatever the source's patterns say, and stop nobody`() throws {
        let home = try Home(
            "sources:\n  s:\n    plugin: mapping\n    mapping: s.yaml\n    ready: {rule: rename}\n    patterns: [\"inv_*.csv\"]\n"
                + "    order: name\n    mode: snapshot\n",
            mappings: ["s.yaml": Self.mapping])
        let receipt = try home.drop("inv_2.csv", Self.dirty, to: "s")
        let drop = try #require(receipt["drop"]?.string)
        #expect(receipt[path: "rejects/correct"]?.string?.contains("inv_2.rejects.\(drop).csv") == true)
        let corrected = Self.correct(try home.text(of: "receipts/s/\(drop).rejects.csv"))
        try home.deliver("\(drop).rejects.csv", corrected, to: "s")
        #expect(try home.run("run", "--once").code == 0)
        #expect(try home.list("twin", "--all").count == 8)
    }

    @Test func `with a footer keep it`() throws {
        let mapping = "dialect: {footerLines: 1}\n" + Self.mapping
        let home = try Home(
            "sources:\n  s:\n    plugin: mapping\n    mapping: s.yaml\n    ready: {rule: rename}\n", mappings: ["s.yaml": mapping]
        )
        let receipt = try home.drop("2.csv", Self.dirty + "Total: 8\n", to: "s")
        let drop = try #require(receipt["drop"]?.string)
        try home.drop("c.csv", Self.correct(try home.text(of: "receipts/s/\(drop).rejects.csv")), to: "s")
        #expect(try home.list("twin", "--all").count == 8)
        #expect(try home.ask("twin", "a-6")["count"] == 60)
    }
}
