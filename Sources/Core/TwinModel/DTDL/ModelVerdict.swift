/// The verdict about one document among several.
package struct ModelVerdict: Sendable {
    /// One finding: an error, or a reference that nothing defines.
    package struct Finding: Sendable {
        /// The error's name, or `unresolvedReference`.
        package let id: String
        /// One sentence that says what to do.
        package let message: String
        /// The element at fault, by its identifier; nil if it has none.
        package let element: String?
        /// The member at fault.
        package let property: String?
        /// Where in the document.
        package let place: TextPlace

        init(_ error: DTDLError) {
            id = error.id.rawValue
            message = error.message
            element = error.element
            property = error.property
            place = error.place
        }

        init(_ reference: UnresolvedReference) {
            id = "unresolvedReference"
            message = reference.message
            element = reference.element
            property = reference.property
            place = reference.place
        }
    }

    /// The document, as the caller named it.
    package let file: String
    /// How many Interfaces were read from it.
    package let interfaceCount: Int
    /// What is wrong with it, in the order of the text.
    package let findings: [Finding]

    /// Whether nothing is wrong with it.
    package var isValid: Bool { findings.isEmpty }

    /// Judges documents together: references may lead from one to another. Mistakes in one document do not hide mistakes in the
    /// others: these are judged again without it, and references into it are accepted.
    package static func judge(_ documents: [ModelDocument], options: ModelOptions, base: ModelSet = ModelSet()) -> [ModelVerdict]
    {
        var findings: [String: [Finding]] = [:]
        var left = documents
        var counts: [String: Int] = [:]
        while true {
            let reading = base.reading(left, options: options)
            for (file, count) in reading.interfaceCounts { counts[file] = max(counts[file] ?? 0, count) }
            for error in reading.errors { findings[error.file, default: []].append(Finding(error)) }
            guard reading.errors.isEmpty else {
                let wrong = Set(reading.errors.map(\.file))
                left.removeAll { wrong.contains($0.name) }
                continue
            }
            let isWhole = left.count == documents.count
            let known = isWhole ? [] : Set(base.reading(documents, options: options).read)
            for reference in reading.unresolved where !known.contains(reference.id) {
                findings[reference.file, default: []].append(Finding(reference))
            }
            break
        }
        return documents.map {
            ModelVerdict(file: $0.name, interfaceCount: counts[$0.name] ?? 0, findings: findings[$0.name] ?? [])
        }
    }

    /// Judges each document on its own: a reference to another one is not resolved.
    package static func judgeEach(
        _ documents: [ModelDocument], options: ModelOptions, base: ModelSet = ModelSet()
    ) -> [ModelVerdict] {
        documents.flatMap { judge([$0], options: options, base: base) }
    }
}
