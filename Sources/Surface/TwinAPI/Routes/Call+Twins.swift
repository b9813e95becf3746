import DropCore
import TwinModel

extension Call {
    func answerTwins(_ route: Route) throws(ServiceError) -> APIResponse {
        switch (route, request.method) {
        case (.twin(let id), "PUT"):
            return entity(try service.put(twin: id, try object(), try putCondition(), by: caller))
        case (.twin(let id), "PATCH"):
            switch try patchBody() {
            case .malformed(let response): return response
            case .patch(let patch):
                return .empty(etag: try service.patch(twin: id, patch, try matchCondition(), by: caller))
            }
        case (.twin(let id), "DELETE"):
            try service.delete(twin: id, try matchCondition(), by: caller)
            return .empty()
        case (.twin(let id), _): return entity(try service.twin(id))
        case (.component(let name, let id), "PATCH"):
            switch try patchBody() {
            case .malformed(let response): return response
            case .patch(let patch):
                let etag = try service.patch(component: name, ofTwin: id, patch, try matchCondition(), by: caller)
                return .empty(etag: etag)
            }
        case (.component(let name, let id), _): return entity(try service.component(name, ofTwin: id))
        case (.telemetry(let id), _): return try publish(twin: id, component: nil)
        case (.componentTelemetry(let name, let id), _): return try publish(twin: id, component: name)
        default: throw ServiceError(404, "NotFound", "There is nothing at this path.")
        }
    }

    func entity(_ entity: ServiceEntity) -> APIResponse {
        .entity(ServiceEntity(etag: entity.etag, document: fitted(entity.document)))
    }

    private func publish(twin id: String, component: String?) throws(ServiceError) -> APIResponse {
        guard let messageID = request.header("message-id"), !messageID.isEmpty else {
            throw ServiceError(400, "InvalidArgument", "The header Message-Id is missing. Give each message an id of its own.")
        }
        let payload = try document()
        guard payload.members != nil else {
            throw ServiceError(400, "ValidationFailed", "The telemetry payload is to be a JSON object.")
        }
        try service.telemetry(
            twin: id, component: component, messageID: messageID, sourceTime: request.header("telemetry-source-time"),
            payload: payload, by: caller)
        return .empty()
    }
}
