import DropCore
import Foundation
import Testing
import TwinModel

@testable import Evidence

@Suite struct `Acts of people in the chain` {
    private func act(_ number: UInt64, at time: UInt64 = Fixture.morning, reason: String? = "because") -> Act {
        Act(
            id: DropID(high: time << 16, low: number), kind: .release, at: time, by: .user(number: 1000, name: "alice"),
            reason: reason, drop: DropID(high: 1 << 30, low: number), source: SourceName("erp"),
            facts: [.init("held", "guard-deletes")])
    }

    @Test func `say who did what, when and why, and verify`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let leaves = try writer.note([act(1), act(2, reason: nil)], now: Fixture.morning + 5)
        #expect(leaves == [1, 2])
        try writer.stop(now: Fixture.morning + 6)
        let records = try fixture.records().compactMap { try? JSON(parsing: $0) }
        let first = try #require(records.first { $0["i"] == .int(1) })
        #expect(first["kind"] == "act" && first["source"] == "erp" && first["id"]?.string == act(1).drop?.description)
        let extra = try #require(first["extra"])
        #expect(extra["act"] == "release" && extra["id"]?.string == act(1).id.description)
        #expect(extra["by"] == ["uid": 1000, "user": "alice"] && extra["reason"] == "because")
        #expect(extra["at"] == "2026-11-21T09:00:00.000Z" && extra["held"] == "guard-deletes")
        #expect(records.first { $0["i"] == .int(2) }?["extra"]?["reason"] == nil)
        let result = try fixture.verify(full: true)
        #expect(result.findings == [])
        #expect(result.acts == [act(1).id: 1, act(2).id: 2])
    }

    @Test func `stand between drops, and in an archive that had none before`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        let later = Fixture.morning + 102_000_000
        let writer = try fixture.writer(now: later)
        try writer.append(fixture.item("a\n", now: later), now: later)
        _ = try writer.note([act(1, at: later)], now: later)
        #expect(try writer.close(now: later).count == 1)
        try writer.stop(now: later)
        let result = try fixture.verify(full: true)
        #expect(result.findings == [] && result.drops == 8 && result.acts.count == 1)
    }

    @Test func `are written once, also when a crash came before the register knew`() throws {
        let fixture = try Fixture()
        _ = try fixture.writer().note([act(1), act(2)], now: Fixture.morning)
        let again = try fixture.writer(now: Fixture.morning + 9)
        #expect(try again.note([act(1), act(2), act(3, at: Fixture.morning + 9)], now: Fixture.morning + 9) == [1, 2, 3])
        #expect(try again.note([act(3, at: Fixture.morning + 9)], now: Fixture.morning + 10) == [3])
        #expect(try fixture.verify().findings == [])
    }

    @Test(arguments: ["\"act\":\"release\",", "\"by\":{\"uid\":1000,\"user\":\"alice\"},"])
    func `that do not say who did what are found`(_ member: String) throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        _ = try writer.note([act(1)], now: Fixture.morning)
        let texts = try fixture.records()
        // A chain written anew, whole in itself.
        var last = Array(texts[1])
        let text = String(decoding: last, as: UTF8.self)
        try #require(text.contains(member))
        last = Array(text.replacingOccurrences(of: member, with: "").utf8)
        try fixture.writeChain([texts[0], last])
        try fixture.remove("archive/chain.head")
        #expect(try fixture.verify().findings.map(\.code) == [.actIncomplete])
    }

    @Test func `that stand there twice are found`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        _ = try writer.note([act(1), act(2)], now: Fixture.morning)
        var texts = try fixture.records()
        let twice = String(decoding: texts[2], as: UTF8.self)
            .replacingOccurrences(of: act(2).id.description, with: act(1).id.description)
        texts[2] = Array(twice.utf8)
        try fixture.writeChain(texts)
        try fixture.remove("archive/chain.head")
        #expect(try fixture.verify().findings.map(\.code) == [.actTwice])
    }
}
