package import DropCore
import GRDB
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

extension TwinStore: GraphHistory {
    /// The life of a twin, newest first: of the one with this id now, then of those that had it before. At most `limit` steps.
    package func history(_ id: String, limit: Int = 1000) throws(DropError) -> [HistoryStep] {
        try reading { (database) throws(DropError) in
            try steps(of: lives(ofTwin: id, database), limit, .twins, database)
        }
    }

    /// The life of a relationship of a twin, as `history` tells that of a twin. Its name has the pointer `/$relationshipName`,
    /// its target `/$targetId`.
    package func history(
        ofRelationship id: String, of twin: String, limit: Int = 1000
    ) throws(DropError) -> [HistoryStep] {
        try reading { (database) throws(DropError) in
            try steps(of: lives(ofRelationship: id, of: twin, database), limit, .relationships, database)
        }
    }

    private func steps(
        of lives: [EntityLife], _ limit: Int, _ kind: NumberReservation.Kind, _ database: Database
    ) throws(DropError) -> [HistoryStep] {
        var steps: [HistoryStep] = []
        for var entity in lives.map(\.entity) {
            while steps.count < limit, let revision = try revision(entity.record.revision, database) {
                let newer = entity
                entity.undo(revision.patch)
                steps.append(
                    HistoryStep(
                        kind: revision.patch.isDelete ? .deleted : .updated,
                        provenance: try provenance(revision.drop, revision.record, database),
                        changes: try changes(from: entity, to: newer, revision.patch, kind, database)))
            }
            guard steps.count < limit, entity.record.revision == 0 else { continue }
            var made: [HistoryStep.Change] = []
            if kind == .relationships { made = try ends(entity, database).map { .init(pointer: $0, before: nil, after: $1) } }
            made += try entity.record.properties.map { (property) throws(DropError) in
                .init(pointer: pointer(property.key), before: nil, after: try property.decoded().json)
            }
            steps.append(HistoryStep(kind: .created, provenance: try creation(of: entity.record, database), changes: made))
        }
        return steps
    }

    /// Who set the properties of a twin: of the one `pointer` names (`/status`, `/thermostat/target`), else of all. Of a deleted
    /// twin, those it had last. Empty when there never was such a twin or property.
    package func explain(_ id: String, _ pointer: String? = nil) throws(DropError) -> [Explanation] {
        try reading { (database) throws(DropError) in
            guard let life = try lives(ofTwin: id, database).first, let (entity, end) = try last(of: life, database) else {
                return []
            }
            return try explanations(of: entity, pointer, end, database)
        }
    }

    /// Who made a relationship of a twin, gave it its target, and set its properties; as `explain` tells it of a twin.
    package func explain(
        relationship id: String, of twin: String, _ pointer: String? = nil
    ) throws(DropError) -> [Explanation] {
        try reading { (database) throws(DropError) in
            guard let life = try lives(ofRelationship: id, of: twin, database).first,
                let (entity, end) = try last(of: life, database)
            else { return [] }
            let ends = try endExplanations(of: entity, end, database).filter { pointer == nil || pointer == $0.pointer }
            return try ends + explanations(of: entity, pointer, end, database)
        }
    }

    private func explanations(
        of entity: StoredEntity, _ pointer: String?, _ end: Provenance?, _ database: Database
    ) throws(DropError) -> [Explanation] {
        var result: [Explanation] = []
        for property in entity.record.properties where pointer == nil || pointer == self.pointer(property.key) {
            let before = try former(property, of: entity, database)
            var beforeSetBy: Provenance?
            if let before, !before.isAbsent {
                beforeSetBy = try provenance(before.stamp.drop, before.stamp.record, database)
            }
            result.append(
                Explanation(
                    pointer: self.pointer(property.key), value: try property.decoded().json,
                    setBy: try provenance(property.stamp.drop, property.stamp.record, database),
                    before: before.flatMap { $0.isAbsent ? nil : try? $0.decoded().json }, beforeSetBy: beforeSetBy,
                    deletedBy: end))
        }
        return result
    }

    /// Who gave a relationship its name and its target.
    private func endExplanations(
        of entity: StoredEntity, _ end: Provenance?, _ database: Database
    ) throws(DropError) -> [Explanation] {
        var result: [Explanation] = []
        for (pointer, value) in try ends(entity, database) {
            var older = entity
            var found: (by: Provenance, before: JSON)?
            while let revision = try revision(older.record.revision, database) {
                older.undo(revision.patch)
                guard found == nil, let former = try ends(older, database).first(where: { $0.pointer == pointer })?.value,
                    former != value
                else { continue }
                found = (try provenance(revision.drop, revision.record, database), former)
            }
            let setBy: Provenance
            if let found { setBy = found.by } else { setBy = try creation(of: older.record, database) }
            result.append(
                Explanation(
                    pointer: pointer, value: value, setBy: setBy, before: found?.before, beforeSetBy: nil, deletedBy: end))
        }
        return result
    }

