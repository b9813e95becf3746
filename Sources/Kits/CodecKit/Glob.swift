/// A pattern of names, by bytes: `*` any bytes, `?` one byte, `[a-z]` one of a set (`!` or `^` first: one that is not in it), `\`
/// makes the next byte plain, everything else is itself. Case counts.
///
/// Every text is a pattern: an incomplete set, or a `\` at the end, matches itself. `init(checking:)` refuses such texts.
package struct Glob: Sendable, Equatable {
    private enum Token: Sendable, Equatable {
        case star
        case one(ByteSet)
    }

    /// As it was written.
    package let text: String
    private let tokens: [Token]

    package init(_ text: String) {
        var isWhole = true
        self.init(text, &isWhole)
    }

    /// Nil if a `[` is not closed, a `\` is last, a range is turned round, or the pattern is empty, has a `/`, or over 255
    /// bytes.
    package init?(checking text: String) {
        guard (1...255).contains(text.utf8.count), !text.utf8.contains(UInt8(ascii: "/")) else { return nil }
        var isWhole = true
        self.init(text, &isWhole)
        guard isWhole else { return nil }
    }

    private init(_ text: String, _ isWhole: inout Bool) {
        self.text = text
        var tokens: [Token] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "*"): if tokens.last != .star { tokens.append(.star) }
            case UInt8(ascii: "?"): tokens.append(.one(.all))
            case UInt8(ascii: "\\"):
                if rest.isEmpty { isWhole = false }
                tokens.append(.one(ByteSet(rest.popFirst() ?? byte)))
            case UInt8(ascii: "["):
                if let set = Self.set(&rest, &isWhole) {
                    tokens.append(.one(set))
                } else {
                    isWhole = false
                    tokens.append(.one(ByteSet(byte)))
                }
            default: tokens.append(.one(ByteSet(byte)))
            }
        }
        self.tokens = tokens
    }

    /// Whether `bytes` as a whole fit. Takes at most name × pattern steps: it goes back to the last star only.
    package func matches(_ bytes: [UInt8]) -> Bool {
        var (at, token) = (0, 0)
        var star: (token: Int, at: Int)?
        while at < bytes.count {
            if token < tokens.count, tokens[token] == .star {
                star = (token, at)
                token += 1
            } else if token < tokens.count, case .one(let set) = tokens[token], set.contains(bytes[at]) {
                (at, token) = (at + 1, token + 1)
            } else if let last = star {
                star = (last.token, last.at + 1)
                (at, token) = (last.at + 1, last.token + 1)
            } else {
                return false
            }
        }
        return tokens[token...].allSatisfy { $0 == .star }
    }

    /// Whether some name fits both patterns.
    package func overlaps(_ other: Glob) -> Bool {
        // Pairs of places that both patterns can reach with the same text.
        var seen = Set<[Int]>()
        var open = [[0, 0]]
        while let state = open.popLast() {
            guard seen.insert(state).inserted else { continue }
            let (i, j) = (state[0], state[1])
            if i == tokens.count, j == other.tokens.count { return true }
            let left = i < tokens.count ? tokens[i] : nil
            let right = j < other.tokens.count ? other.tokens[j] : nil
            if left == .star { open.append([i + 1, j]) }
            if right == .star { open.append([i, j + 1]) }
            switch (left, right) {
            case (.star?, .one?): open.append([i, j + 1])
            case (.one?, .star?): open.append([i + 1, j])
            case (.one(let a)?, .one(let b)?): if !a.isDisjoint(with: b) { open.append([i + 1, j + 1]) }
            default: break
            }
        }
        return false
    }

    /// The set whose `[` was just read; nil, with nothing taken, when it is never closed. A `]` at its start belongs to the set.
    private static func set(_ rest: inout ArraySlice<UInt8>, _ isWhole: inout Bool) -> ByteSet? {
        var body = rest
        let negated = body.first == UInt8(ascii: "!") || body.first == UInt8(ascii: "^")
        if negated { body.removeFirst() }
        var set = ByteSet()
        var isTurned = false
        while let low = body.popFirst() {
            if low == UInt8(ascii: "]"), set != ByteSet() {
                rest = body
                if isTurned { isWhole = false }
                return negated ? set.inverted : set
            }
            if body.first == UInt8(ascii: "-"), let high = body.dropFirst().first, high != UInt8(ascii: "]") {
                body.removeFirst(2)
                if low > high { isTurned = true }
                for byte in min(low, high)...max(low, high) { set.insert(byte) }
            } else {
                set.insert(low)
            }
        }
        return nil
    }
}

/// A set of bytes: one bit for each.
private struct ByteSet: Sendable, Equatable {
    private var words: (UInt64, UInt64, UInt64, UInt64)

    init() { words = (0, 0, 0, 0) }

    init(_ byte: UInt8) {
        self.init()
        insert(byte)
    }

    static var all: ByteSet { ByteSet().inverted }

    mutating func insert(_ byte: UInt8) {
        let bit = UInt64(1) << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: words.0 |= bit
        case 1: words.1 |= bit
        case 2: words.2 |= bit
        default: words.3 |= bit
        }
    }

    func contains(_ byte: UInt8) -> Bool {
        let word =
            switch byte >> 6 {
            case 0: words.0
            case 1: words.1
            case 2: words.2
            default: words.3
            }
        return word >> UInt64(byte & 63) & 1 == 1
    }

    var inverted: ByteSet {
        var set = ByteSet()
        set.words = (~words.0, ~words.1, ~words.2, ~words.3)
        return set
    }

    func isDisjoint(with other: ByteSet) -> Bool {
        words.0 & other.words.0 | words.1 & other.words.1 | words.2 & other.words.2 | words.3 & other.words.3 == 0
    }

    static func == (left: ByteSet, right: ByteSet) -> Bool { left.words == right.words }
}
