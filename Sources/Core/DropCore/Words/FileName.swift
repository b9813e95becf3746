import CodecKit

/// The name a sender gave a file: bytes as the file system has them, never used as a path of ours.
package struct FileName: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The bytes of one path component, without `/` and NUL.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }

    package init(_ text: String) { self.init(bytes: Array(text.utf8)) }

    /// By their bytes.
    package static func < (left: FileName, right: FileName) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }

    /// The name as people may see it: valid UTF-8, with control, bidirectional, invisible and undecodable characters and the
    /// backslash as `\u{…}` or `\x…`. Different names have different texts.
    package var description: String { Escaping.visible(bytes) }

    /// The drop whose refused records the file has, by its name. The name contains the id of a drop and `reject`, in any order
    /// and case, with anything around them, because people, browsers and mailers change names. Nil for the list of reasons.
    package static func amendedDrop(in name: FileName) -> DropID? {
        // A byte of `reject` that few names have tells most of them.
        guard name.bytes.contains(where: { $0 | 0x20 == UInt8(ascii: "j") }) else { return nil }
        let text = String(decoding: name.bytes, as: UTF8.self).lowercased()
        guard text.contains("reject"), !text.contains("rejects.reasons") else { return nil }
        // The characters beside an id are none that could be part of it.
        return text.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.lazy.compactMap { DropID($0) }.first
    }

    /// The part after the last dot, lower case, if it is plain ASCII; otherwise empty.
    package var pathExtension: String {
        guard let dot = bytes.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return "" }
        let tail = bytes[(dot + 1)...]
        guard tail.count <= 16, tail.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || (0x30...0x39).contains($0) })
        else { return "" }
        return String(decoding: tail, as: UTF8.self).lowercased()
    }
}
