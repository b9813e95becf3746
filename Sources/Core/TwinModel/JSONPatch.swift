/// A JSON Patch (RFC 6902) as far as the twin service has it: `add`, `replace` and `remove`.
package struct JSONPatch: Sendable, Equatable {
    package enum Verb: String, Sendable { case add, replace, remove }

    package struct Operation: Sendable, Equatable {
        package let verb: Verb
        /// The steps of the pointer, unescaped; never empty.
        package let path: [String]
        /// Nil for `remove` only.
        package let value: JSON?

        package init(_ verb: Verb, _ path: [String], _ value: JSON? = nil) {
            self.verb = verb
            self.path = path
            self.value = value
        }

        /// The path as RFC 6901 writes it.
        package var pointer: String { JSONPatch.pointer(path) }
    }

    package var operations: [Operation]

    package init(_ operations: [Operation]) { self.operations = operations }

    /// Reads an array of operations. Errors: an unknown verb, a path that is not a pointer or empty, a value that is missing.
    package init(_ json: JSON) throws(JSONPatchError) {
        guard case .array(let elements) = json else { throw JSONPatchError("A patch is an array of operations.") }
        operations = []
        for element in elements { operations.append(try Self.operation(element)) }
    }

    private static func operation(_ json: JSON) throws(JSONPatchError) -> Operation {
        guard case .object = json else { throw JSONPatchError("Each element of a patch is an object.") }
        guard let word = json["op"]?.string else { throw JSONPatchError("Value must be specified for  operation.") }
        guard let verb = Verb(rawValue: word) else {
            throw JSONPatchError("Unsupported operation type \(word). Use add, replace or remove.")
        }
        guard let pointer = json["path"]?.string else { throw JSONPatchError("The \(word) operation has no path.") }
        let path = try steps(pointer)
        let value = json["value"]
        if verb != .remove, value == nil { throw JSONPatchError("Value must be specified for \(word) operation.") }
        return Operation(verb, path, verb == .remove ? nil : value)
    }

    /// The steps of a JSON pointer (RFC 6901).
    package static func steps(_ pointer: String) throws(JSONPatchError) -> [String] {
        guard pointer.utf8.first == UInt8(ascii: "/") else {
            throw JSONPatchError("Could not resolve path \(pointer): it must start with a slash.")
        }
        var result: [String] = []
        for part in pointer.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            var step: [UInt8] = []
            var rest = part[...]
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "~") else {
                    step.append(byte)
                    continue
                }
                switch rest.popFirst() {
                case UInt8(ascii: "0"): step.append(UInt8(ascii: "~"))
                case UInt8(ascii: "1"): step.append(UInt8(ascii: "/"))
                default: throw JSONPatchError("Could not resolve path \(pointer): ~ is written ~0, and / in a name ~1.")
                }
            }
            result.append(String(decoding: step, as: UTF8.self))
        }
        return result
    }

    /// Steps as a JSON pointer.
    package static func pointer(_ path: [String]) -> String {
        path.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
    }
}

/// Why a patch cannot be applied.
package struct JSONPatchError: Error, Sendable, Equatable {
    package let message: String

    package init(_ message: String) { self.message = message }

    static func unresolved(_ path: [String]) -> JSONPatchError {
        JSONPatchError(
            "Could not resolve path \(JSONPatch.pointer(path)). Only what is there can be replaced or removed; add sets what is not, "
                + "and what it lies in must be there.")
    }
}

extension JSON {
    /// Applies one operation (RFC 6902 §4); does not change the value when it throws.
    package mutating func apply(_ operation: JSONPatch.Operation) throws(JSONPatchError) {
        try apply(operation, operation.path[...])
    }

    private mutating func apply(_ operation: JSONPatch.Operation, _ rest: ArraySlice<String>) throws(JSONPatchError) {
        let step = rest[rest.startIndex]
        let isLast = rest.count == 1
        switch self {
        case .object(var members):
            let index = members.firstIndex { $0.name.utf8.elementsEqual(step.utf8) }
            if !isLast {
                guard let index else { throw .unresolved(operation.path) }
                try members[index].value.apply(operation, rest.dropFirst())
            } else if let index {
                if let value = operation.value { members[index].value = value } else { members.remove(at: index) }
            } else {
                guard operation.verb == .add, let value = operation.value else { throw .unresolved(operation.path) }
                members.append(Member(step, value))
            }
            self = .object(members)
        case .array(var elements):
            if isLast, operation.verb == .add, let value = operation.value {
                let index = step == "-" ? elements.count : Self.index(step)
                guard let index, index <= elements.count else { throw .unresolved(operation.path) }
                elements.insert(value, at: index)
            } else {
                guard let index = Self.index(step), index < elements.count else { throw .unresolved(operation.path) }
                if !isLast {
                    try elements[index].apply(operation, rest.dropFirst())
                } else if let value = operation.value {
                    elements[index] = value
                } else {
                    elements.remove(at: index)
                }
            }
            self = .array(elements)
        case .null, .bool, .int, .double, .string: throw .unresolved(operation.path)
        }
    }

    /// An array index of RFC 6901: digits without a leading zero.
    private static func index(_ step: String) -> Int? {
        let digits = step.utf8
        guard !digits.isEmpty, digits.count < 10, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { return nil }
        return Int(step)
    }
}
