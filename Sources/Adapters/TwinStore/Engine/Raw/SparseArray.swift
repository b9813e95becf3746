import Glibc
import Synchronization

/// Integers by twin or relationship number, all zero at first. Memory is taken by the page as elements are written, because the
/// kernel maps it lazily: a drop that touches a thousand of a million twins pays for what it touches.
///
/// `@unchecked Sendable`: whoever shares an element guards it (the store does with `ReadersWriterLock`), or uses
/// `subscript(shared:)`. Different elements may be written by different threads at once: the range is kept in atomics.
@safe final class SparseArray<Element: FixedWidthInteger & BitwiseCopyable & Sendable>: @unchecked Sendable {
    /// More numbers than this cannot be given out: a billion.
    static var capacity: Int { 1 << 30 }

    private let base: UnsafeMutableRawPointer
    /// The bytes that may be other than zero. An end that is lost would give memory back that is not all zeros, and the next
    /// array would begin with it.
    private let low = Atomic(Int.max)
    private let high = Atomic(0)

    private static var byteCount: Int { capacity * MemoryLayout<Element>.stride }

    init() { unsafe base = AddressPool.take(Self.byteCount) }

    /// Makes every element zero.
    func clear() {
        let start = low.exchange(.max, ordering: .relaxed)
        let end = high.exchange(0, ordering: .relaxed)
        if start < end { unsafe AddressPool.clear(base + start, end - start) }
    }

    deinit {
        clear()
        unsafe AddressPool.giveBack(base, Self.byteCount)
    }

    @inline(__always)
    subscript(number: UInt32) -> Element {
        get {
            precondition(Int(number) < Self.capacity)
            return unsafe base.load(fromByteOffset: Int(number) &* MemoryLayout<Element>.stride, as: Element.self)
        }
        set {
            precondition(Int(number) < Self.capacity)
            let offset = Int(number) &* MemoryLayout<Element>.stride
            widen(offset)
            unsafe base.storeBytes(of: newValue, toByteOffset: offset, as: Element.self)
        }
    }

    @inline(__always)
    private func widen(_ offset: Int) {
        let end = offset &+ MemoryLayout<Element>.stride
        if offset < low.load(ordering: .relaxed) { low.min(offset, ordering: .relaxed) }
        if end > high.load(ordering: .relaxed) { high.max(end, ordering: .relaxed) }
    }
}

extension SparseArray where Element == UInt32 {
    /// An element that several threads read and write without a guard: what is read is one of the values that were written there.
    @inline(__always)
    subscript(shared number: UInt32) -> UInt32 {
        get {
            precondition(Int(number) < Self.capacity)
            return unsafe atomics[Int(number)].load(ordering: .relaxed)
        }
        set {
            precondition(Int(number) < Self.capacity)
            widen(Int(number) &* MemoryLayout<UInt32>.stride)
            unsafe atomics[Int(number)].store(newValue, ordering: .relaxed)
        }
    }

    @inline(__always)
    private var atomics: UnsafeMutablePointer<Atomic<UInt32>> { unsafe base.assumingMemoryBound(to: Atomic<UInt32>.self) }
}

/// A set of numbers as bits; see `SparseArray`. Knows the range it has bits in.
final class NumberSet: @unchecked Sendable {
    private let words = SparseArray<UInt64>()
    private var first = Int.max
    private var last = -1
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    @inline(__always)
    func contains(_ number: UInt32) -> Bool { words[number >> 6] >> UInt64(number & 63) & 1 == 1 }

    /// True when it was not there yet.
    @inline(__always) @discardableResult
    func insert(_ number: UInt32) -> Bool {
        let index = number >> 6
        let bit: UInt64 = 1 << UInt64(number & 63)
        let word = words[index]
        guard word & bit == 0 else { return false }
        words[index] = word | bit
        count &+= 1
        if Int(index) < first { first = Int(index) }
        if Int(index) > last { last = Int(index) }
        return true
    }

    func remove(_ number: UInt32) {
        guard contains(number) else { return }
        words[number >> 6] &= ~(1 << UInt64(number & 63))
        count -= 1
    }

    func formUnion(_ other: NumberSet) { other.forEach { insert($0) } }

    /// Numbers in ascending order.
    func forEach<E: Error>(_ body: (UInt32) throws(E) -> Void) throws(E) {
        guard last >= 0 else { return }
        for index in first...last {
            var word = words[UInt32(index)]
            while word != 0 {
                try body(UInt32(index << 6 + word.trailingZeroBitCount))
                word &= word - 1
            }
        }
    }

    /// The first number that satisfies `isWanted`; nil when none does.
    func first(where isWanted: (UInt32) -> Bool) -> UInt32? {
        guard last >= 0 else { return nil }
        for index in first...last {
            var word = words[UInt32(index)]
            while word != 0 {
                let number = UInt32(index << 6 + word.trailingZeroBitCount)
                if isWanted(number) { return number }
                word &= word - 1
            }
        }
        return nil
    }
}
