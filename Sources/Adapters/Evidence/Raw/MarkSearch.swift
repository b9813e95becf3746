import DropCore
import Glibc
import SystemKit

/// Looks for reject marks in a file, block by block: almost no file has one, so this must cost little beside reading it.
struct MarkSearch {
    private static let blockBytes = 1 << 18
    /// A mark has at most 64 characters, of two bytes at most.
    private static let overlap = 256
    /// Column names stand within so many bytes, lines above them included.
    private static let headBytes = 1 << 16

    private(set) var drops: Set<DropID> = []
    /// The heading of the marks stands at the start of the file as a cell of its own. Only then are marks looked for that
    /// somebody wrote in small letters.
    private(set) var hasHeading = false

    init(_ descriptor: CInt, bytes: UInt64, name: String) throws(DropError) {
        var block = [UInt8](repeating: 0, count: Int(min(UInt64(Self.blockBytes), bytes)))
        var start: UInt64 = 0
        while start < bytes {
            let filled = try Storage.call("read", name) { () throws(SystemError) in
                try System.fill(&block, count: block.count, from: descriptor, at: start, name)
            }
            if start == 0 { hasHeading = Self.hasHeading(block.prefix(min(filled, Self.headBytes))) }
            look(block, filled)
            guard filled == Self.blockBytes else { return }
            start += UInt64(filled - Self.overlap)
        }
    }

    private mutating func look(_ block: [UInt8], _ count: Int) {
        let hasZeros = unsafe block.withUnsafeBytes { unsafe memchr($0.baseAddress!, 0, count) != nil }
        let prefix = RejectMark.prefix
        for prefix in hasHeading ? [prefix, prefix.lowercased()] : [prefix] {
            look(block, count, Array(prefix.utf8), width: 1)
            guard hasZeros else { continue }
            look(block, count, prefix.utf8.flatMap { [$0, 0] }, width: 2)
            look(block, count, prefix.utf8.flatMap { [0, $0] }, width: 2)
        }
    }

    /// Whether the heading stands in the text, in characters of any width, with nothing of a word beside it.
    private static func hasHeading(_ start: ArraySlice<UInt8>) -> Bool {
        let text = start.filter { $0 != 0 }.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
        let column = Array(RejectMark.column.utf8)
        func isWord(_ place: Int) -> Bool {
            guard text.indices.contains(place) else { return false }
            return text[place] &- 0x61 < 26 || text[place] &- 0x30 < 10 || text[place] == 0x5F || text[place] == 0x2D
        }
        var at = 0
        while let place = text[at...].firstIndex(of: column[0]) {
            at = place + 1
            guard text[place...].starts(with: column) else { continue }
            if !isWord(place - 1), !isWord(place + column.count) { return true }
        }
        return false
    }

    private mutating func look(_ block: [UInt8], _ count: Int, _ needle: [UInt8], width: Int) {
        // A zero is what wide text has most of.
        let lead = needle[0] == 0 ? 1 : 0
        var at = 0
        while at + needle.count <= count {
            let place = unsafe block.withUnsafeBytes { bytes in
                let base = unsafe bytes.baseAddress! + at + lead
                return unsafe memchr(base, CInt(needle[lead]), count - at - lead).map { unsafe UnsafeRawPointer($0) - base }
            }
            guard let place, at + place + needle.count <= count else { return }
            let found = at + place
            at = found + 1
            guard block[found..<found + needle.count].elementsEqual(needle) else { continue }
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
