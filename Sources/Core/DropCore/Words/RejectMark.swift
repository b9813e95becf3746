import CodecKit

/// The extra cell of a refused record in the file of rejects: it says which record of which drop this is.
///
/// Its text is `TDR-ULID-RECORD-CHECK`: the drop, the number of the record in that drop's file, and eight hexadecimal digits that
/// find a mark which somebody changed. No spreadsheet takes it for a number, a date or a formula.
package struct RejectMark: Sendable, Hashable, CustomStringConvertible {
    /// The heading of the marks' column.
    package static let column = "twindrop_reject"
    /// How every mark begins.
    package static let prefix = "TDR-"

    package let drop: DropID
    /// From 1.
    package let record: UInt64

    package init(drop: DropID, record: UInt64) {
        self.drop = drop
        self.record = record
    }

    /// The mark that makes up all of `text`, in either case, with blanks around it allowed; nil if it is not a mark, or was
    /// changed.
    package init?(_ text: some Collection<UInt8>) {
        let trimmed = text.drop { $0 == 0x20 }
        let word = Array(trimmed.prefix { $0 != 0x20 })
        guard trimmed.dropFirst(word.count).allSatisfy({ $0 == 0x20 }) else { return nil }
        let parts = String(decoding: word, as: UTF8.self).uppercased().split(separator: "-", omittingEmptySubsequences: false)
        guard word.count < 64, parts.count == 4, parts[0] + "-" == Self.prefix, let drop = DropID(parts[1]),
            let record = UInt64(parts[2]), record > 0
        else { return nil }
        self.init(drop: drop, record: record)
        guard description.hasSuffix("-" + parts[3]) else { return nil }
    }

    package var description: String {
        let text = "\(Self.prefix)\(drop)-\(record)"
        // FNV-1a, 32 bits: it finds a changed digit, and need not be secret.
        let check = text.utf8.reduce(UInt32(0x811C_9DC5)) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        return text + "-" + Hex.text(check).uppercased()
    }

    /// Where marks may begin in `bytes`, in either case, judged by the prefix only.
    package static func places(in bytes: [UInt8]) -> [Int] {
        let prefix = Array(prefix.utf8)
        return bytes.indices.dropLast(prefix.count - 1).filter { place in
            guard bytes[place] & 0xDF == prefix[0] else { return false }
            return prefix.indices.allSatisfy { index in
                let byte = bytes[place + index]
                return (byte &- 0x61 < 26 ? byte & 0xDF : byte) == prefix[index]
            }
        }
    }
}
