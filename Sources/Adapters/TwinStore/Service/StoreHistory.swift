package import DropCore
package import TwinModel

/// Who set a property, and what it was before.
package struct Explanation: Sendable, Equatable {
    package let pointer: String
    package let value: JSON
    package let setBy: Provenance
    /// The value it had before; nil where it had none, or where history does not reach back.
    package let before: JSON?
    /// Who had set that one.
    package let beforeSetBy: Provenance?
    /// Who deleted the twin or relationship; nil while it is there.
    package let deletedBy: Provenance?
}

/// The graph at any moment, and what it was before: what commands and the console ask.
///
/// Any thread; each call reads one moment on a connection of its own.
package struct StoreHistory: GraphHistory {
    let store: StoreEngine

    /// The life of a twin, newest first: of the one with this id now, then of those that had it before. At most `limit` steps.
    package func history(_ id: String, limit: Int = 1000) throws(DropError) -> [HistoryStep] {
        try store.reading { (database) throws(DropError) in
            try steps(of: store.lives.lives(ofTwin: id, database), limit, .twins, database)
        }
    }

    /// The life of a relationship of a twin, as `history` tells that of a twin. Its name has the pointer `/$relationshipName`,
    /// its target `/$targetId`.
    package func history(
        ofRelationship id: String, of twin: String, limit: Int = 1000
    ) throws(DropError) -> [HistoryStep] {
        try store.reading { (database) throws(DropError) in
            try steps(of: store.lives.lives(ofRelationship: id, of: twin, database), limit, .relationships, database)
        }
    }

    private func steps(
        of lives: [EntityLife], _ limit: Int, _ kind: NumberReservation.Kind, _ database: StoreTransaction
    ) throws(DropError) -> [HistoryStep] {
        var steps: [HistoryStep] = []
        for var entity in lives.map(\.entity) {
            while steps.count < limit, let revision = try store.states.revision(entity.record.revision, database) {
                let newer = entity
                entity.undo(revision.patch)
                steps.append(
                    HistoryStep(
                        kind: revision.patch.isDelete ? .deleted : .updated,
                        provenance: try store.states.provenance(revision.drop, revision.record, database),
                        changes: try changes(from: entity, to: newer, revision.patch, kind, database)))
            }
            guard steps.count < limit, entity.record.revision == 0 else { continue }
            var made: [HistoryStep.Change] = []
            if kind == .relationships { made = try ends(entity, database).map { .init(pointer: $0, before: nil, after: $1) } }
            made += try entity.record.properties.map { (property) throws(DropError) in
                .init(pointer: pointer(property.key), before: nil, after: try property.decoded().json)
            }
            steps.append(
                HistoryStep(kind: .created, provenance: try store.states.creation(of: entity.record, database), changes: made))
        }
        return steps
    }

    /// Who set the properties of a twin: of the one `pointer` names (`/status`, `/thermostat/target`), else of all. Of a deleted
    /// twin, those it had last. Empty when there never was such a twin or property.
    package func explain(_ id: String, _ pointer: String? = nil) throws(DropError) -> [Explanation] {
        try store.reading { (database) throws(DropError) in
            guard let life = try store.lives.lives(ofTwin: id, database).first,
                let (entity, end) = try store.lives.last(of: life, database)
            else {
                return []
            }
            return try explanations(of: entity, pointer, end, database)
        }
    }

    /// Who made a relationship of a twin, gave it its target, and set its properties; as `explain` tells it of a twin.
    package func explain(
        relationship id: String, of twin: String, _ pointer: String? = nil
    ) throws(DropError) -> [Explanation] {
        try store.reading { (database) throws(DropError) in
            guard let life = try store.lives.lives(ofRelationship: id, of: twin, database).first,
                let (entity, end) = try store.lives.last(of: life, database)
            else { return [] }
            let ends = try endExplanations(of: entity, end, database).filter { pointer == nil || pointer == $0.pointer }
            return try ends + explanations(of: entity, pointer, end, database)
        }
    }

    private func explanations(
        of entity: StoredEntity, _ pointer: String?, _ end: Provenance?, _ database: StoreTransaction
    ) throws(DropError) -> [Explanation] {
        var result: [Explanation] = []
        for property in entity.record.properties where pointer == nil || pointer == self.pointer(property.key) {
            let before = try former(property, of: entity, database)
            var beforeSetBy: Provenance?
            if let before, !before.isAbsent {
                beforeSetBy = try store.states.provenance(before.stamp.drop, before.stamp.record, database)
            }
            result.append(
                Explanation(
                    pointer: self.pointer(property.key), value: try property.decoded().json,
                    setBy: try store.states.provenance(property.stamp.drop, property.stamp.record, database),
                    before: before.flatMap { $0.isAbsent ? nil : try? $0.decoded().json }, beforeSetBy: beforeSetBy,
                    deletedBy: end))
        }
        return result
    }

    /// Who gave a relationship its name and its target.
    private func endExplanations(
        of entity: StoredEntity, _ end: Provenance?, _ database: StoreTransaction
    ) throws(DropError) -> [Explanation] {
        var result: [Explanation] = []
        for (pointer, value) in try ends(entity, database) {
            var older = entity
            var found: (by: Provenance, before: JSON)?
            while let revision = try store.states.revision(older.record.revision, database) {
                older.undo(revision.patch)
                guard found == nil, let former = try ends(older, database).first(where: { $0.pointer == pointer })?.value,
                    former != value
                else { continue }
                found = (try store.states.provenance(revision.drop, revision.record, database), former)
            }
            let setBy: Provenance
            if let found { setBy = found.by } else { setBy = try store.states.creation(of: older.record, database) }
            result.append(
                Explanation(
                    pointer: pointer, value: value, setBy: setBy, before: found?.before, beforeSetBy: nil, deletedBy: end))
        }
        return result
    }

    /// What a relationship says beside its properties.
    private func ends(_ entity: StoredEntity, _ database: StoreTransaction) throws(DropError) -> [(pointer: String, value: JSON)]
    {
        [
            ("/$relationshipName", .string(store.keys.name(entity.key))),
            ("/$targetId", .string(try store.states.twinID(entity.target, database))),
        ]
    }

    /// What a property was before its present value.
    private func former(
        _ property: TwinRecord.Property, of entity: StoredEntity, _ database: StoreTransaction
    ) throws(DropError) -> TwinRecord.Property? {
        var next = entity.record.revision
        while let revision = try store.states.revision(next, database) {
            if let before = revision.patch.record.property(property.key) { return before }
            next = revision.patch.record.revision
        }
        return nil
    }

    private func changes(
        from older: StoredEntity, to newer: StoredEntity, _ patch: ReverseDelta, _ kind: NumberReservation.Kind,
        _ database: StoreTransaction
    ) throws(DropError) -> [HistoryStep.Change] {
        var result: [HistoryStep.Change] = []
        func name(_ key: UInt32) -> JSON? { key == 0 ? nil : .string(store.keys.name(key)) }
        if older.key != newer.key {
            let pointer = kind == .twins ? "/$metadata/$model" : "/$relationshipName"
            result.append(.init(pointer: pointer, before: name(older.key), after: patch.isDelete ? nil : name(newer.key)))
        }
        if kind == .relationships, older.target != newer.target {
            let after: JSON? = patch.isDelete ? nil : .string(try store.states.twinID(newer.target, database))
            result.append(
                .init(pointer: "/$targetId", before: .string(try store.states.twinID(older.target, database)), after: after))
        }
        for property in patch.record.properties {
            let after = patch.isDelete ? nil : newer.record.property(property.key)
            if after?.value == property.value { continue }  // Said again, no more.
            result.append(
                .init(
                    pointer: pointer(property.key), before: property.isAbsent ? JSON?.none : try property.decoded().json,
                    after: try after?.decoded().json))
        }
        return result
    }

    /// The JSON pointer (RFC 6901) of a property; a component's name is its first step.
    func pointer(_ key: UInt32) -> String { "/" + store.keys.name(key).replacing("~", with: "~0") }

}
