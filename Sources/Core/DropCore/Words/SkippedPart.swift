import CodecKit

/// What was left out of a file under one name: "header", "comment", "footer".
package struct SkippedPart: Sendable, Equatable {
    package let name: String
    /// How many pieces of the file.
    package var parts: UInt64
    package var bytes: UInt64
    /// Where the first piece starts.
    package let offset: UInt64

    package init(name: String, parts: UInt64, bytes: UInt64, offset: UInt64) {
        self.name = name
        self.parts = parts
        self.bytes = bytes
        self.offset = offset
    }

    /// How many names are counted separately; further names count as "other".
    static let namesMax = 16

    /// The spans of a file, counted by name in the order in which each name comes first.
    package static func counted(_ spans: [FileSpan]) -> [SkippedPart] {
        var counted: [SkippedPart] = []
        for span in spans { add(SkippedPart(name: span.name, parts: 1, bytes: span.length, offset: span.offset), to: &counted) }
        return counted
    }

    /// Adds a part to those of its name.
    static func add(_ part: SkippedPart, to counted: inout [SkippedPart]) {
        if let index = counted.firstIndex(where: { $0.name.utf8.elementsEqual(part.name.utf8) }) {
            counted[index].parts += part.parts
            counted[index].bytes &+= part.bytes
        } else if counted.count < namesMax {
            counted.append(part)
        } else if part.name.utf8.elementsEqual("other".utf8) {
            counted.append(part)
        } else {
            add(SkippedPart(name: "other", parts: part.parts, bytes: part.bytes, offset: part.offset), to: &counted)
        }
    }
}

extension [SkippedPart] {
    /// For people: "preamble (40 bytes), 2 comments …" as one line; empty if nothing was skipped.
    package var sentence: String {
        map { part in
            let times = part.parts == 1 ? "" : "\(part.parts) × "
            return "\(times)\(Escaping.visible(part.name, scalarsMax: 64)) (\(part.bytes) bytes)"
        }
        .joined(separator: ", ")
    }
}
