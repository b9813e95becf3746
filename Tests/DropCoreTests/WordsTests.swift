import DropCore
import Testing

@Suite struct `Drop ids` {
    @Test func `read back from their text, in either case`() throws {
        let id = DropID(high: 0x0193_4F8B_2C11_ABCD, low: 0x0123_4567_89AB_CDEF)
        #expect(id.description.count == 26)
        #expect(DropID(id.description) == id)
        #expect(DropID(id.description.lowercased()) == id)
    }

    @Test func `agree with the ULID specification's example of the largest id`() {
        #expect(DropID(high: .max, low: .max).description == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ")
    }

    @Test(arguments: [
        "", "7ZZZZZZZZZZZZZZZZZZZZZZZZ", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "7ZZZZZZZZZZZZZZZZZZZZZZZZU", "../../../../../../etc/pass",
    ])
    func `are refused when the text is none`(text: String) {
        #expect(DropID(text) == nil)
    }

    @Test func `rise although the clock runs back`() {
        var generator = DropIDGenerator()
        var random = SystemRandomNumberGenerator()
        var last = generator.next(milliseconds: 2_000_000, using: &random)
        for milliseconds: UInt64 in [2_000_000, 1, 2_000_001, 5, 2_000_001] {
            let next = generator.next(milliseconds: milliseconds, using: &random)
            #expect(last < next)
            #expect(last.description < next.description)
            last = next
        }
    }
}

@Suite struct `File names` {
    @Test func `show every hostile byte as an escape`() {
        let name = FileName(bytes: Array("a\nb\u{1B}[31m\u{202E}c\\".utf8) + [0xFF])
        #expect(name.description == "a\\u{a}b\\u{1b}[31m\\u{202e}c\\\\\\xff")
    }

    @Test func `that differ have different texts`() {
        #expect(FileName("a\\u{a}").description != FileName("a\n").description)
        #expect(FileName("e\u{301}") != FileName("\u{e9}"))
    }

    @Test(arguments: [("orders.CSV", "csv"), ("a.tar.gz", "gz"), (".hidden", ""), ("none", ""), ("x.$$$", "")])
    func `have a plain extension or none`(name: String, expected: String) {
        #expect(FileName(name).pathExtension == expected)
    }

    @Test func `name the drop they amend`() {
        let id = "01KAJ4Q3Y8ZZZZZZZZZZZZZZZZ"
        #expect(FileName.amendedDrop(in: FileName("orders.rejects.\(id).csv")) == DropID(id))
        #expect(FileName.amendedDrop(in: FileName("orders.rejects.csv")) == nil)
        for name in [
            "rejects.\(id).csv", "\(id).rejects (1).csv", "\(id).rejects - Kopie.csv", "Copy of \(id).rejects.csv",
            "\(id)_rejects.csv",
            "\(id).rejects-fixed.csv", "\(id).REJECTS.CSV", "rejected \(id.lowercased()).txt", "\(id).rejects.csv.txt",
        ] { #expect(FileName.amendedDrop(in: FileName(name)) == DropID(id), "\(name)") }
        for name in ["\(id).csv", "\(id)X.rejects.csv", "\(id).rejects.reasons.ndjson", "rejects.csv"] {
            #expect(FileName.amendedDrop(in: FileName(name)) == nil, "\(name)")
        }
    }

    @Test func `mark refused records, and know a mark that was changed`() {
        let mark = RejectMark(drop: DropID("01KAJ4Q3Y8ZZZZZZZZZZZZZZZZ")!, record: 17)
        let text = mark.description
        #expect(RejectMark(Array(text.utf8)) == mark)
        #expect(RejectMark(Array("  \(text.lowercased()) ".utf8)) == mark)
        #expect(RejectMark(Array(text.split(separator: "-").map { $0 == "17" ? "18" : $0 }.joined(separator: "-").utf8)) == nil)
        #expect(RejectMark(Array((text + "x").utf8)) == nil)
        #expect(RejectMark(Array(text.dropLast().utf8)) == nil)
    }
}

@Suite struct `UTC days` {
    @Test(arguments: [
        (0, "1970/01/01"), (951_782_400_000, "2000/02/29"), (4_107_542_399_999, "2100/02/28"), (4_107_542_400_000, "2100/03/01"),
    ])
    func `follow the calendar`(milliseconds: UInt64, expected: String) {
        #expect(UTCDay(milliseconds: milliseconds).description == expected)
    }
}
