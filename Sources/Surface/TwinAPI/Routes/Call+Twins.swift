import DropCore
import TwinModel

extension Call {
    func answerTwins(_ route: Route) throws(APIError) -> APIResponse {
        switch (route, request.method) {
        case (.twin(let id), "PUT"):
            let (document, condition) = (try object(), try putCondition())
            return entity(
                try ask { service throws(ServiceError) in try service.put(twin: id, document, condition, by: caller) })
        case (.twin(let id), "PATCH"):
            switch try patchBody() {
            case .malformed(let response): return response
            case .patch(let patch):
                let condition = try matchCondition()
                return .empty(
                    etag: try ask { service throws(ServiceError) in try service.patch(twin: id, patch, condition, by: caller) })
            }
        case (.twin(let id), "DELETE"):
            let condition = try matchCondition()
            try ask { service throws(ServiceError) in try service.delete(twin: id, condition, by: caller) }
            return .empty()
        case (.twin(let id), _): return entity(try ask { service throws(ServiceError) in try service.twin(id) })
        case (.component(let name, let id), "PATCH"):
            switch try patchBody() {
            case .malformed(let response): return response
            case .patch(let patch):
                let condition = try matchCondition()
                let etag = try ask { service throws(ServiceError) in
                    try service.patch(component: name, ofTwin: id, patch, condition, by: caller)
                }
                return .empty(etag: etag)
            }
        case (.component(let name, let id), _):
            return entity(try ask { service throws(ServiceError) in try service.component(name, ofTwin: id) })
        case (.telemetry(let id), _): return try publish(twin: id, component: nil)
        case (.componentTelemetry(let name, let id), _): return try publish(twin: id, component: name)
        default: throw APIError(.notFound, "There is nothing at this path.")
        }
    }

    func entity(_ entity: ServiceEntity) -> APIResponse {
        .entity(ServiceEntity(etag: entity.etag, document: fitted(entity.document)))
    }

    private func publish(twin id: String, component: String?) throws(APIError) -> APIResponse {
        guard let messageID = request.header("message-id"), !messageID.isEmpty else {
            throw APIError(.invalidArgument, "The header Message-Id is missing. Give each message an id of its own.")
        }
        let payload = try document()
        guard payload.members != nil else {
            throw APIError(.validationFailed, "The telemetry payload must be a JSON object.")
        }
        try ask { service throws(ServiceError) in
            try service.telemetry(
                twin: id, component: component, messageID: messageID, sourceTime: request.header("telemetry-source-time"),
                payload: payload, by: caller)
        }
        return .empty()
    }
}
