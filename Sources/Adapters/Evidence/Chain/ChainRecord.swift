import CodecKit
import DropCore
import TwinModel

/// One record of the chain (docs/archive-format.md): its text is canonical JSON (RFC 8785), so equal records have equal bytes.
struct ChainRecord: Equatable {
    /// What a record says happened. Kinds of notes are open: a reader keeps what it does not know.
    struct Kind: Hashable {
        let text: String

        static let archive = Self(text: "archive")
        static let container = Self(text: "container")
        static let clock = Self(text: "clock")
        static let removed = Self(text: "removed")
        /// What a person did.
        static let act = Self(text: "act")
        /// Kinds that close a drop; a drop has exactly one such record.
        static let closing: Set<String> = ["applied", "duplicate", "quarantined", "discarded"]

        var closesDrop: Bool { Self.closing.contains(text) }
    }

    /// Its place in the chain, from 0.
    var index: UInt64
    var at: UTCTime
    var kind: Kind
    /// Leaf hash of the record before it; of the first, 32 zero bytes.
    var previous: ContentDigest

    /// Of a container: its compressed bytes. Of a drop: its bytes as dropped.
    var bytes: UInt64?
    /// `2026/11/21/000001.tar.zst`
    var container: String?
    /// SHA-256 of the drop's bytes.
    var content: ContentDigest?
    /// How many drops the container closes.
    var drops: UInt64?
    var extra: JSON?
    /// The sender's name for the file, escaped.
    var file: String?
    /// SHA-256 of the drop's header member.
    var header: ContentDigest?
    var drop: DropID?
    var member: String?
    /// The earlier drop that holds the same bytes, if they are not stored again.
    var same: DropID?
    /// SHA-256 of the compressed container.
    var sha256: ContentDigest?
    var source: SourceName?

    init(index: UInt64, at: UTCTime, kind: Kind, previous: ContentDigest) {
        self.index = index
        self.at = at
        self.kind = kind
        self.previous = previous
    }

    /// The value of `previous` in the first record.
    static let origin = ContentDigest(bytes: [UInt8](repeating: 0, count: 32))

    /// The record's text, without the line around it.
    var text: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(512)
        var writer = FieldWriter(out: out)
        writer.string("at", at.bytes)
        if let bytes { writer.number("bytes", bytes) }
        if let container { writer.string("container", container.utf8) }
        if let content { writer.digest("content", content) }
        if let drops { writer.number("drops", drops) }
        if let extra { writer.raw("extra", extra.text(.canonical).utf8) }
        if let file { writer.string("file", file.utf8) }
        if let header { writer.digest("header", header) }
        writer.number("i", index)
        if let drop { writer.string("id", drop.description.utf8) }
        writer.string("kind", kind.text.utf8)
        if let member { writer.string("member", member.utf8) }
        writer.digest("prev", previous)
        if let same { writer.string("same", same.description.utf8) }
        if let sha256 { writer.digest("sha256", sha256) }
        if let source { writer.string("source", source.text.utf8) }
        out = writer.finished()
        return out
    }

    /// The line of `chain.log`: `LLLLLL CCCCCCCC TEXT\n`, L the decimal length of the text in bytes, C its CRC-32C in
    /// hexadecimal.
    static func line(_ text: [UInt8]) -> [UInt8] {
        precondition(text.count <= ChainLine.textBytesMax, "a chain record has at most \(ChainLine.textBytesMax) bytes")
        return ChainLine.prefix(of: text[...]) + text + [UInt8(ascii: "\n")]
    }
}

/// The line around a record.
enum ChainLine {
    static let prefixBytes = 16
    static let textBytesMax = 65_536

    static func prefix(of text: ArraySlice<UInt8>) -> [UInt8] {
        var prefix = [UInt8](repeating: UInt8(ascii: "0"), count: prefixBytes)
        var length = text.count
        for index in stride(from: 5, through: 0, by: -1) {
            prefix[index] += UInt8(length % 10)
            length /= 10
        }
        prefix[6] = UInt8(ascii: " ")
        var crc = CRC32C.checksum(text)
        for index in stride(from: 14, through: 7, by: -1) {
            prefix[index] = Hex.digit(UInt8(truncatingIfNeeded: crc))
            crc >>= 4
        }
        prefix[15] = UInt8(ascii: " ")
        return prefix
    }

    /// The text within a line that was given without its newline; nil where length or checksum do not fit.
    static func text(of line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard line.count > prefixBytes, line.count <= prefixBytes + textBytesMax else { return nil }
        let text = line.dropFirst(prefixBytes)
        return line.prefix(prefixBytes).elementsEqual(prefix(of: text)) ? text : nil
    }

    /// The leaf hash of the whole record whose line ends at `end`; nil if none does.
    static func leaf(endingAt end: UInt64, in file: StorageFile) throws(DropError) -> ContentDigest? {
        let window = min(end, UInt64(textBytesMax + prefixBytes + 2))
        var bytes = [UInt8](repeating: 0, count: Int(window))
        guard try file.read(into: &bytes, at: end - window) == bytes.count, bytes.last == UInt8(ascii: "\n") else { return nil }
        bytes.removeLast()
        let start = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return text(of: bytes[start...]).map { MerkleTree.leaf($0) }
    }
}

/// Writes the members of one JSON object in the order given, which the caller keeps canonical.
struct FieldWriter {
    private var out: [UInt8]

    init(out: [UInt8] = []) {
        self.out = out
        self.out.append(UInt8(ascii: "{"))
    }

    mutating func string(_ name: StaticString, _ value: some Sequence<UInt8>) {
        start(name)
        out.append(UInt8(ascii: "\""))
        for byte in value {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                out.append(UInt8(ascii: "\\"))
                out.append(byte)
            case ..<0x20:
                // Names, ids and escaped texts have no control characters; RFC 8785's short escapes are not needed.
                preconditionFailure("texts in the chain are escaped before")
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }

    mutating func digest(_ name: StaticString, _ value: ContentDigest) {
        start(name)
        out.append(UInt8(ascii: "\""))
        Hex.append(value.bytes, to: &out)
        out.append(UInt8(ascii: "\""))
    }

    mutating func number(_ name: StaticString, _ value: UInt64) { raw(name, String(value).utf8) }

    mutating func raw(_ name: StaticString, _ value: some Sequence<UInt8>) {
        start(name)
        out.append(contentsOf: value)
    }

    consuming func finished() -> [UInt8] {
        out.append(UInt8(ascii: "}"))
        return out
    }

    private mutating func start(_ name: StaticString) {
        if out.count > 1 { out.append(UInt8(ascii: ",")) }
        out.append(UInt8(ascii: "\""))
        out.append(contentsOf: name.description.utf8)
        out.append(UInt8(ascii: "\""))
        out.append(UInt8(ascii: ":"))
    }
}
