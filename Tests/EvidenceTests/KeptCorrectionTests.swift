import DropCore
import Foundation
import Testing
import TwinModel

@testable import Evidence

@Suite struct `A file of refused records that somebody corrected` {
    private let text = "id,n\n1,x\n2,y\n"

    private func write(_ fixture: Fixture, _ item: ArchiveItem) throws -> RejectsFile {
        let written = try RejectsWriter(root: fixture.folder + "/receipts").write(
            item.record, spans: [FileSpan(kind: .header, offset: 0, length: 5, name: "")],
            rejections: [Rejection(record: 1, offset: 5, length: 4, code: "bad-number", message: "no number")],
            marking: item.record.id, from: item.path)
        return try #require(written)
    }

    @Test func `is kept when its records are written again, and the receipt says so`() throws {
        let fixture = try Fixture()
        let item = try fixture.item(text)
        let file = try write(fixture, item)
        let folder = fixture.folder + "/receipts/erp/"
        let given = try Data(contentsOf: URL(fileURLWithPath: folder + file.name))
        _ = try write(fixture, item)
        #expect(try file.kept(in: folder) == [], "the same bytes are no correction")
        for number in 1...2 {
            try Data("corrected \(number)\n".utf8).write(to: URL(fileURLWithPath: folder + file.name))
            _ = try write(fixture, item)
            let kept = "\(item.record.id).rejects.kept-\(number).csv"
            #expect(try file.kept(in: folder).last == kept)
            #expect(try String(contentsOfFile: folder + kept, encoding: .utf8) == "corrected \(number)\n")
            #expect(try Data(contentsOf: URL(fileURLWithPath: folder + file.name)) == given)
        }
        let path = try ReceiptWriter(root: fixture.folder + "/receipts").write(item.record, rejects: file)
        let receipt = try JSON(parsing: Array(Data(contentsOf: URL(fileURLWithPath: path))))
        #expect(receipt["rejects"]?["kept"]?.elements?.count == 2)
    }
}
