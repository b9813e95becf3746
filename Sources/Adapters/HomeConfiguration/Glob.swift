/// A name pattern: `*` any bytes, `?` one byte, `[a-z]` and `[!a-z]` one byte of a set, `\` makes the next byte plain, everything
/// else is itself. Case counts. The watcher matches by the same rules.
package struct Glob: Sendable, Equatable {
    private enum Token: Equatable {
        case any
        case one(Set<UInt8>)
    }

    package let text: String
    private let tokens: [Token]

    /// Nil where a `[` is not closed, a `\` is last, a set is empty or turned round, or the pattern is empty, has a `/`, or over
    /// 255 bytes.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (1...255).contains(bytes.count), !bytes.contains(UInt8(ascii: "/")) else { return nil }
        var tokens: [Token] = []
        var at = 0
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "*"):
                if tokens.last != .any { tokens.append(.any) }
                at += 1
            case UInt8(ascii: "?"):
                tokens.append(.one(Set(UInt8.min...UInt8.max)))
                at += 1
            case UInt8(ascii: "["):
                guard let (set, end) = Self.set(bytes, from: at + 1) else { return nil }
                tokens.append(.one(set))
                at = end
            case UInt8(ascii: "\\"):
                guard at + 1 < bytes.count else { return nil }
                tokens.append(.one([bytes[at + 1]]))
                at += 2
            default:
                tokens.append(.one([bytes[at]]))
                at += 1
            }
        }
        self.text = text
        self.tokens = tokens
    }

    /// Whether some name fits both patterns.
    package func overlaps(_ other: Glob) -> Bool {
        // reachable[i][j]: some text brings this pattern to token i and the other to token j.
        var seen = Set<[Int]>()
        var open = [[0, 0]]
        while let state = open.popLast() {
            guard seen.insert(state).inserted else { continue }
            let (i, j) = (state[0], state[1])
            if i == tokens.count, j == other.tokens.count { return true }
            let left = i < tokens.count ? tokens[i] : nil
            let right = j < other.tokens.count ? other.tokens[j] : nil
            if left == .any { open.append([i + 1, j]) }
            if right == .any { open.append([i, j + 1]) }
            switch (left, right) {
            case (.any?, .one?): open.append([i, j + 1])
            case (.one?, .any?): open.append([i + 1, j])
            case (.one(let a)?, .one(let b)?): if !a.isDisjoint(with: b) { open.append([i + 1, j + 1]) }
            default: break
            }
        }
        return false
    }

    /// The set that starts after `[`, and the index after its `]`.
    private static func set(_ bytes: [UInt8], from start: Int) -> (Set<UInt8>, Int)? {
        var at = start
        let negated = at < bytes.count && (bytes[at] == UInt8(ascii: "!") || bytes[at] == UInt8(ascii: "^"))
        if negated { at += 1 }
        var set: Set<UInt8> = []
        let first = at
        while at < bytes.count, bytes[at] != UInt8(ascii: "]") || at == first {
            if at + 2 < bytes.count, bytes[at + 1] == UInt8(ascii: "-"), bytes[at + 2] != UInt8(ascii: "]") {
                guard bytes[at] <= bytes[at + 2] else { return nil }
                set.formUnion(bytes[at]...bytes[at + 2])
                at += 3
            } else {
                set.insert(bytes[at])
                at += 1
            }
        }
        guard at < bytes.count, !set.isEmpty else { return nil }
        return (negated ? Set(UInt8.min...UInt8.max).subtracting(set) : set, at + 1)
    }
}
