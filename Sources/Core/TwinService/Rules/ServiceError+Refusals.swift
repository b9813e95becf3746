import CodecKit
package import DropCore
import TwinModel

/// The refusals that several rules give, each in its words.
extension ServiceError {
    package static func missing(twin id: String) -> ServiceError {
        ServiceError(.twinNotFound, "There is no digital twin with the id \(Escaping.visible(id, scalarsMax: 200)).")
    }

    package static func missing(component: String, of id: String) -> ServiceError {
        ServiceError(.componentNotFound, "The twin \(id) has no component \(Escaping.visible(component, scalarsMax: 200)).")
    }

    package static func missing(target id: String) -> ServiceError {
        ServiceError(
            .targetNotFound,
            "The target of the relationship, the twin \(Escaping.visible(id, scalarsMax: 200)), does not exist.")
    }

    package static func missing(relationship id: String, of source: String) -> ServiceError {
        ServiceError(
            .relationshipNotFound,
            "The twin \(source) has no relationship with the id \(Escaping.visible(id, scalarsMax: 200)).")
    }

    package static func missing(eventRoute id: String) -> ServiceError {
        ServiceError(
            .eventRouteNotFound, "There is no event route with the id \(Escaping.visible(id, scalarsMax: 200)).")
    }

    /// Why there is no such model: its id is no DTMI, or nobody uploaded it.
    package static func missing(model id: String) -> ServiceError {
        guard DTMI(id)?.isUsable(in: 3) ?? false else {
            return ServiceError(
                .invalidArgument, "\(Escaping.visible(id, scalarsMax: 200)) is no model id: write dtmi:path:name;1.")
        }
        return ServiceError(
            .modelNotFound, "There is no model \(id). Check the id, version included, or upload the model first.")
    }

    /// Content that its model refuses: one detail for each problem.
    static func invalid(_ headline: String, _ problems: [String]) -> ServiceError {
        ServiceError(
            .validationFailed, headline, details: problems.map { Detail(code: .validationFailed, message: $0) })
    }

    static func undeclared(_ name: String, _ model: String) -> ServiceError {
        ServiceError(
            .invalidRelationship,
            "The model \(model) has no relationship \(Escaping.visible(name, scalarsMax: 200)), nor has one that it extends.")
    }

    init(_ error: DocumentError) {
        switch error {
        case .noObject: self.init(.invalidArgument, "Payload is invalid. Send a JSON object.")
        case .invalid(let problems): self = .invalid("Invalid twin specified", problems)
        }
    }
}
