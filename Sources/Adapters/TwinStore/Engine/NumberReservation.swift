import DropCore

/// Numbers one drop has reserved for twins (or relationships) it introduces: in blocks that grow with the drop, so that
/// concurrent
/// drops append to the tables nearly in order and small drops waste few.
struct NumberReservation {
    enum Kind { case twins, relationships }

    private let kind: Kind
    private let numbers: Numbers
    private var next: UInt32 = 0
    private var end: UInt32 = 0
    private var taken: UInt32 = 0

    init(_ kind: Kind, _ numbers: Numbers) {
        self.kind = kind
        self.numbers = numbers
    }

    mutating func take() -> UInt32 {
        if next == end {
            let size = min(4096, max(1, taken))
            next = numbers.reserve(kind, size)
            end = next + size
        }
        taken += 1
        defer { next += 1 }
        return next
    }

    /// Returns the number taken last, when it was not used after all.
    mutating func putBack(_ number: UInt32) {
        if number + 1 == next { next = number }
    }

    /// Returns what is left of the last block.
    mutating func giveBack() {
        numbers.giveBack(kind, from: next, to: end)
        end = next
    }
}
