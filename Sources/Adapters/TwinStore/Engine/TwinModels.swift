/// Which model each twin has, by number: four bytes a twin, so that a million are counted in a millisecond. Kept by the process,
/// rebuilt at open; SQLite has no index by model, because that would cost a load more than it may (docs/decisions/0015).
///
/// `@unchecked Sendable`: guarded by the store's `ReadersWriterLock`, as versions are; but a comparison stages its new twins
/// while others count, so slots are read and written as a whole. A number that is not committed yet belongs to the one drop that
/// made it.
final class TwinModels: @unchecked Sendable {
    /// 0: no such twin; else its model's key plus one, with `staged` until it is committed.
    private let slots = SparseArray<UInt32>()
    private static let staged: UInt32 = 1 << 31
    /// Numbers from here on have never been committed.
    private var end: UInt32 = 1
    /// The commit it shows. Whoever writes twins without telling leaves it behind for ever: it is then used no more, and
    /// queries look through the table.
    private(set) var sequence: UInt64 = 0

    /// Notes a new twin before its commit.
    @inline(__always)
    func stage(_ number: UInt32, model: UInt32) { slots[shared: number] = Self.staged | (model + 1) }

    /// The staged twin is committed.
    @inline(__always)
    func confirm(_ number: UInt32) {
        slots[shared: number] &= ~Self.staged
        if number >= end { end = number + 1 }
    }

    /// A committed twin has another model; nothing where it is gone by now.
    func set(_ number: UInt32, model: UInt32) { if slots[shared: number] != 0 { slots[shared: number] = model + 1 } }

    /// Enters a twin that the database has.
    func load(_ number: UInt32, model: UInt32) {
        slots[shared: number] = model + 1
        if number >= end { end = number + 1 }
    }

    /// The model of a twin, committed or not; 0 where it has none, or is not there.
    subscript(number: UInt32) -> UInt32 {
        let slot = slots[shared: number] & ~Self.staged
        return slot == 0 ? 0 : slot - 1
    }

    func remove(_ number: UInt32) { slots[shared: number] = 0 }

    /// Everything committed after `former` and up to `sequence` has been noted.
    func advance(from former: UInt64, to sequence: UInt64) { if self.sequence == former { self.sequence = sequence } }

    /// What was read from a database at this commit.
    func loaded(_ sequence: UInt64) { self.sequence = sequence }

    func isCurrent(_ sequence: UInt64) -> Bool { self.sequence == sequence }

    /// How many twins there are, and how many have one of these models.
    func counts(_ models: ModelKeys?) -> (all: Int, members: Int) {
        var (all, members) = (0, 0)
        for number in 1..<max(end, 1) {
            let slot = slots[shared: number]
            guard slot != 0, slot & Self.staged == 0 else { continue }
            all += 1
            if let models, models.contains(slot - 1) { members += 1 }
        }
        return (all, members)
    }

    /// At most `limit` numbers of twins with one of these models, ascending, from a number on.
    func members(_ models: ModelKeys, from first: UInt32, limit: Int) -> [UInt32] {
        var result: [UInt32] = []
        guard first < end else { return result }
        for number in max(first, 1)..<end {
            let slot = slots[shared: number]
            guard slot != 0, slot & Self.staged == 0, models.contains(slot - 1) else { continue }
            result.append(number)
            if result.count == limit { break }
        }
        return result
    }
}