    /// What a relationship says beside its properties.
    private func ends(_ entity: StoredEntity, _ database: Database) throws(DropError) -> [(pointer: String, value: JSON)] {
        [
            ("/$relationshipName", .string(keys.name(entity.key))),
            ("/$targetId", .string(try twinID(entity.target, database))),
        ]
    }

    /// Who made something; of a relationship that waited for its ends: who stated it, and the commit that let it in.
    func creation(of record: TwinRecord, _ database: Database) throws(DropError) -> Provenance {
        let made = try provenance(record.created, record.base.record, database)
        guard record.origin != 0, record.origin != record.created else { return made }
        let stated = try provenance(record.origin, record.base.record, database)
        return Provenance(origin: stated.origin, sequence: made.sequence, time: made.time)
    }

    /// What a property was before its present value.
    private func former(
        _ property: TwinRecord.Property, of entity: StoredEntity, _ database: Database
    ) throws(DropError) -> TwinRecord.Property? {
        var next = entity.record.revision
        while let revision = try revision(next, database) {
            if let before = revision.patch.record.property(property.key) { return before }
            next = revision.patch.record.revision
        }
        return nil
    }

    private func changes(
        from older: StoredEntity, to newer: StoredEntity, _ patch: RevisionPatch, _ kind: NumberReservation.Kind,
        _ database: Database
    ) throws(DropError) -> [HistoryStep.Change] {
        var result: [HistoryStep.Change] = []
        func name(_ key: UInt32) -> JSON? { key == 0 ? nil : .string(keys.name(key)) }
        if older.key != newer.key {
            let pointer = kind == .twins ? "/$metadata/$model" : "/$relationshipName"
            result.append(.init(pointer: pointer, before: name(older.key), after: patch.isDelete ? nil : name(newer.key)))
        }
        if kind == .relationships, older.target != newer.target {
            let after: JSON? = patch.isDelete ? nil : .string(try twinID(newer.target, database))
            result.append(.init(pointer: "/$targetId", before: .string(try twinID(older.target, database)), after: after))
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
    func pointer(_ key: UInt32) -> String { "/" + keys.name(key).replacing("~", with: "~0") }

    func provenance(_ drop: UInt64, _ record: UInt64, _ database: Database) throws(DropError) -> Provenance {
        let query = try RawStatement.cached(
            """
            SELECT d.id, d.source, d.file_name, d.plugin, c.sequence, c.time, d.link_drop FROM drops d
            LEFT JOIN drop_commit c ON c.drop_no = d.no WHERE d.no = ?
            """, database)
        query.bind(1, Int64(drop))
        defer { query.reset() }
        guard try query.step() else { return try provenance(ofCall: drop, database) }
        guard let id = DropID(query.text(0)), let source = SourceName(query.text(1)) else {
            throw StorageFailure.damaged("the drop with the number \(drop) has no valid id or source")
        }
        let plugin = (try? JSON(parsing: query.bytes(3))).flatMap(TransformSummary.init(json:))
        let origin = Provenance.RecordOrigin(
            drop: id, source: source, fileName: FileName(bytes: query.bytes(2)),
            corrects: try query.isNull(6) ? nil : corrected(by: drop, query.text(6), database), record: record,
            plugin: plugin.map { "\($0.pluginID) \($0.pluginVersion)" })
        return Provenance(origin: .record(origin), sequence: UInt64(query.integer(4)), time: UInt64(query.integer(5)))
    }

    /// The name of the file whose records a drop corrected: of the one it is linked to, or of the one that is linked to where it
    /// was tried again.
    private func corrected(by drop: UInt64, _ linked: String, _ database: Database) throws(DropError) -> FileName? {
        let query = try RawStatement.cached(
            """
            SELECT o.file_name FROM drops o WHERE o.id IN (?2, (SELECT link_drop FROM drops WHERE id = ?2))
            AND EXISTS (SELECT 1 FROM correction WHERE drop_no = o.no AND by_drop = ?1)
            """, database)
        query.bind(1, Int64(drop))
        query.bind(text: 2, linked)
        defer { query.reset() }
        return try query.step() ? FileName(bytes: query.bytes(0)) : nil
    }

    private func provenance(ofCall number: UInt64, _ database: Database) throws(DropError) -> Provenance {
        let query = try RawStatement.cached(
            "SELECT l.caller, l.what, c.sequence, c.time FROM call l JOIN drop_commit c ON c.drop_no = l.no WHERE l.no = ?",
            database)
        query.bind(1, Int64(number))
        defer { query.reset() }
        guard try query.step() else {
            throw StorageFailure.damaged("the drop or call with the number \(number) is missing")
        }
        return Provenance(
            origin: .call(.init(caller: Caller(name: query.text(0)), what: query.text(1))), sequence: UInt64(query.integer(2)),
            time: UInt64(query.integer(3)))
    }
}
