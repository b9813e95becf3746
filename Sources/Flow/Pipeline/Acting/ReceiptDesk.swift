import DropCore
import ThreadKit

/// Writes receipts. A source whose receipts cannot be written keeps nobody waiting, not even its own drops: they are applied and
/// archived, and their receipts are owed (decision 0033).
struct ReceiptDesk: Sendable {
    let shared: Shared
    let book: any ReceiptStore

    /// Writes a receipt now or, where its folder cannot be used, as soon as it can.
    func give(_ record: DropRecord, leaf: UInt64? = nil, synced: Bool = false) throws(DropError) {
        do throws(DropError) {
            try book.write(record, leaf: leaf)
            if synced { try book.sync([record]) }
        } catch {
            guard case .retry = error.remedy else { throw error }
            return owe([Receipted(record: record, leaf: leaf)], error, isLast: false)
        }
        shared.ledger.withoutWaking { $0.owed.outdate(record.id) }
    }

    /// Writes receipts and makes them durable; what kept those of a source from it.
    func write(_ drops: [Receipted]) throws(DropError) -> [SourceName: DropError] {
        var failed: [SourceName: DropError] = [:]
        for drop in drops where failed[drop.record.source] == nil {
            do throws(DropError) { try book.write(drop.record, leaf: drop.leaf) } catch {
                guard case .retry = error.remedy else { throw error }
                failed[drop.record.source] = error
            }
        }
        let written = drops.map(\.record).filter { failed[$0.source] == nil }
        guard !written.isEmpty else { return failed }
        do throws(DropError) { try book.sync(written) } catch {
            guard case .retry = error.remedy else { throw error }
            // Whose folder it is, each source's own tells.
            for (source, records) in Dictionary(grouping: written, by: \.source).sorted(by: { $0.key < $1.key }) {
                do throws(DropError) { try book.sync(records) } catch {
                    guard case .retry = error.remedy else { throw error }
                    failed[source] = error
                }
            }
        }
        return failed
    }

    /// They are tried again; `isLast`: the drops are at their end with them.
    func owe(_ drops: [Receipted], _ error: DropError, isLast: Bool) {
        let now = shared.clock.now()
        let isNew = shared.ledger.with { $0.owed.owe(drops, error, isLast: isLast, at: now) }
        if isNew { shared.emit(.failed(error)) }
    }
}
