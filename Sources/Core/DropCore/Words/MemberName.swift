/// The names that DTDL allows for members of a model. A source may not set a name that no model can have.
package enum MemberName {
    package enum Kind: Sendable, Equatable {
        /// A property or a relationship.
        case name
        /// `component/property`.
        case path
        /// Anything else: a model id, or a name that may not be.
        case other
    }

    /// Letters, digits and `_`, a letter first and no `_` last, at most 512 bytes; with one `/` between two of them, a path.
    package static func kind(of text: String) -> Kind {
        var kind = Kind.name
        var (length, last) = (0, UInt8(ascii: "_"))
        for byte in text.utf8 {
            if byte == UInt8(ascii: "/") {
                guard kind == .name, last != UInt8(ascii: "_") else { return .other }
                (kind, length, last) = (.path, 0, UInt8(ascii: "_"))
                continue
            }
            let mayFollow = length > 0 && (byte &- 0x30 < 10 || byte == UInt8(ascii: "_"))
            guard isLetter(byte) || mayFollow, length < 512 else { return .other }
            length += 1
            last = byte
        }
        return last == UInt8(ascii: "_") ? .other : kind
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
}
