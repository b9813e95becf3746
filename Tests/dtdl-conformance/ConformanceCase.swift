import TwinModel

/// One case of a test file: documents, and what must come of them.
struct ConformanceCase {
    /// The file and the number of the case in it.
    let name: String
    let isValid: Bool
    /// Error ids one of which must be reported; empty: the suite does not say.
    let errors: [String]
    /// Ids that must be reported as not defined.
    let unresolved: [String]
    let documents: [ModelDocument]
    let options: ModelOptions
    let resolvedOptions: ModelOptions
    /// What a resolver answers, by the ids it is asked for.
    let resolution: [(request: [String], documents: [ModelDocument])]
    let instances: [Instance]
    /// The text of an identifier, in the suite about identifiers.
    let identifier: String?

    /// A value, and whether it conforms to a schema.
    struct Instance {
        let subject: String
        let text: String
        /// Nil: the subject has no values, and asking is an error.
        let conforms: Bool?
    }

    /// What came of a case.
    struct Result {
        let name: String
        let isVerdictRight: Bool
        /// Nil where the suite names no ids.
        let isErrorRight: Bool?
        /// Whether ids were reported that the suite does not list.
        let hasOtherErrors: Bool
        let isUnresolvedRight: Bool
        let explanation: String
        var errors: [DTDLError] = []
    }

    func run() -> Result {
        if let identifier {
            let isRight = (DTMI(identifier) != nil) == isValid
            return Result(
                name: name, isVerdictRight: isRight, isErrorRight: nil, hasOtherErrors: false, isUnresolvedRight: true,
                explanation: identifier)
        }
        let answers = resolution
        let reading = ModelSet().reading(documents, options: options, resolvedOptions: resolvedOptions) { ids in
            answers.first { Set($0.request) == Set(ids) }?.documents ?? []
        }
        let reported = reading.errors.map(\.id.rawValue)
        let wrong = wrongInstances(reading.models)
        let isRight = reading.isValid == isValid && wrong.isEmpty
        let missing = Set(reading.unresolved.map(\.id))
        var words = "expected \(isValid ? "valid" : "invalid") \(errors), found \(Set(reported).sorted())"
        if !missing.isEmpty { words += ", undefined \(missing.sorted())" }
        if !wrong.isEmpty { words += ", values \(wrong)" }
        return Result(
            name: name, isVerdictRight: isRight,
            isErrorRight: errors.isEmpty || isValid ? nil : reported.contains { errors.contains($0) },
            hasOtherErrors: !errors.isEmpty && reported.contains { !errors.contains($0) },
            isUnresolvedRight: unresolved.isEmpty || missing == Set(unresolved) || !reported.isEmpty, explanation: words,
            errors: reading.errors)
    }

    private func wrongInstances(_ models: ModelSet) -> [String] {
        instances.filter { instance in
            guard let schema = models.schema(instance.subject) else { return instance.conforms != nil }
            guard let expected = instance.conforms else { return true }
            // No JSON: no conforming.
            guard let value = try? JSONNode(reading: Array(instance.text.utf8)) else { return expected }
            return (schema.violation(of: value) { models.schema($0) } == nil) != expected
        }.map { "\($0.subject) \($0.text)" }
    }
}
