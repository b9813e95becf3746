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
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy(isName) else { return .other }
        return parts.count == 1 ? .name : .path
    }

    private static func isName(_ text: Substring.UTF8View) -> Bool {
        guard let first = text.first, let last = text.last, text.count <= 512, isLetter(first) else { return false }
        return last != UInt8(ascii: "_") && text.allSatisfy { isLetter($0) || $0 &- 0x30 < 10 || $0 == UInt8(ascii: "_") }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
}
