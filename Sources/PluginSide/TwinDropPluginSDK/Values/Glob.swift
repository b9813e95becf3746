/// A pattern of names and lines: `*` matches any bytes, `?` one byte, everything else itself.
///
/// It differs from CodecKit's Glob on purpose: in rows of a table `[` and `\` are ordinary, and case may be ignored.
public struct Glob: Sendable, Equatable {
    private let pattern: [UInt8]
    private let ignoresCase: Bool

    public init(_ text: String, ignoringCase: Bool = false) {
        let kept = Bytes(kept: text)
        defer { kept.freeKept() }
        pattern = ignoringCase ? kept.folded : kept.array
        ignoresCase = ignoringCase
    }

    /// Whether text that starts with this byte can fit.
    func mayStart(with byte: UInt8) -> Bool {
        guard let first = pattern.first else { return false }
        return first == UInt8(ascii: "*") || first == UInt8(ascii: "?") || same(first, byte)
    }

    /// True when `bytes` as a whole fit. Linear in practice: a star never gives back more than the last one took.
    public func matches(_ bytes: Bytes) -> Bool {
        guard ignoresCase, !bytes.isASCII else { return matches(bytes.count) { bytes[$0] } }
        let folded = bytes.folded
        return matches(folded.count) { folded[$0] }
    }

    @inline(__always)
    private func matches(_ count: Int, _ byte: (Int) -> UInt8) -> Bool {
        var patternIndex = 0
        var index = 0
        var star = -1
        var starIndex = 0
        while index < count {
            if patternIndex < pattern.count, pattern[patternIndex] == UInt8(ascii: "*") {
                star = patternIndex
                starIndex = index
                patternIndex += 1
            } else if patternIndex < pattern.count,
                pattern[patternIndex] == UInt8(ascii: "?") || same(pattern[patternIndex], byte(index))
            {
                patternIndex += 1
                index += 1
            } else if star >= 0 {
                starIndex += 1
                index = starIndex
                patternIndex = star + 1
            } else {
                return false
            }
        }
        while patternIndex < pattern.count, pattern[patternIndex] == UInt8(ascii: "*") { patternIndex += 1 }
        return patternIndex == pattern.count
    }

    private func same(_ left: UInt8, _ right: UInt8) -> Bool {
        left == right || ignoresCase && left == Bytes.lowered(right)
    }
}
