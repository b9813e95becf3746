package import DropCore

/// A glob over the bytes of a name: `*` any bytes, `?` one byte, `[a-z]` one of a set (`!` or `^` first: none of it), `\` makes
/// the next byte plain. Matching takes at most name × pattern steps, whatever the pattern (no backtracking but to the last star).
package struct NamePattern: Sendable, Equatable {
    private enum Piece: Sendable, Equatable {
        case byte(UInt8)
        case any
        case star
        case set([ClosedRange<UInt8>], negated: Bool)
    }

    /// As configured.
    package let text: String
    private let pieces: [Piece]

    package init(_ text: String) {
        self.text = text
        var pieces: [Piece] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "*"): if pieces.last != .star { pieces.append(.star) }
            case UInt8(ascii: "?"): pieces.append(.any)
            case UInt8(ascii: "\\"): pieces.append(.byte(rest.popFirst() ?? byte))
            case UInt8(ascii: "["): pieces.append(Self.set(&rest) ?? .byte(byte))
            default: pieces.append(.byte(byte))
            }
        }
        self.pieces = pieces
    }

    package func matches(_ name: FileName) -> Bool {
        let bytes = name.bytes
        var (at, piece) = (0, 0)
        var star: (piece: Int, at: Int)?
        while at < bytes.count {
            if piece < pieces.count, pieces[piece] == .star {
                star = (piece, at)
                piece += 1
            } else if piece < pieces.count, matches(pieces[piece], bytes[at]) {
                (at, piece) = (at + 1, piece + 1)
            } else if let last = star {
                star = (last.piece, last.at + 1)
                (at, piece) = (last.at + 1, last.piece + 1)
            } else {
                return false
            }
        }
        return pieces[piece...].allSatisfy { $0 == .star }
    }

    private func matches(_ piece: Piece, _ byte: UInt8) -> Bool {
        switch piece {
        case .byte(let wanted): wanted == byte
        case .any: true
        case .star: false
        case .set(let ranges, let negated): ranges.contains { $0.contains(byte) } != negated
        }
    }

    /// The set whose `[` was just read; nil, with nothing taken, when it is never closed.
    private static func set(_ rest: inout ArraySlice<UInt8>) -> Piece? {
        var body = rest
        let negated = body.first == UInt8(ascii: "!") || body.first == UInt8(ascii: "^")
        if negated { body.removeFirst() }
        var ranges: [ClosedRange<UInt8>] = []
        while let low = body.popFirst() {
            if low == UInt8(ascii: "]"), !ranges.isEmpty {
                rest = body
                return .set(ranges, negated: negated)
            }
            if body.first == UInt8(ascii: "-"), let high = body.dropFirst().first, high != UInt8(ascii: "]") {
                body.removeFirst(2)
                if low <= high { ranges.append(low...high) } else { ranges.append(high...low) }
            } else {
                ranges.append(low...low)
            }
        }
        return nil
    }
}
