import DropCore

extension DropComparison {
    /// Why the names that an operation uses may not be: `$dtId` and the like belong to the twin itself, and two members of one
    /// name would make a document that readers take differently. Nil when all may be.
    func nameRefusal(_ operation: Pending, _ bytes: borrowing Span<UInt8>) throws(DropError) -> (Rejection.Fault, String)? {
        let isTwin = operation.verb.rawValue <= OperationVerb.deleteTwin.rawValue
        if !isTwin, operation.head.key != 0 {
            _ = try global(operation.head.key)
            let name = keyNames[Int(operation.head.key) - 1]
            if MemberName.kind(of: name) != .name { return (.name, Self.refusal(of: name, as: "a relationship")) }
        }
        let range = operation.head.properties
        var reader = OperationReader(at: range.lowerBound, end: range.upperBound, base: streamPosition)
        // The values are judged with their record (`checkProperties`): a bad one is that record's, not the whole drop's.
        while let property = try reader.property(bytes, validating: false) {
            _ = try global(property.key)
            let name = keyNames[Int(property.key) - 1]
            if MemberName.kind(of: name) == .other { return (.name, Self.refusal(of: name, as: "a property")) }
        }
        return nil
    }

    private static func refusal(of name: String, as kind: String) -> String {
        let shown = String(String.UnicodeScalarView(name.unicodeScalars.prefix(80)))
        return
            "The plugin names \(kind) '\(shown)': DTDL allows letters, digits and '_', a letter first and no '_' last. Correct "
            + "the source's mapping or plugin, or the header it takes names from."
    }
}
