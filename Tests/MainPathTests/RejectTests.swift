import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `Rejected records` {
    private static let clean = Sample.assets(1...6)
    /// Two records that are wrong, one with a line end in a cell.
    private static let dirty = clean.replacingOccurrences(
        of: "Forklift 2,forklift,HAM1,active", with: "Forklift 2,forklift,HAM1,lost"
    )
    .replacingOccurrences(
        of: "FL-5,Forklift 5,forklift,HAM1,active,2026-10-02", with: "FL-5,\"Forklift\n5\",forklift,HAM1,active,2026-13-02")
    private static let cleaned = clean.replacingOccurrences(of: "Forklift 5,", with: "\"Forklift\n5\",")

    private static func correct(_ rejects: String) -> String {
        rejects.replacingOccurrences(of: "lost", with: "active").replacingOccurrences(of: "2026-13-02", with: "2026-10-02")
    }

    enum Name: CaseIterable { case own, givenOut }

    @Test(arguments: Name.allCases, ["incremental", "snapshot"])
    func `complete the data when they are corrected and dropped`(name: Name, mode: String) throws {
        let home = try Home(Sample.assetsSource("mode: \(mode)"))
        let receipt = try home.drop("day.csv", Self.dirty, to: "assets")
        #expect(receipt[path: "books/records/rejected"] == 2)
        #expect(receipt[path: "books/records/closes"] == .bool(true))
        let id = try #require(receipt["drop"]?.string)
        let file = try #require(receipt[path: "rejects/file"]?.string)
        let corrected = Self.correct(try home.text(of: "receipts/assets/" + file))
        let amendment = try home.drop(name == .own ? "fixed.rejects.\(id).csv" : file, corrected, to: "assets")
        #expect(amendment[path: "link/kind"] == "amends")
        #expect(amendment[path: "link/drop"] == .string(id))
        let whole = try Home(Sample.assetsSource("mode: \(mode)"))
        try whole.drop("day.csv", Self.cleaned, to: "assets")
        #expect(try home.twins() == whole.twins())
        #expect(try home.twins().count == 6)
    }

    @Test func `are named by their own file, whatever lies beside it, with their lines, until they are corrected`() throws {
        let home = try Home(Sample.assetsSource())
        let receipt = try home.drop("day.csv", Self.dirty, to: "assets")
        let id = try #require(receipt["drop"]?.string)
        let file = try #require(receipt[path: "rejects/file"]?.string)
        // People keep their work beside it.
        try home.write("receipts/assets/\(id).rejects.a.csv", "x\n")
        let shown = try home.shown("show", "day.csv")
        #expect(shown.contains("receipts/assets/\(file) --source") && !shown.contains("rejects.a.csv"), "\(shown)")
        #expect(shown.contains("record 2 (line 3, byte"), "\(shown)")
        // A first correction that leaves one refused, with its row; then the other.
        let half = try home.text(of: "receipts/assets/" + file).replacing("lost", with: "active")
        let amendment = try home.drop("fixed.rejects.\(id).csv", half, to: "assets")
        let refused = try home.ask("show", amendment["drop"]?.string ?? "")[path: "rejects/first"]?.elements ?? []
        #expect(refused.count == 1 && refused.first?["text"]?.string != "", "\(refused)")
        try home.drop("fixed2.rejects.\(id).csv", Self.correct(half), to: "assets")
        let closed = try home.shown("show", id)
        #expect(closed.contains("Corrected by drop") && !closed.contains("hand them over"), "\(closed)")
    }

    @Test func `come back in the file's own dialect, with a reason each`() throws {
        let home = try Home(Sample.assetsSource())
        let receipt = try home.drop("day.csv", Self.dirty.replacingOccurrences(of: "\n", with: "\r\n"), to: "assets")
        let file = try #require(receipt[path: "rejects/file"]?.string)
        let text = try home.text(of: "receipts/assets/" + file)
        let id = try #require(receipt["drop"]?.string)
        let marks = [2, 5].map { number in
            text.components(separatedBy: ",").first { $0.hasPrefix("TDR-\(id)-\(number)-") }?.prefix { $0 != "\r\n" } ?? "no mark"
        }
        let expected =
            String(Sample.assetHeader.dropLast()) + ",twindrop_reject\n"
            + "FL-2,Forklift 2,forklift,HAM1,lost,2026-10-02,\(marks[0])\n"
            + "FL-5,\"Forklift\n5\",forklift,HAM1,active,2026-13-02,\(marks[1])\n"
        #expect(text == expected.replacingOccurrences(of: "\n", with: "\r\n"))
        let reasons = try home.text(of: "receipts/assets/" + (receipt[path: "rejects/reasons"]?.string ?? ""))
        let lines = try reasons.split(separator: "\n").map { try JSON(parsing: String($0)) }
        #expect(lines.map { $0["record"] } == [2, 5])
        #expect(lines.map { $0["code"]?.string?.isEmpty } == [false, false])
        #expect(lines[0]["message"]?.string?.contains("status") == true)
        #expect(lines[0]["offset"] == .int(Int64(Sample.assetHeader.utf8.count + 1 + Sample.asset(1).utf8.count + 1)))
    }

    @Test func `of a UTF-16 file come back in UTF-16`() throws {
        let sources = "sources:\n  assets:\n    plugin: mapping\n    ready: {rule: rename}\n    mapping: a.yaml\n"
        let mapping = """
            dialect: {encoding: auto}
            twins:
              - id: "a-{id}"
                model: dtmi:com:example:A;1
                properties: {name: name, count: {column: count, type: int}}

            """
        let home = try Home(sources, mappings: ["a.yaml": mapping])
        func wide(_ text: String) throws -> Data { Data([0xFF, 0xFE]) + (try #require(text.data(using: .utf16LittleEndian))) }
        let dirty = try home.file("day.csv", try wide("id,name,count\n1,Größe,5\n2,Löwe,viele\n"))
        let receipt = try home.drop(file: dirty, to: "assets")
        #expect(receipt[path: "books/records/rejected"] == 1)
        let id = try #require(receipt["drop"]?.string)
        let rejects = try Data(
            contentsOf: URL(fileURLWithPath: home.path + "/receipts/assets/" + (receipt[path: "rejects/file"]?.string ?? "")))
        let text = try #require(String(data: rejects, encoding: .utf16))
        #expect(text.hasPrefix("id,name,count,twindrop_reject\n2,Löwe,viele,TDR-\(id)-2-"))
        let corrected = try wide(text.replacingOccurrences(of: "viele", with: "7"))
        try home.drop(file: try home.file("x.rejects.\(id).csv", corrected), to: "assets")
        #expect(try home.ask("twin", "a-2")["count"] == 7)
        #expect(try home.ask("twin", "a-2")["name"] == "Löwe")
    }

    @Test func `that hold a drop make others wait where the source keeps an order, and who waits for one is told`() throws {
        let home = try Home(Sample.assetsSource("order: arrival", "guard: {rejects: 10%, rejects-free: 2}"))
        try home.drop("1.csv", Sample.assets(1...5, status: "lost"), to: "assets", code: 1)
        let waiting = try home.drop("2.csv", Sample.assets(1...2), to: "assets", code: 1)
        #expect(waiting["state"] == "claimed")
        #expect(try home.list("twin", "--all") == [])
    }

    @Test func `hold the drop when they are too many`() throws {
        let home = try Home(Sample.assetsSource("guard: {rejects: 10%, rejects-free: 2}"))
        let dirty = Sample.assets(1...20) + Sample.assets(21...25, status: "lost").dropFirst(Sample.assetHeader.count)
        let receipt = try home.drop("day.csv", dirty, to: "assets", code: 1)
        #expect(receipt["state"] == "held")
        let message = receipt[path: "reason/message"]?.string ?? ""
        #expect(message.contains("5"))
        #expect(message.contains("25"))
        #expect(try home.list("twin", "--all") == [])
        #expect(try home.run("release", "day.csv").code == 0)
        #expect(try home.list("twin", "--all").count == 20)
        let released = try JSON(parsing: try home.text(of: "receipts/assets/day.csv.receipt.json"))
        #expect(released["released"] == .bool(true))
        #expect(released[path: "rejects/records"] == 5)
    }
}
