package import DropCore
package import TwinModel

/// The calls that change twins and relationships: read once, judge, write.
extension TwinWriter {
    /// Creates or replaces a twin (docs/azure-contract.md, "Twins").
    ///
    /// - Parameter twinsMax: twins there may be; nil: no such bound.
    func put(
        twin id: String, _ payload: JSON, _ condition: Precondition, twinsMax: Int?
    ) throws -> ServiceEntity {
        try ServiceLimits.check(id: id, "twin")
        let old = try twin(id)
        try condition.check(tag: old.map { tag(of: $0) }, of: "The twin \(id)")
        let draft = try TwinDraft.put(payload, old: old.map { model(of: $0) }, models)
        if old == nil, let twinsMax, twinCount >= twinsMax {
            throw ServiceError(
                .twinLimitReached,
                "The graph holds \(twinsMax) twins already, which is the most that http.limits.twins allows. Delete some, or "
                    + "raise it.")
        }
        return try entity(try old.map { try revise(twin: $0, draft) } ?? create(twin: id, draft))
    }

    /// Creates or replaces a twin whether or not a model allows it.
    func put(uncheckedTwin id: String, _ payload: JSON) throws {
        try ServiceLimits.check(uncheckedID: id, "twin")
        let draft = try TwinDraft.unchecked(payload, models)
        if let old = try twin(id) { _ = try revise(twin: old, draft) } else { _ = try create(twin: id, draft) }
    }

    /// Changes a twin (docs/azure-contract.md, "Patches"); its new tag.
    ///
    /// - Parameter patch: or why it is none, which is told only where there is something to patch.
    func patch(twin id: String, _ patch: Result<JSONPatch, ServiceError>, _ condition: Precondition) throws -> String {
        guard let old = try twin(id) else { throw ServiceError.missing(twin: id) }
        let patch = try patch.get()
        let oldTag = tag(of: old)
        try condition.check(tag: oldTag, of: "The twin \(id)")
        guard !patch.operations.isEmpty else { return oldTag }
        let draft = try TwinDraft.patched(try document(of: old), patch, known: { knownComponents(of: old) }, models)
        return tag(of: try revise(twin: old, draft))
    }

    /// Deletes a twin that no relationship touches (docs/azure-contract.md, "Twins").
    func delete(twin id: String, _ condition: Precondition) throws {
        guard let old = try twin(id) else { throw ServiceError.missing(twin: id) }
        try condition.check(tag: tag(of: old), of: "The twin \(id)")
        guard try !hasRelationships(old) else {
            throw ServiceError(
                .relationshipsNotDeleted,
                "The twin \(id) has relationships, or is the target of some. Delete those first.")
        }
        try delete(twin: old)
    }

    // MARK: Relationships

    /// Creates or replaces a relationship (docs/azure-contract.md, "Relationships").
    func put(
        relationship id: String, of sourceID: String, _ payload: JSON, _ condition: Precondition
    ) throws -> ServiceEntity {
        try ServiceLimits.check(id: id, "relationship")
        guard let source = try twin(sourceID) else { throw ServiceError.missing(twin: sourceID) }
        let old = try relationship(id, of: source)
        try condition.check(tag: old.map { tag(of: $0) }, of: Self.words(id, sourceID))
        let (name, targetID) = try RelationshipDraft.ends(of: payload)
        guard let target = try twin(targetID) else { throw ServiceError.missing(target: targetID) }
        let draft = try RelationshipDraft.put(
            payload, named: name, from: end(source, sourceID), to: end(target, targetID), models)
        if let old { return try entity(try revise(relationship: old, to: target, draft)) }
        try checkEdges(at: .source, of: source, sourceID, "start")
        try checkEdges(at: .target, of: target, targetID, "end")
        return try entity(try create(relationship: id, from: source, to: target, draft))
    }

    /// Creates or replaces a relationship between twins that are there, whether or not a model allows it.
    func put(uncheckedRelationship id: String, of sourceID: String, _ payload: JSON) throws {
        try ServiceLimits.check(uncheckedID: id, "relationship")
        guard let source = try twin(sourceID) else { throw ServiceError.missing(twin: sourceID) }
        guard let name = payload["$relationshipName"]?.string, let targetID = payload["$targetId"]?.string else {
            throw ServiceError(.invalidArgument, "The relationship needs the texts $relationshipName and $targetId.")
        }
        guard let target = try twin(targetID) else { throw ServiceError.missing(target: targetID) }
        let draft = RelationshipDraft.unchecked(payload, named: name, from: end(source, sourceID), models)
        if let old = try relationship(id, of: source) {
            _ = try revise(relationship: old, to: target, draft)
        } else {
            _ = try create(relationship: id, from: source, to: target, draft)
        }
    }

    /// Changes the properties of a relationship; its new tag.
    func patch(
        relationship id: String, of sourceID: String, _ patch: Result<JSONPatch, ServiceError>, _ condition: Precondition
    ) throws -> String {
        guard let source = try twin(sourceID) else { throw ServiceError.missing(twin: sourceID) }
        guard let old = try relationship(id, of: source) else { throw ServiceError.missing(relationship: id, of: sourceID) }
        let patch = try patch.get()
        let oldTag = tag(of: old)
        try condition.check(tag: oldTag, of: Self.words(id, sourceID))
        guard !patch.operations.isEmpty else { return oldTag }
        let draft = try RelationshipDraft.patched(
            name(of: old), try values(of: old), patch, from: end(source, sourceID), models)
        return tag(of: try revise(relationship: old, to: nil, draft))
    }

    func delete(relationship id: String, of sourceID: String, _ condition: Precondition) throws {
        guard let source = try twin(sourceID) else { throw ServiceError.missing(twin: sourceID) }
        guard let old = try relationship(id, of: source) else { throw ServiceError.missing(relationship: id, of: sourceID) }
        try condition.check(tag: tag(of: old), of: Self.words(id, sourceID))
        try delete(relationship: old)
    }

    private func end(_ twin: Twin, _ id: String) -> TwinEnd { TwinEnd(id: id, model: model(of: twin)) }

    private func checkEdges(at end: RelationshipEnd, of twin: Twin, _ id: String, _ what: String) throws {
        guard try !hasEdges(ServiceLimits.edges, at: end, of: twin) else {
            throw ServiceError(
                .limitExceeded, "\(ServiceLimits.edges) relationships \(what) at the twin \(id) already: that is the most.")
        }
    }

    private static func words(_ id: String, _ source: String) -> String { "The relationship \(id) of the twin \(source)" }

    // MARK: Models

    package func upload(_ new: [ModelText], _ profile: ModelOptions.Profile = .dtdl) throws -> [ModelData] {
        let change = try models.uploading(new, profile, at: time)
        try write(change)
        return change.added
    }

    /// Deletes some relationships, or else some twins, or else all models; how many.
    func deleteSome(_ limit: Int) throws -> Int {
        let relationships = try deleteRelationships(limit)
        if relationships > 0 { return relationships }
        let twins = try deleteTwins(limit)
        if twins > 0 { return twins }
        guard let change = models.deletingAll() else { return 0 }
        try write(change)
        return change.removed.count
    }
}
