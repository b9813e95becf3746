/// A keyed 128-bit hash of an identity. The key is random per process, so nobody can aim at a collision.
package struct IdentityHash: Hashable, Sendable {
    let high: UInt64
    let low: UInt64
}

/// 128 bits over all that an operation says, its id included; 0 is nobody's.
typealias Fingerprint = UInt128

/// The two keyed hashes of the store. Neither value is ever stored: both die with the process.
@safe struct KeyedHash: Sendable {
    private let key0: UInt64
    private let key1: UInt64
    private let secrets: Secrets

    /// Two for each half of a fingerprint, and one that ends it.
    typealias Secrets = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

    init() {
        var random = SystemRandomNumberGenerator()
        self.init(
            key0: random.next(), key1: random.next(),
            secrets: (
                random.next() | 1, random.next() | 1, random.next() | 1, random.next() | 1, random.next() | 1, random.next() | 1
            ))
    }

    /// A hash that is the same wherever the key is: for what leaves the process and comes back.
    init(_ key: UInt64) {
        self.init(key0: key, key1: key.byteSwapped ^ 0x7477_696E_6472_6F70, secrets: (1, 1, 1, 1, 1, 1))
    }

    init(key0: UInt64, key1: UInt64, secrets: Secrets) {
        self.key0 = key0
        self.key1 = key1
        self.secrets = secrets
    }

    /// SipHash-1-3 with 128 bits of output (Aumasson and Bernstein, 2012) over a twin's id.
    @inline(__always)
    func identity(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> IdentityHash {
        precondition(range.upperBound <= bytes.count)
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe sip(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[range]))
        }
    }

    func identity(_ bytes: [UInt8]) -> IdentityHash {
        unsafe bytes.withUnsafeBytes { unsafe sip($0) }
    }

    func identity(_ pointer: UnsafeRawPointer, _ count: Int) -> IdentityHash {
        unsafe sip(UnsafeRawBufferPointer(start: pointer, count: count))
    }

    private func sip(_ buffer: UnsafeRawBufferPointer) -> IdentityHash {
        var v0 = key0 ^ 0x736f_6d65_7073_6575
        var v1 = key1 ^ 0x646f_7261_6e64_6f6d ^ 0xee
        var v2 = key0 ^ 0x6c79_6765_6e65_7261
        var v3 = key1 ^ 0x7465_6462_7974_6573
        @inline(__always) func round() {
            v0 &+= v1
            v1 = v1 << 13 | v1 >> 51
            v1 ^= v0
            v0 = v0 << 32 | v0 >> 32
            v2 &+= v3
            v3 = v3 << 16 | v3 >> 48
            v3 ^= v2
            v0 &+= v3
            v3 = v3 << 21 | v3 >> 43
            v3 ^= v0
            v2 &+= v1
            v1 = v1 << 17 | v1 >> 47
            v1 ^= v2
            v2 = v2 << 32 | v2 >> 32
        }
        let count = buffer.count
        var at = 0
        while at + 8 <= count {
            let word = unsafe buffer.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            v3 ^= word
            round()
            v0 ^= word
            at += 8
        }
        var last = UInt64(truncatingIfNeeded: count) << 56
        var shift: UInt64 = 0
        while at < count {
            last |= unsafe UInt64(buffer[at]) << shift
            shift += 8
            at += 1
        }
        v3 ^= last
        round()
        v0 ^= last
        v2 ^= 0xee
        round()
        round()
        round()
        let high = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xdd
        round()
        round()
        round()
        return IdentityHash(high: high, low: v0 ^ v1 ^ v2 ^ v3)
    }

    /// The fingerprint of an operation's bytes within `seed` (the transform digest); never 0. Each half takes in every byte by
    /// folded 64 × 64 → 128 bit products with secret factors of its own (after wyhash, Wang Yi); both together cost half of what
    /// SipHash does on a row of 120 bytes.
    @inline(__always)
    func fingerprint(_ bytes: borrowing Span<UInt8>, verb: OperationVerbByte, _ range: Range<Int>, seed: UInt64) -> Fingerprint {
        precondition(range.upperBound <= bytes.count)
        return unsafe bytes.withUnsafeBufferPointer { buffer in
            let start = unsafe UnsafeRawPointer(buffer.baseAddress!) + range.lowerBound
            return unsafe folded(start, range.count, seed ^ UInt64(verb) &* 0x9E37_79B9_7F4A_7C15)
        }
    }

    typealias OperationVerbByte = UInt8

    /// A seed of a transform digest's bytes.
    func seed(of bytes: [UInt8]) -> UInt64 { identity(bytes).high }

    @inline(__always)
    private func folded(_ start: UnsafeRawPointer, _ count: Int, _ seed: UInt64) -> Fingerprint {
        var high = seed ^ secrets.4
        var low = seed ^ secrets.5
        var at = unsafe start
        var left = count
        while left > 16 {
            let first = unsafe Self.word(at)
            let second = unsafe Self.word(at + 8)
            high = Self.fold(first ^ secrets.0, second ^ high)
            low = Self.fold(first ^ secrets.1 ^ low, second ^ secrets.2)
            unsafe at += 16
            left -= 16
        }
        let (first, second) = unsafe Self.last(start, count)
        high = Self.fold(first ^ secrets.0, second ^ high)
        low = Self.fold(first ^ secrets.1 ^ low, second ^ secrets.2)
        let length = UInt64(truncatingIfNeeded: count)
        high = Self.fold(high ^ secrets.3, length ^ secrets.4)
        low = Self.fold(low ^ secrets.5, length ^ secrets.3)
        let result = UInt128(high) << 64 | UInt128(low)
        return result == 0 ? 1 : result
    }

    /// The last 16 of `count` bytes, or what there is of them: the length, which is taken in as well, tells the cases apart.
    @inline(__always)
    private static func last(_ start: UnsafeRawPointer, _ count: Int) -> (UInt64, UInt64) {
        if count >= 16 { return unsafe (word(start + (count - 16)), word(start + (count - 8))) }
        if count >= 8 { return unsafe (word(start), word(start + (count - 8))) }
        var rest: UInt64 = 0
        for index in 0..<count { rest |= unsafe UInt64(start.load(fromByteOffset: index, as: UInt8.self)) << UInt64(index * 8) }
        return (rest, 0)
    }

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    @inline(__always)
    private static func word(_ pointer: UnsafeRawPointer) -> UInt64 {
        unsafe pointer.loadUnaligned(as: UInt64.self)
    }
}
