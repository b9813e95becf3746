/// A JSON value that knows where it is in its text, and keeps numbers as they were written.
///
/// Model documents are read with it, so that an error can name a line, and `-0` and `2.0` are not taken for `0` and `2`.
package struct JSONNode: Sendable, Equatable {
    /// The kinds of value.
    package enum Value: Sendable, Equatable {
        case null
        case bool(Bool)
        /// The digits as they were written.
        case number(String)
        case string(String)
        case array([JSONNode])
        case object([Member])
    }

    /// One member of an object, in the order of the text.
    package struct Member: Sendable, Equatable {
        /// Without its escapes.
        package let name: String
        /// Byte offset of the opening quote of the name.
        package let nameStart: Int
        /// What it holds.
        package let value: JSONNode
    }

    /// What it is.
    package let value: Value
    /// Byte offsets in the text: the first byte of the value, and the one after its last.
    package let range: Range<Int>

    /// The string, where this is one.
    package var string: String? {
        if case .string(let text) = value { text } else { nil }
    }

    /// The elements, if this is an array.
    package var elements: [JSONNode]? {
        if case .array(let elements) = value { elements } else { nil }
    }

    /// The members, if this is an object.
    package var members: [Member]? {
        if case .object(let members) = value { members } else { nil }
    }

    /// The value of the member `name`, compared byte by byte; nil if this is not an object or has no such member.
    package subscript(name: String) -> JSONNode? {
        members?.first { $0.name.isSame(as: name) }?.value
    }

    /// This value without its place. A number that no 64-bit integer holds becomes a double; one beyond a double becomes null.
    package var json: JSON {
        switch value {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .number(let text):
            if let number = Int64(text) { return .int(number) }
            guard let number = Double(text), number.isFinite else { return .null }
            return .double(number)
        case .string(let text): return .string(text)
        case .array(let elements): return .array(elements.map(\.json))
        case .object(let members): return .object(members.map { JSON.Member($0.name, $0.value.json) })
        }
    }
}

extension String {
    /// Equality of bytes: `==` would take two spellings of one accented letter for the same name.
    func isSame(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

/// A place in a text, counted for people.
package struct TextPlace: Sendable, Equatable {
    /// From 1.
    package let line: Int
    /// From 1, in bytes.
    package let column: Int
}

/// Where the lines of a text begin: made once per document, asked per error.
package struct LineIndex: Sendable {
    private let starts: [Int]

    package init(_ bytes: [UInt8]) {
        var starts = [0]
        for (index, byte) in bytes.enumerated() where byte == 0x0A { starts.append(index + 1) }
        self.starts = starts
    }

    /// The place of the byte at `offset`.
    package func place(of offset: Int) -> TextPlace {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        return TextPlace(line: low + 1, column: offset - starts[low] + 1)
    }
}
