import DropCore
import Foundation
import Testing
import TwinModel

@testable import Evidence

@Suite struct `A receipt` {
    private func json(_ fixture: Fixture, _ name: String) throws -> JSON {
        try JSON(parsing: fixture.read("receipts/erp/" + name))
    }

    @Test func `has books that close`() throws {
        let fixture = try Fixture()
        var record = try fixture.item("a\nb\n").record
        try ReceiptWriter(root: fixture.folder + "/receipts").write(record)
        let name = "\(record.id).receipt.json"
        for book in ["records", "operations", "bytes"] { #expect(try json(fixture, name)["books"]?[book]?["closes"] == true) }
        record.books?.recordsUsed = 2
        record.books?.bytesAccounted = 1
        try ReceiptWriter(root: fixture.folder + "/receipts").write(record)
        #expect(try json(fixture, name)["books"]?["records"]?["closes"] == false)
        #expect(try json(fixture, name)["books"]?["bytes"]?["closes"] == false)
    }

    @Test func `is linked from the file's name, the newest one`() throws {
        let fixture = try Fixture()
        let writer = ReceiptWriter(root: fixture.folder + "/receipts")
        let (old, new) = try (fixture.item("a").record, fixture.item("b").record)
        try writer.write(old)
        try writer.write(new)
        try writer.write(old)
        #expect(try json(fixture, "orders.csv.receipt.json")["drop"]?.string == new.id.description)
        #expect(fixture.files("receipts").count == 3)
    }

    @Test(arguments: [
        "../x", "..", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "_x", ".hidden", "a\u{1B}[2J", String(repeating: "ü", count: 127),
    ])
    func `is linked under a name that harms nothing`(name: String) throws {
        let bytes = Array(name.utf8.map { $0 == 0x2F ? 0x5C : $0 })
        let link = ReceiptWriter.linkName(FileName(bytes: bytes))
        #expect(link.utf8.count < 230)
        #expect(!link.hasPrefix(".") && !link.contains("/") && !link.contains("\u{1B}"))
        #expect(DropID(link.prefix(26)) == nil || link.utf8.count != 39)
    }

    @Test func `of two long names has two links`() {
        let (a, b) = (String(repeating: "x", count: 240) + "1", String(repeating: "x", count: 240) + "2")
        #expect(ReceiptWriter.linkName(FileName(a)) != ReceiptWriter.linkName(FileName(b)))
    }

    @Test func `says where the bytes are, why it failed, and what to do`() throws {
        let fixture = try Fixture()
        var record = try fixture.item("a").record
        record.state = .quarantined
        record.reason = DropReason(code: .noSource, message: "No source takes it.", hint: "Add a pattern.")
        let place = ArchivedItem(drop: record.id, container: "2026/11/21/000001.tar.zst", member: "m.csv", leaf: 5)
        try ReceiptWriter(root: fixture.folder + "/receipts").write(record, archived: place)
        let receipt = try json(fixture, "\(record.id).receipt.json")
        #expect(receipt["archive"]?["member"]?.string == "m.csv")
        #expect(receipt["archive"]?["leaf"]?.int == 5)
        #expect(receipt["reason"]?["hint"]?.string == "Add a pattern.")
    }
}

@Suite struct `Rejects` {
    /// Writes rejects for the records with these texts in a file of these lines (bytes), header first.
    private func rejects(
        _ lines: [[UInt8]], reject: [Int], mark: Int = 0, name: String = "orders.csv"
    ) throws -> (text: [UInt8], reasons: [UInt8]) {
        let (text, reasons, _) = try marked(lines, reject: reject, mark: mark, name: name)
        return (text, reasons)
    }

    private func marked(
        _ lines: [[UInt8]], reject: [Int], mark: Int = 0, name: String = "orders.csv"
    ) throws -> (text: [UInt8], reasons: [UInt8], drop: DropID) {
        let fixture = try Fixture()
        let item = try fixture.item(lines.flatMap { $0 }, name: FileName(name))
        func offset(_ index: Int) -> UInt64 { UInt64(lines[..<index].reduce(0) { $0 + $1.count }) }
        let header = FileSpan(
            kind: .header, offset: UInt64(mark), length: UInt64(lines[0].count - mark), name: "names")
        let rejections = reject.map {
            Rejection(
                record: UInt64($0), offset: offset($0), length: UInt64(lines[$0].count), code: "bad",
                message: "record \($0)\u{1B}")
        }
        let file = try #require(
            try RejectsWriter(root: fixture.folder + "/receipts").write(
                item.record, spans: [header], rejections: rejections, marking: item.record.id, from: item.path))
        return try (fixture.read("receipts/erp/" + file.name), fixture.read("receipts/erp/" + file.reasonsName), item.record.id)
    }

    private func wide(_ text: String, bigEndian: Bool = false) -> [UInt8] {
        text.utf16.flatMap { bigEndian ? [UInt8($0 >> 8), UInt8($0 & 255)] : [UInt8($0 & 255), UInt8($0 >> 8)] }
    }

