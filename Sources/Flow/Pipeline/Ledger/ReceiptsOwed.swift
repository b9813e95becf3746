import DropCore

/// Receipts that could not be written. They are tried again every second; what is owed when the program ends, the next start
/// writes (decision 0033).
struct ReceiptsOwed: Sendable {
    /// A receipt that could not be written.
    struct Owed: Sendable {
        let receipt: Receipted
        /// The drop is archived and is at its end with its receipt.
        let isLast: Bool
        var trouble: Trouble
    }

    private var owed: [DropID: Owed] = [:]

    var isEmpty: Bool { owed.isEmpty }

    /// The oldest first.
    var all: [Owed] { owed.values.sorted { $0.receipt.record.id < $1.receipt.record.id } }

    /// What keeps the receipts of each source from being written.
    var troubles: [SourceName: Trouble] {
        Dictionary(owed.values.map { ($0.receipt.record.source, $0.trouble) }) { first, _ in first }
    }

    /// What was to be said before is out of date.
    mutating func outdate(_ drop: DropID) { if owed[drop]?.isLast == false { owed[drop] = nil } }

    mutating func paid(_ drop: DropID) { owed[drop] = nil }

    /// True where the source owed none before.
    mutating func owe(_ drops: [Receipted], _ error: DropError, isLast: Bool, at now: UInt64) -> Bool {
        guard let source = drops.first?.record.source else { return false }
        let known = owed.values.first { $0.receipt.record.source == source }?.trouble
        for drop in drops {
            let before = owed[drop.record.id]
            owed[drop.record.id] = Owed(
                receipt: Receipted(record: drop.record, leaf: drop.leaf ?? before?.receipt.leaf),
                isLast: isLast || before?.isLast ?? false, trouble: known ?? Trouble(error: error, since: now))
        }
        return known == nil
    }

    /// The receipts of the source could not be written once more: those drops, with what is known now.
    mutating func noteAgain(_ source: SourceName, _ error: DropError, at now: UInt64) -> [Owed] {
        var again: [Owed] = []
        for (id, one) in owed where one.receipt.record.source == source {
            var one = one
            one.trouble = Trouble.noting(error, in: one.trouble, at: now)
            owed[id] = one
            again.append(one)
        }
        return again
    }
}

/// A drop that is archived, and its leaf of the chain.
struct Receipted: Sendable, Equatable {
    var record: DropRecord
    let leaf: UInt64?
}
