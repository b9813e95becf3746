import CodecKit
import DropCore
import Testing
import TwinModel

@testable import Evidence

@Suite struct `The Merkle tree` {
    /// Roots of the first test vectors of RFC 9162's predecessor implementation (certificate-transparency, merkle_tree_test).
    @Test func `has the roots of the published vectors`() {
        let leaves: [[UInt8]] = [
            [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43],
            [0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            [0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F],
        ]
        var tree = MerkleTree()
        #expect(tree.root.description == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        var roots: [String] = []
        for leaf in leaves {
            tree.append(leaf: MerkleTree.leaf(leaf[...]))
            roots.append(tree.root.description)
        }
        #expect(roots[0] == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
        #expect(roots[1] == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")
        #expect(roots[6] == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c")
        #expect(roots[7] == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
    }

    @Test(arguments: 1...33)
    func `proves each leaf of a tree`(size: Int) {
        let leaves = (0..<size).map { MerkleTree.leaf([UInt8($0)][...]) }
        var tree = MerkleTree()
        for leaf in leaves { tree.append(leaf: leaf) }
        for index in 0..<size {
            #expect(MerkleTree.root(from: leaves[index], along: MerkleTree.path(to: index, in: leaves[...])) == tree.root)
        }
    }
}

@Suite struct `A chain record` {
    @Test func `is canonical JSON and reads back`() throws {
        var record = ChainRecord(
            index: 7, at: UTCTime(milliseconds: Fixture.morning), kind: .init(text: "applied"), previous: ChainRecord.origin)
        record.file = "a\"b\\\\c ü😀.csv"
        record.bytes = 12
        record.extra = ["b": 1, "a": ["}", "\\\"{"]]
        record.source = SourceName("erp")
        let text = record.text
        #expect(try JSON(parsing: text).text(.canonical) == String(decoding: text, as: UTF8.self))
        #expect(ChainRecord(parsing: text[...])?.text == text)
        #expect(ChainRecord(parsing: text[...])?.file == record.file)
    }

    @Test(arguments: ["{\"at\": ", "{\"x\":1,\"at\":", "{\"at\":\"2026-02-30"])
    func `is refused in any other form`(start: String) {
        let record = ChainRecord(
            index: 7, at: UTCTime(milliseconds: Fixture.morning), kind: .archive, previous: ChainRecord.origin)
        let text = String(decoding: record.text, as: UTF8.self)
        let changed =
            start.hasSuffix("30") ? text.replacing("{\"at\":\"2026-11-21", with: start) : text.replacing("{\"at\":", with: start)
        #expect(changed != text)
        #expect(ChainRecord(parsing: Array(changed.utf8)[...]) == nil)
    }

}

@Suite struct `A long chain` {
    @Test func `of 100,000 records is appended to, sealed, reopened and verified quickly`() throws {
        let fixture = try Fixture()
        let places = ArchivePlaces(root: fixture.archive)
        let log = try ChainLog(places, now: Fixture.morning)
        let clock = ContinuousClock()
        let appended = try clock.measure {
            for batch in 0..<100 {
                let records = (0..<1000).map { number in
                    var record = log.record(.init(text: "note"), at: Fixture.morning + UInt64(batch))
                    record.bytes = UInt64(number)
                    return record
                }
                try log.append(records)
                _ = try log.seal(Fixture.morning + UInt64(batch))
            }
        }
        var head = ChainHead()
        let reopened = try clock.measure { head = try ChainLog(places, now: Fixture.morning).head }
        #expect(head == log.head)
        var result = VerifyResult()
        let verified = try clock.measure { result = try fixture.verify() }
        print("measured: 100,000 records: append \(appended), reopen \(reopened), verify \(verified)")
        #expect(result.findings == [])
        #expect(result.records == 100_001)
        #expect(result.root == log.head.tree.root)
        #expect(reopened < .seconds(1), "a start reads what is new, not the chain")
    }
}