    @Test func `are the header and the refused records, byte for byte, each with its mark in one more cell`() throws {
        let lines = ["id;n\r\n", "1;a\r\n", "2;\"x\r\ny\"\r\n", "3\r\n"].map { Array($0.utf8) }
        let (text, _, drop) = try marked(lines, reject: [3, 2])
        let marks = [2, 3].map { RejectMark(drop: drop, record: $0).description }
        #expect(
            String(decoding: text, as: UTF8.self)
                == "id;n;twindrop_reject\r\n2;\"x\r\ny\";\(marks[0])\r\n3;;\(marks[1])\r\n")
    }

    @Test func `of text without cells carry no marks`() throws {
        let lines = ["H20261120HQ\n", "DMAIN 0001\n", "{\"a\": 1, \"b\": 2}\n"].map { Array($0.utf8) }
        #expect(try rejects(lines, reject: [1, 2]).text == lines[0] + lines[1] + lines[2])
    }

    @Test func `come with reasons, one line each, escaped`() throws {
        let lines = ["h\n", "1\n", "2\n"].map { Array($0.utf8) }
        let reasons = try rejects(lines, reject: [2]).reasons
        let json = try JSON(parsing: reasons.dropLast())
        #expect(json == ["record": 2, "offset": 4, "length": 2, "code": "bad", "message": "record 2\\u{1b}"])
    }

    @Test func `give a last record the file's line end`() throws {
        let lines = ["h\r\n", "1\r\n", "2"].map { Array($0.utf8) }
        #expect(try rejects(lines, reject: [2]).text == Array("h\r\n2\r\n".utf8))
    }

    @Test func `list a record that was refused twice once`() throws {
        let lines = ["h\n", "1\n", "2\n"].map { Array($0.utf8) }
        let (text, reasons) = try rejects(lines, reject: [1, 1])
        #expect(text == Array("h\n1\n".utf8))
        #expect(reasons.count { $0 == 10 } == 2)
    }

    @Test(arguments: [0, 2], [false, true])
    func `keep UTF-16 with its mark, wherever the header starts`(mark: Int, bigEndian: Bool) throws {
        let texts = ["\u{FEFF}id;n\r\n", "1;ä\r\n", "2;€"]
        let lines = texts.map { wide($0, bigEndian: bigEndian) }
        let (text, _, drop) = try marked(lines, reject: [2], mark: mark)
        let name = RejectMark(drop: drop, record: 2)
        #expect(text == wide("\u{FEFF}id;n;twindrop_reject\r\n2;€;\(name)\r\n", bigEndian: bigEndian))
    }

    @Test func `keep UTF-16 without a mark`() throws {
        let lines = ["id;name\n", "1;aaaa\n", "2;bbbb"].map { wide($0) }
        let (text, _, drop) = try marked(lines, reject: [2])
        #expect(text == wide("id;name;twindrop_reject\n2;bbbb;\(RejectMark(drop: drop, record: 2))\n"))
    }

    @Test func `keep a UTF-8 mark`() throws {
        let lines = [[0xEF, 0xBB, 0xBF] + Array("id\n".utf8), Array("1\n".utf8)]
        #expect(try rejects(lines, reject: [1], mark: 3).text == lines[0] + lines[1])
    }

    @Test func `are none where nothing was refused`() throws {
        let fixture = try Fixture()
        let item = try fixture.item("a\n")
        let writer = RejectsWriter(root: fixture.folder + "/receipts")
        #expect(try writer.write(item.record, spans: [], rejections: [], marking: item.record.id, from: item.path) == nil)
        #expect(fixture.files("receipts") == [])
    }

    @Test func `refuse places outside of the file`() throws {
        let fixture = try Fixture()
        let item = try fixture.item("a\n")
        let bad = Rejection(record: 1, offset: 1, length: .max, code: "bad", message: "")
        let error = #expect(throws: DropError.self) {
            try RejectsWriter(root: fixture.folder + "/receipts").write(
                item.record, spans: [], rejections: [bad], marking: item.record.id, from: item.path)
        }
        #expect(error?.code == .protocol)
    }

    @Test(arguments: [
        ("orders.rejects.01ARZ3NDEKTSV4RRFFQ69G5FAV.csv", true), ("a.b.Rejects.01arz3ndektsv4rrffq69g5fav.csv.gz", true),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV.rejects.csv", true), ("01ARZ3NDEKTSV4RRFFQ69G5FAV.rejects.reasons.ndjson", false),
        ("orders.rejects.csv", false), ("orders.rejects.01ARZ3NDEKTSV4RRFFQ69G5FAV", true),
        ("rejects.01ARZ3NDEKTSV4RRFFQ69G5FAV.csv", true),
        ("orders.rejects.01ARZ3NDEKTSV4RRFFQ69G5FAU0.csv", false), ("", false),
    ])
    func `name the drop they amend`(name: String, amends: Bool) {
        let drop = FileName.amendedDrop(in: FileName(name))
        #expect(drop == (amends ? DropID("01ARZ3NDEKTSV4RRFFQ69G5FAV") : nil))
    }
}
