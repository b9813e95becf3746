import DropCore
import Foundation
import SystemKit
import Testing
import TwinModel

@testable import Evidence

/// docs/failure-model.md, "Full disks".
@Suite struct `A chain that finds no room` {
    private let act = Act(
        id: DropID(high: Fixture.morning << 16, low: 1), kind: .release, at: Fixture.morning,
        by: .user(number: 1000, name: "alice"), reason: nil, drop: DropID(high: 1 << 30, low: 1), source: SourceName("erp"),
        facts: [])

    private func expectRetry(_ fault: SystemFaults.Fault, _ body: () throws -> Void) {
        let error = #expect(throws: DropError.self) { try SystemFaults.during(fault) { try body() } }
        guard case .retry? = error?.remedy else {
            Issue.record("\(String(describing: error)) is not tried again")
            return
        }
        #expect(error?.code == .diskFull)
    }

    @Test func `takes an act later, once`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let full = SystemFaults.Fault("write", fixture.archive + "/chain.log", number: ENOSPC)
        expectRetry(full) { _ = try writer.note([act], now: Fixture.morning) }
        #expect(try writer.note([act], now: Fixture.morning) == [1])
        try writer.stop(now: Fixture.morning)
        #expect(try fixture.verify(full: true).findings == [])
    }

    @Test func `takes a container later, under the same name`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let item = try fixture.item("a\n")
        try writer.append(item, now: Fixture.morning)
        let full = SystemFaults.Fault("write", fixture.archive + "/chain.log", number: ENOSPC)
        expectRetry(full) { _ = try writer.close(now: Fixture.morning) }
        #expect(writer.drops == [], "it is to be appended again")
        try writer.append(item, now: Fixture.morning)
        let places = try writer.close(now: Fixture.morning)
        #expect(places.count == 1 && places[0].container.contains("000001"), "\(places)")
        try writer.stop(now: Fixture.morning)
        let result = try fixture.verify(full: true)
        #expect(result.findings == [] && result.drops == 1)
    }

    @Test func `goes on without its head, which is advice`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let full = SystemFaults.Fault("write", fixture.archive + "/chain.head.tmp", number: ENOSPC, times: 2)
        let (leaves, records) = try SystemFaults.during(full) {
            // The second writer is a start beside a disk that is still full.
            (try writer.note([act], now: Fixture.morning), try fixture.writer().head.records)
        }
        #expect(leaves == [1] && records == 2)
        try fixture.writer(now: Fixture.morning + 1).stop(now: Fixture.morning + 1)
        #expect(try fixture.verify(full: true).findings == [])
    }

    @Test func `ends the writer where it cannot tell what reached the medium`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let full = SystemFaults.Fault("fsync", fixture.archive + "/chain.log", number: ENOSPC)
        let error = #expect(throws: DropError.self) {
            try SystemFaults.during(full) { _ = try writer.note([act], now: Fixture.morning) }
        }
        #expect(error?.remedy == .stop && error?.hint == "Free space there, then start again.")
    }
}
