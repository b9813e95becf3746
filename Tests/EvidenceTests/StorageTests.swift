import DropCore
import SystemKit
import Testing

@testable import Evidence

@Suite struct `A file that is replaced in the archive` {
    private let fixture: Fixture
    private var path: String { fixture.archive + "/file" }

    init() throws {
        fixture = try Fixture()
        try Storage.replace(path, with: Array("old".utf8), durable: true)
    }

    private func content() throws -> String {
        String(decoding: try StorageFile(path, .read).readAll(bytesMax: 100), as: UTF8.self)
    }

    @Test(
        arguments: [
            ("open", 28, "disk-full"), ("write", 28, "disk-full"), ("fsync", 5, "medium"), ("open", 24, "descriptors"),
        ] as [(String, CInt, DropError.Code)])  // ENOSPC, EIO, EMFILE
    func `stays as it was where a call fails`(call: String, number: CInt, code: DropError.Code) throws {
        let fault = SystemFaults.Fault(call, path + ".tmp", number: number)
        let error = #expect(throws: DropError.self) {
            try SystemFaults.during(fault) { try Storage.replace(path, with: Array("new".utf8), durable: true) }
        }
        #expect(error?.code == code)
        #expect(try content() == "old")
        try Storage.replace(path, with: Array("new".utf8), durable: true)
        #expect(try content() == "new")
    }
}
