import DropCore
import TwinModel

extension Call {
    func answerModels(_ route: Route) throws(APIError) -> APIResponse {
        switch (route, request.method) {
        case (.models, "POST"): return try uploadModels()
        case (.models, _): return try listModels()
        case (.model(let id), "PATCH"): return try decommission(id)
        case (.model(let id), "DELETE"):
            let id = try checkedModel(id)
            try ask { service throws(ServiceError) in try service.delete(model: id, by: caller) }
            return .empty()
        case (.model(let id), _):
            let id = try checkedModel(id)
            let model = try ask { service throws(ServiceError) in try service.model(id) }
            return .bytes(200, model.text(withDefinition: try flag("includeModelDefinition")))
        default: throw APIError(.notFound, "There is nothing at this path.")
        }
    }

    private func uploadModels() throws(APIError) -> APIResponse {
        let value = try document()
        guard let elements = value.elements, !elements.isEmpty else {
            throw APIError(.invalidArgument, "Payload is invalid. The body must be a list of at least one interface.")
        }
        guard elements.count <= 250 else {
            throw APIError(
                .limitExceeded, "One request may hold at most 250 models; this one holds \(elements.count). Send several.")
        }
        let texts = JSONElements.texts(of: request.body)
        precondition(texts.count == elements.count, "the elements of a JSON list were not told apart")
        let models = zip(texts, elements).map { ModelText(text: $0, value: $1) }
        let stored = try ask { service throws(ServiceError) in try service.upload(models: models, by: caller) }
        var body: [UInt8] = [UInt8(ascii: "[")]
        for (index, model) in stored.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body += model.text(withDefinition: false)
        }
        return .bytes(201, body + [UInt8(ascii: "]")])
    }

    private func listModels() throws(APIError) -> APIResponse {
        let roots = request.allParameters("dependenciesFor")
        for root in roots { _ = try checkedModel(root) }
        let token = try page(
            "models", standard: api.limits.modelsPage, filters: roots, withDefinitions: try flag("includeModelDefinition"))
        let page = try ask { service throws(ServiceError) in
            try service.models(dependenciesFor: token.filters, after: token.position, limit: token.limit)
        }
        return pageResponse(page.elements.map { $0.text(withDefinition: token.withDefinitions) }, token, next: page.next)
    }

    private func decommission(_ id: String) throws(APIError) -> APIResponse {
        let id = try checkedModel(id)
        switch try patchBody() {
        case .malformed(let response): return response
        case .patch(let patch):
            var value: Bool?
            for operation in patch.elements ?? [] {
                guard operation["op"]?.string == "replace", operation["path"]?.string == "/decommissioned",
                    case .bool(let wanted)? = operation["value"]
                else {
                    throw APIError(
                        .invalidPatch,
                        "A model's patch may only be "
                            + "[{\"op\": \"replace\", \"path\": \"/decommissioned\", \"value\": true}], or false."
                    )
                }
                value = wanted
            }
            try ask { service throws(ServiceError) in
                if let value { try service.decommission(model: id, value, by: caller) } else { _ = try service.model(id) }
            }
            return .empty()
        }
    }

    private func checkedModel(_ id: String) throws(APIError) -> String {
        guard !id.isEmpty else { throw APIError(.missingArgument, "The id of the model is empty.") }
        return id
    }

    private func flag(_ name: String) throws(APIError) -> Bool {
        switch request.parameter(name)?.lowercased() {
        case nil, "", "false": return false
        case "true": return true
        default: throw APIError(.invalidArgument, "The parameter \(name) must be true or false.")
        }
    }
}

extension ModelData {
    /// As the service prints it; the definition is the uploaded text.
    func text(withDefinition: Bool) -> [UInt8] {
        let head: JSON = [
            "id": .string(id), "description": .object(description), "displayName": .object(displayName),
            "decommissioned": .bool(isDecommissioned), "uploadTime": .string(Instant.offsetText(microseconds: uploadTime)),
        ]
        var text = head.utf8()
        guard withDefinition else { return text }
        text.removeLast()
        return text + Array(",\"model\":".utf8) + definition + [UInt8(ascii: "}")]
    }
}
