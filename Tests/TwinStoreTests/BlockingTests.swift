import DropCore
import Testing
import TwinStore

@Suite struct `Drops that others of an ordered source wait for` {
    private let fixture: StoreFixture
    private let erp = SourceName("erp")!

    init() throws { fixture = try StoreFixture() }

    /// A drop that was quarantined, like one that a person dropped or, with `link`, ran again.
    private func quarantined(
        _ name: String = "b.csv", source: String = "erp", retrying old: DropRecord? = nil
    ) throws -> DropRecord {
        let made = fixture.job(source).1
        let record = DropRecord(
            id: made.id, source: made.source, fileName: FileName(name), bytes: 1, state: .quarantined,
            claimedAt: made.claimedAt, changedAt: made.changedAt, intake: old?.intake ?? made.intake,
            link: old.map { DropLink(kind: .retries, drop: $0.id) })
        try fixture.store.register.recordIntents([record])
        return record
    }

    private func apply(_ name: String) throws {
        var set = try fixture.changeSet { $0.twin("T") }
        let made = set.record
        set.record = DropRecord(
            id: made.id, source: made.source, fileName: FileName(name), bytes: 1, state: .registered, claimedAt: made.claimedAt,
            changedAt: made.changedAt, intake: made.intake)
        _ = try fixture.store.graph.commit([set])[0].get()
    }

    private func blocking(_ order: DropOrder) throws -> [DropID] { try fixture.store.register.blocking(erp, order).map(\.id) }

    @Test func `are those quarantined, in the order they came`() throws {
        try apply("a.csv")
        let first = try quarantined()
        let second = try quarantined()
        _ = try quarantined(source: "crm")
        #expect(try blocking(.arrival) == [first.id, second.id])
        #expect(try blocking(.name) == [first.id, second.id])
        #expect(try blocking(.none) == [])
    }

    @Test func `are not those that a person discarded`() throws {
        var record = try quarantined()
        record.state = .discarded
        try fixture.store.register.update([record])
        #expect(try blocking(.arrival) == [])
    }

    @Test func `are not those that a person ran again, but those runs, where they fail too`() throws {
        var first = try quarantined()
        var retry = try quarantined(retrying: first)
        (first.state, first.closedBy) = (.retried, DropClosing(drop: retry.id, how: .retry))
        try fixture.store.register.update([first])
        #expect(try blocking(.arrival) == [retry.id])
        retry.state = .registered
        try fixture.store.register.update([retry])
        #expect(try blocking(.arrival) == [])
    }

    /// Then the source kept no order when they failed.
    @Test func `are not those that others behind them were applied after`() throws {
        let failed = try quarantined("b.csv")
        try apply("a.csv")
        #expect(try blocking(.arrival) == [])
        #expect(try blocking(.name) == [failed.id], "a.csv comes before it")
        try apply("c.csv")
        #expect(try blocking(.name) == [])
    }
}
