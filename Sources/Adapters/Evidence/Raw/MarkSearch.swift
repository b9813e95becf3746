import DropCore
import Glibc
import SystemKit

/// Looks for reject marks in a file, block by block. Almost no file has one, so this must cost little compared with reading.
struct MarkSearch {
    private static let blockBytes = 1 << 18
    /// A mark has at most 64 characters, of two bytes at most.
    private static let overlap = 256
    /// The column names, with the lines above them, are within this many bytes.
    private static let headBytes = 1 << 16

    private(set) var drops: Set<DropID> = []
    /// Whether the heading of the marks is a cell near the start of the file. Only then does the search include marks in small
    /// letters.
    private(set) var hasHeading = false

    init(_ descriptor: CInt, bytes: UInt64, name: FileName) throws(DropError) {
        var block = [UInt8](repeating: 0, count: Int(min(UInt64(Self.blockBytes), bytes)))
        var start: UInt64 = 0
        while start < bytes {
            let filled = try Storage.call("read", name.description) { () throws(SystemError) in
                try System.fill(&block, count: block.count, from: descriptor, at: start, name.description)
            }
            if start == 0 { hasHeading = Self.hasHeading(block, min(filled, Self.headBytes)) }
            look(block, filled)
            guard filled == Self.blockBytes else { return }
            start += UInt64(filled - Self.overlap)
        }
    }

    private static let column = Array(RejectMark.column.utf8)
    private static let prefix = Array(RejectMark.prefix.utf8)
    private static let smallPrefix = Array(RejectMark.prefix.lowercased().utf8)

    private static func has(_ byte: UInt8, _ bytes: ArraySlice<UInt8>) -> Bool {
        unsafe bytes.withUnsafeBytes { unsafe !$0.isEmpty && memchr($0.baseAddress!, CInt(byte), $0.count) != nil }
    }

    private mutating func look(_ block: [UInt8], _ count: Int) {
        let hasZeros = Self.has(0, block[..<count])
        for prefix in hasHeading ? [Self.prefix, Self.smallPrefix] : [Self.prefix] {
            look(block, count, prefix, width: 1)
            guard hasZeros else { continue }
            look(block, count, prefix.flatMap { [$0, 0] }, width: 2)
            look(block, count, prefix.flatMap { [0, $0] }, width: 2)
        }
    }

    /// Whether the heading is in the text, in characters of any width, as a separate word. The search begins at its underscore,
    /// which few files have.
    private static func hasHeading(_ block: [UInt8], _ filled: Int) -> Bool {
        let mark = UInt8(ascii: "_")
        guard has(mark, block[..<filled]), let offset = column.firstIndex(of: mark) else { return false }
        let isWide = has(0, block[..<filled])
        let text = isWide ? block[..<filled].filter { $0 != 0 } : block
        let count = isWide ? text.count : filled
        let needle = [mark]
        func lowered(_ place: Int) -> UInt8 { text[place] &- 0x41 < 26 ? text[place] | 0x20 : text[place] }
        func isWord(_ place: Int) -> Bool {
            guard place >= 0, place < count else { return false }
            let byte = lowered(place)
            return byte &- 0x61 < 26 || byte &- 0x30 < 10 || byte == mark || byte == UInt8(ascii: "-")
        }
        var from = 0
        while let place = ByteSearch.first(needle, in: text, count: count, from: from) {
            from = place + 1
            let first = place - offset
            guard first >= 0, first + column.count <= count else { continue }
            guard column.indices.allSatisfy({ lowered(first + $0) == column[$0] }) else { continue }
            if !isWord(first - 1), !isWord(first + column.count) { return true }
        }
        return false
    }

    private mutating func look(_ block: [UInt8], _ count: Int, _ needle: [UInt8], width: Int) {
        var at = 0
        while let found = ByteSearch.first(needle, in: block, count: count, from: at) {
            at = found + 1
            // Of a wide character the byte that is not zero.
            let first = width == 1 || needle[0] != 0 ? found : found + 1
            let id = stride(from: first + 4 * width, to: min(count, first + 30 * width), by: width).map { block[$0] }
            let next = first + 30 * width
            guard id.count == 26, next < count, block[next] == UInt8(ascii: "-"),
                let drop = DropID(String(decoding: id, as: UTF8.self).uppercased())
            else { continue }
            drops.insert(drop)
        }
    }
}
