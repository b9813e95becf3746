package import DropCore
package import TwinModel

/// Reads DTDL for the graph: what is uploaded, and what is stored. Models of files follow the language as it is defined, version
/// 4 and commands included, and interfaces stand by themselves; calls follow the service's own rules, where the configuration
/// does not say otherwise (decision 0019).
package enum ModelIntake {
    /// How the service begins what its parser found.
    static let headline = "None of the models in the request could be created."
    /// Findings told in one answer.
    private static let findingsMax = 20

    /// Reads an upload on top of what is known. Errors: `invalidModel`, `modelVersionNotSupported`.
    package static func read(
        _ models: [ModelText], known: ModelSet, _ profile: ModelOptions.Profile = .dtdl
    ) throws(ServiceError) -> ModelSet {
        let documents = models.enumerated().map { index, model in
            ModelDocument(name: model.file ?? model.value["@id"]?.string ?? "model \(index + 1)", bytes: model.text)
        }
        let reading = known.reading(documents, options: ModelOptions(profile: profile))
        if !reading.errors.isEmpty { throw refusal(reading.errors) }
        if !reading.unresolved.isEmpty {
            let ids = Set(reading.unresolved.map(\.id)).sorted()
            let places = reading.unresolved.prefix(findingsMax).map { "\($0.element) (\($0.property)) refers to \($0.id)." }
            throw ServiceError(
                .invalidModel,
                ([headline, "No model defines \(ids.joined(separator: ", ")): upload it first, or in the same request."] + places)
                    .joined(separator: " "))
        }
        let inline = Set(reading.read).subtracting(models.compactMap { $0.value["@id"]?.string })
        guard inline.isEmpty else {
            throw ServiceError(
                .invalidModel,
                headline
                    + " Interfaces stand inside others: \(inline.sorted().joined(separator: ", ")). Give each as a model of its own, "
                    + "and refer to it by its id.")
        }
        return reading.models
    }

    private static func refusal(_ errors: [DTDLError]) -> ServiceError {
        let lines = errors.prefix(findingsMax).map { error in
            let place = [error.element, error.property].compactMap(\.self).joined(separator: ", ")
            return
                "\(error.id.rawValue) in \(error.file), line \(error.place.line)\(place.isEmpty ? "" : " (\(place))"): \(error.message)"
        }
        let more = errors.count > findingsMax ? ["And \(errors.count - findingsMax) more."] : []
        let text = ([headline] + lines + more).joined(separator: " ")
        let versions: Set<DTDLErrorID> = [.unrecognizedContextVersion, .disallowedContextVersion, .azureVersionNotSupported]
        let isVersion = errors.contains { versions.contains($0.id) }
        return ServiceError(isVersion ? .modelVersionNotSupported : .invalidModel, text)
    }

    /// Reads what was checked when it was uploaded. Should this version's parser refuse some, the others are still read.
    package static func read(stored: [(id: String, text: [UInt8])]) -> ModelSet {
        let documents = stored.map { ModelDocument(name: $0.id, bytes: $0.text) }
        let whole = ModelSet().reading(documents)
        if whole.isValid { return whole.models }
        var set = ModelSet()
        var open = documents
        var isGrowing = true
        while isGrowing {
            isGrowing = false
            var left: [ModelDocument] = []
            for document in open {
                let one = set.reading([document])
                if one.isValid {
                    set = one.models
                    isGrowing = true
                } else {
                    left.append(document)
                }
            }
            open = left
        }
        return set
    }
}
