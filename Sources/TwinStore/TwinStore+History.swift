package import DropCore
import GRDB
package import TwinModel

/// Where a change came from.
package struct Provenance: Sendable, Equatable {
    package enum Origin: Sendable, Equatable {
        case record(RecordOrigin)
        case call(CallOrigin)
    }

    /// A record of a dropped file.
    package struct RecordOrigin: Sendable, Equatable {
        package let drop: DropID
        package let source: SourceName
        package let fileName: FileName
        /// Number of the record in the file, from 1; 0 where no record said it (absent from a snapshot).
        package let record: UInt64
        /// Identifier and version of the plugin; nil where the drop has none.
        package let plugin: String?
    }

    /// A call of the twin service.
    package struct CallOrigin: Sendable, Equatable {
        package let caller: Caller
        /// What was called: `put twin`.
        package let what: String
    }

    package let origin: Origin
    package let sequence: UInt64
    /// Milliseconds since 1970.
    package let time: UInt64

    /// The record, where it was one.
    package var record: RecordOrigin? { if case .record(let origin) = origin { origin } else { nil } }

    /// The call, where it was one.
    package var call: CallOrigin? { if case .call(let origin) = origin { origin } else { nil } }
}

/// One step in the life of a twin.
package struct HistoryStep: Sendable, Equatable {
    package enum Kind: String, Sendable { case created, updated, deleted }

    /// A property that changed; nil stands for none. The model has the pointer `/$metadata/$model`.
    package struct Change: Sendable, Equatable {
        package let pointer: String
        package let before: JSON?
        package let after: JSON?
    }

    package let kind: Kind
    package let provenance: Provenance
    package let changes: [Change]
}

/// Who set a property, and what it was before.
package struct Explanation: Sendable, Equatable {
    package let pointer: String
    package let value: JSON
    package let setBy: Provenance
    /// The value it had before; nil where it had none, or where history does not reach back.
    package let before: JSON?
    /// Who had set that one.
    package let beforeSetBy: Provenance?
}

extension TwinStore {
    /// The life of a twin, newest first: of the one with this id now, then of those that had it before. At most `limit` steps.
    package func history(_ id: String, limit: Int = 1000) throws(DropError) -> [HistoryStep] {
        try reading { (database) throws(DropError) in
            var steps: [HistoryStep] = []
            for var entity in try incarnations(id, database) {
                while steps.count < limit, let revision = try revision(entity.record.revision, database) {
                    let newer = entity
                    entity.undo(revision.patch)
                    steps.append(
                        HistoryStep(
                            kind: revision.patch.isDelete ? .deleted : .updated,
                            provenance: try provenance(revision.drop, revision.record, database),
                            changes: try changes(from: entity, to: newer, revision.patch)))
                }
                guard steps.count < limit, entity.record.revision == 0 else { continue }
                steps.append(
                    HistoryStep(
                        kind: .created, provenance: try provenance(entity.record.created, entity.record.base.record, database),
                        changes: try entity.record.properties.map { (property) throws(DropError) in
                            .init(pointer: pointer(property.key), before: nil, after: try property.decoded().json)
                        }))
            }
            return steps
        }
    }

    /// Who set the properties of a twin: of the one `pointer` names (`/status`, `/thermostat/target`), else of all. Empty when
    /// there is
    /// no such twin or property.
    package func explain(_ id: String, _ pointer: String? = nil) throws(DropError) -> [Explanation] {
        try reading { (database) throws(DropError) in
            guard let entity = try twinEntity(id, asOf: nil, database) else { return [] }
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
                        before: before.flatMap { $0.isAbsent ? nil : try? $0.decoded().json }, beforeSetBy: beforeSetBy))
            }
            return result
        }
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

    /// The twin with this id, then deleted ones that had it, newest first; these as nothing, with their last revision.
    private func incarnations(_ id: String, _ database: Database) throws(DropError) -> [StoredEntity] {
        var result: [StoredEntity] = []
        if let entity = try twinEntity(id, asOf: nil, database) { result.append(entity) }
        let query = try RawStatement("SELECT no, last_revision FROM gone WHERE id = ? AND kind = 0 ORDER BY no DESC", database)
        query.bind(text: 1, Array(id.utf8))
        defer { query.reset() }
        while try query.step() {
            var nothing = TwinRecord.nothing
            nothing.revision = UInt64(query.integer(1))
            result.append(StoredEntity(number: UInt32(truncatingIfNeeded: query.integer(0)), id: id, key: 0, record: nothing))
        }
        return result
    }

    private func changes(
        from older: StoredEntity, to newer: StoredEntity, _ patch: RevisionPatch
    ) throws(DropError) -> [HistoryStep.Change] {
        var result: [HistoryStep.Change] = []
        if older.key != newer.key {
            func name(_ key: UInt32) -> JSON? { key == 0 ? nil : .string(keys.name(key)) }
            result.append(.init(pointer: "/$metadata/$model", before: name(older.key), after: name(newer.key)))
        }
        for property in patch.record.properties {
            let after = patch.isDelete ? nil : newer.record.property(property.key)
            if after?.value == property.value { continue }  // Said again, no more.
            result.append(
                .init(
                    pointer: pointer(property.key), before: property.isAbsent ? nil : try property.decoded().json,
                    after: try after?.decoded().json))
        }
        return result
    }

    /// The JSON pointer (RFC 6901) of a property; a component's name is its first step.
    private func pointer(_ key: UInt32) -> String { "/" + keys.name(key).replacing("~", with: "~0") }

    func provenance(_ drop: UInt64, _ record: UInt64, _ database: Database) throws(DropError) -> Provenance {
        let query = try RawStatement.cached(
            """
            SELECT d.id, d.source, d.file_name, d.plugin, c.sequence, c.time FROM drops d
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
            drop: id, source: source, fileName: FileName(bytes: query.bytes(2)), record: record,
            plugin: plugin.map { "\($0.pluginID) \($0.pluginVersion)" })
        return Provenance(origin: .record(origin), sequence: UInt64(query.integer(4)), time: UInt64(query.integer(5)))
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
