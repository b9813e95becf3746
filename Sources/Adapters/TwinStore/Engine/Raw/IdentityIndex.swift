import Synchronization

/// Which number a twin (or relationship) has: the process keeps it, so that SQLite needs no unique text index.
///
/// 1024 small hash tables, each behind a lock of its own, with open addressing in the order of the hash. A slot has 16 bytes: 96
/// bits of the hash (ten more choose the table) and the number. Tables grow by a quarter when three quarters full, so that an
/// entry costs 21 to 27 bytes and growth never copies more than a thousandth of the whole. Safe from any thread.
///
/// `@unchecked Sendable`: the memory of the tables' locks is made once; each table is touched under its lock only.
@safe final class IdentityIndex: @unchecked Sendable {
    private static let tableCount = 1024
    /// Side by side and not as objects, so that a look counts no references.
    private let tables: UnsafeMutablePointer<Mutex<Table>>

    init() {
        unsafe tables = .allocate(capacity: Self.tableCount)
        for index in 0..<Self.tableCount { unsafe (tables + index).initialize(to: Mutex(Table())) }
    }

    deinit {
        unsafe tables.deinitialize(count: Self.tableCount)
        unsafe tables.deallocate()
    }

    @inline(__always)
    private func locked<R>(_ hash: IdentityHash, _ body: (inout Table) -> R) -> R {
        unsafe tables[Int(hash.low >> 54)].withLock { body(&$0) }
    }

    /// The number of an identity; 0 when it has none.
    @inline(__always)
    func number(of hash: IdentityHash) -> UInt32 {
        locked(hash) { $0.find(hash) }
    }

    /// Enters `number` unless the identity has one already: that one is the answer, else 0.
    func enter(_ hash: IdentityHash, _ number: UInt32) -> UInt32 {
        locked(hash) { $0.enter(hash, number) }
    }

    /// Gives the identity another number; its former one, or 0.
    @discardableResult
    func replace(_ hash: IdentityHash, _ number: UInt32) -> UInt32 {
        locked(hash) { table in
            let former = table.remove(hash)
            _ = table.enter(hash, number)
            return former
        }
    }

    /// Removes the identity if its number is `number`.
    func remove(_ hash: IdentityHash, _ number: UInt32) {
        locked(hash) { table in
            if table.find(hash) == number { _ = table.remove(hash) }
        }
    }

    /// How many identities have a number, those of work on its way included. Costs some 20 microseconds.
    var count: Int {
        (0..<Self.tableCount).reduce(0) { sum, index in unsafe sum + tables[index].withLock { $0.count } }
    }

    /// Bytes the slots take.
    var byteCount: Int {
        (0..<Self.tableCount).reduce(0) { sum, index in unsafe sum + tables[index].withLock { $0.capacity * 16 } }
    }

    @safe private struct Table: ~Copyable, @unchecked Sendable {  // Touched only under its shard's lock.
        private struct Slot {
            var high: UInt64
            /// The low half of the hash's low word, then the number; number 0 means empty.
            var rest: UInt64
        }

        private var slots: UnsafeMutablePointer<Slot>
        private(set) var capacity: Int
        private(set) var count = 0

        init() {
            capacity = 8
            unsafe slots = .allocate(capacity: 8)
            unsafe slots.initialize(repeating: Slot(high: 0, rest: 0), count: 8)
        }

        deinit { unsafe slots.deallocate() }

        @inline(__always)
        private static func home(_ high: UInt64, _ capacity: Int) -> Int {
            Int(truncatingIfNeeded: high.multipliedFullWidth(by: UInt64(truncatingIfNeeded: capacity)).high)
        }

        @inline(__always)
        private func slot(of hash: IdentityHash) -> Int? {
            var index = Self.home(hash.high, capacity)
            let tag = hash.low << 32
            while true {
                let slot = unsafe slots[index]
                if UInt32(truncatingIfNeeded: slot.rest) == 0 { return nil }
                if slot.high == hash.high, slot.rest & 0xFFFF_FFFF_0000_0000 == tag { return index }
                index += 1
                if index == capacity { index = 0 }
            }
        }

        @inline(__always)
        func find(_ hash: IdentityHash) -> UInt32 {
            guard let index = slot(of: hash) else { return 0 }
            return unsafe UInt32(truncatingIfNeeded: slots[index].rest)
        }

        mutating func enter(_ hash: IdentityHash, _ number: UInt32) -> UInt32 {
            let known = find(hash)
            if known != 0 { return known }
            if count * 4 >= capacity * 3 { grow() }
            count += 1
            unsafe Self.place(Slot(high: hash.high, rest: hash.low << 32 | UInt64(number)), slots, capacity)
            return 0
        }

        private static func place(_ slot: Slot, _ slots: UnsafeMutablePointer<Slot>, _ capacity: Int) {
            var index = home(slot.high, capacity)
            while unsafe UInt32(truncatingIfNeeded: slots[index].rest) != 0 {
                index += 1
                if index == capacity { index = 0 }
            }
            unsafe slots[index] = slot
        }

        private mutating func grow() {
            let wider = max(capacity + 8, capacity * 5 / 4)
            let fresh = UnsafeMutablePointer<Slot>.allocate(capacity: wider)
            unsafe fresh.initialize(repeating: Slot(high: 0, rest: 0), count: wider)
            for index in 0..<capacity where unsafe UInt32(truncatingIfNeeded: slots[index].rest) != 0 {
                unsafe Self.place(slots[index], fresh, wider)
            }
            unsafe slots.deallocate()
            unsafe slots = fresh
            capacity = wider
        }

        /// Removes an identity and closes the gap, so that no tombstones slow down later searches.
        mutating func remove(_ hash: IdentityHash) -> UInt32 {
            guard var gap = slot(of: hash) else { return 0 }
            let number = unsafe UInt32(truncatingIfNeeded: slots[gap].rest)
            count -= 1
            var next = gap
            while true {
                next += 1
                if next == capacity { next = 0 }
                let slot = unsafe slots[next]
                if UInt32(truncatingIfNeeded: slot.rest) == 0 { break }
                let home = Self.home(slot.high, capacity)
                let stays = gap <= next ? (gap < home && home <= next) : (gap < home || home <= next)
                if stays { continue }
                unsafe slots[gap] = slot
                gap = next
            }
            unsafe slots[gap] = Slot(high: 0, rest: 0)
            return number
        }
    }
}
