/// A buffer for building bytes piece by piece. It is used again for the next record, without allocation when it is large enough.
@safe
public struct ByteScratch: ~Copyable {
    @usableFromInline var memory: UnsafeMutablePointer<UInt8>
    @usableFromInline var capacity: Int
    /// How many bytes it holds.
    public private(set) var count = 0

    public init(capacity: Int = 256) {
        unsafe memory = .allocate(capacity: max(16, capacity))
        self.capacity = max(16, capacity)
    }

    deinit { unsafe memory.deallocate() }

    /// Forgets the bytes, keeps the room.
    public mutating func removeAll() { count = 0 }

    /// Cuts back to the first `length` bytes.
    public mutating func truncate(to length: Int) { count = min(count, max(0, length)) }

    public mutating func append(_ byte: UInt8) {
        if count == capacity { grow(by: 1) }
        unsafe memory[count] = byte
        count += 1
    }

    public mutating func append(_ bytes: Bytes) {
        if capacity - count < bytes.count { grow(by: bytes.count) }
        unsafe (memory + count).update(from: bytes.start, count: bytes.count)
        count += bytes.count
    }

    public mutating func append(decimal number: UInt64) {
        if number >= 10 { append(decimal: number / 10) }
        append(UInt8(truncatingIfNeeded: number % 10) + 0x30)
    }

    /// Applies `change` to each byte from `start` on.
    public mutating func map(from start: Int, _ change: (UInt8) -> UInt8) {
        for index in start..<max(start, count) { unsafe memory[index] = change(memory[index]) }
    }

    /// What it holds from byte `start` on, valid until the next change of this value.
    public func bytes(from start: Int = 0) -> Bytes {
        unsafe Bytes(start: UnsafePointer(memory) + start, count: count - start)
    }

    private mutating func grow(by more: Int) {
        let larger = max(capacity * 2, count + more)
        let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        unsafe fresh.update(from: memory, count: count)
        unsafe memory.deallocate()
        unsafe memory = fresh
        capacity = larger
    }
}
