import CodecKit
import DropCore
import TwinModel

extension ChainRecord {
    /// Reads a record's text; nil unless it is exactly what `text` writes: canonical, known members, well-formed values.
    init?(parsing text: ArraySlice<UInt8>) {
        var fields = FieldReader(text)
        guard let at = fields.string("at").flatMap({ UTCTime($0) }) else { return nil }
        let bytes = fields.number("bytes")
        let container = fields.text("container")
        let content = fields.digest("content")
        let drops = fields.number("drops")
        let extra = fields.json("extra")
        let file = fields.text("file")
        let header = fields.digest("header")
        guard let index = fields.number("i") else { return nil }
        let drop = fields.string("id").flatMap { DropID(String(decoding: $0, as: UTF8.self)) }
        guard let kind = fields.text("kind") else { return nil }
        let member = fields.text("member")
        guard let previous = fields.digest("prev") else { return nil }
        let same = fields.string("same").flatMap { DropID(String(decoding: $0, as: UTF8.self)) }
        let sha256 = fields.digest("sha256")
        let source = fields.text("source").flatMap { SourceName($0) }
        guard fields.isAtEnd else { return nil }

        self.init(index: index, at: at, kind: Kind(text: kind), previous: previous)
        self.bytes = bytes
        self.container = container
        self.content = content
        self.drops = drops
        self.extra = extra
        self.file = file
        self.header = header
        self.drop = drop
        self.member = member
        self.same = same
        self.sha256 = sha256
        self.source = source
        // A malformed optional value was read as absent: then the text differs.
        guard self.text.elementsEqual(text) else { return nil }
    }
}

/// Reads the members of one JSON object that `FieldWriter` wrote, in order; absent ones are nil.
private struct FieldReader {
    private let bytes: ArraySlice<UInt8>
    private var at: Int
    private var isFirst = true

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
        if bytes.first == UInt8(ascii: "{") { at += 1 } else { at = bytes.endIndex }
    }

    var isAtEnd: Bool { at == bytes.endIndex - 1 && bytes[at] == UInt8(ascii: "}") }

    mutating func string(_ name: StaticString) -> [UInt8]? {
        guard start(name), take(UInt8(ascii: "\"")) else { return nil }
        var out: [UInt8] = []
        while at < bytes.endIndex {
            let byte = bytes[at]
            at += 1
            if byte == UInt8(ascii: "\"") { return out }
            if byte == UInt8(ascii: "\\") {
                guard at < bytes.endIndex else { return nil }
                out.append(bytes[at])
                at += 1
            } else {
                out.append(byte)
            }
        }
        return nil
    }

    mutating func text(_ name: StaticString) -> String? {
        string(name).flatMap { String(validating: $0, as: UTF8.self) }
    }

    mutating func digest(_ name: StaticString) -> ContentDigest? {
        guard let digits = string(name), digits.count == 64 else { return nil }
        var out = [UInt8](repeating: 0, count: 32)
        for index in 0..<32 {
            guard let high = value(digits[2 * index]), let low = value(digits[2 * index + 1]) else { return nil }
            out[index] = high << 4 | low
        }
        return ContentDigest(bytes: out)
    }

    mutating func number(_ name: StaticString) -> UInt64? {
        guard start(name) else { return nil }
        var value: UInt64 = 0
        let first = at
        while at < bytes.endIndex, (0x30...0x39).contains(bytes[at]) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[at] - 0x30))
            guard !overflow, !carry else { return nil }
            value = sum
            at += 1
        }
        return at > first ? value : nil
    }

    /// An object; its end is found by its brackets, outside of strings.
    mutating func json(_ name: StaticString) -> JSON? {
        guard start(name), at < bytes.endIndex, bytes[at] == UInt8(ascii: "{") else { return nil }
        let first = at
        var depth = 0
        var inString = false
        while at < bytes.endIndex {
            let byte = bytes[at]
            at += 1
            switch (byte, inString) {
            case (UInt8(ascii: "\\"), true): at += 1
            case (UInt8(ascii: "\""), _): inString.toggle()
            case (UInt8(ascii: "{"), false): depth += 1
            case (UInt8(ascii: "}"), false): depth -= 1
            default: break
            }
            // Text that is not JSON reads as absent; the caller's comparison then refuses the record.
            if depth == 0 { return at <= bytes.endIndex ? try? JSON(parsing: Array(bytes[first..<at])) : nil }
        }
        return nil
    }

    private func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x57
        default: nil
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard at < bytes.endIndex, bytes[at] == byte else { return false }
        at += 1
        return true
    }

    /// Goes past `name` and its colon if they are next.
    private mutating func start(_ name: StaticString) -> Bool {
        var position = at
        if !isFirst {
            guard position < bytes.endIndex, bytes[position] == UInt8(ascii: ",") else { return false }
            position += 1
        }
        let expected = name.utf8CodeUnitCount + 3
        guard bytes.endIndex - position >= expected, bytes[position] == UInt8(ascii: "\"") else { return false }
        position += 1
        for byte in name.description.utf8 {
            guard bytes[position] == byte else { return false }
            position += 1
        }
        guard bytes[position] == UInt8(ascii: "\""), bytes[position + 1] == UInt8(ascii: ":") else { return false }
        at = position + 2
        isFirst = false
        return true
    }
}
