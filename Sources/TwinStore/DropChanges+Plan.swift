package import DropCore
import GRDB
package import TwinModel

/// One change a drop would make, for a dry run.
package struct PlannedChange: Sendable, Equatable {
    package enum Kind: String, Sendable { case twin, relationship }

    package let kind: Kind
    /// The twin's id; for a relationship `SOURCE/ID`.
    package let id: String
    package let outcome: Outcome
    /// As the twin service shows it, without tag and metadata but for the model; nil where there is nothing.
    package let before: JSON?
    package let after: JSON?
}

extension DropChanges {
    /// Calls `body` with every change: those of operations, by and large in the order of the file (within a frame, new twins come
    /// first), then deletions by absence. Before a commit only.
    package func forEachChange(_ body: (PlannedChange) -> Void) throws(DropError) {
        let comparison = comparison
        try comparison.store.reading { (database) throws(DropError) in
            try comparison.log.forEach { (place, view) throws(DropError) in
                let places = view.isTwin ? comparison.twinPlaces : comparison.relationshipPlaces
                guard places[view.number] == place else { return }
                if let change = try planned(view.head, view, database) { body(change) }
            }
            for number in comparison.twinsGone {
                let id = try comparison.store.twinID(number, database)
                let before = try comparison.store.state(ofTwin: number, id: id, asOf: nil, database)
                body(
                    PlannedChange(
                        kind: .twin, id: id, outcome: .deleted,
                        before: try before.map { (entity) throws(DropError) in try json(entity.key, entity.record, "$model") },
                        after: nil))
            }
        }
    }

    private func planned(
        _ entry: ChangeEntry, _ view: borrowing ChangeLog.View, _ database: Database
    ) throws(DropError) -> PlannedChange? {
        let names = entry.idLength + entry.targetLength + entry.relationshipLength
        let statement = try DropStatement(entry, view.bytes(names..<view.length - ChangeLog.headLength))
        let isTwin = entry.kind == .twin
        guard !(entry.isNew && statement.kind == .delete) else { return nil }
        var id = String(decoding: view.bytes(0..<entry.idLength), as: UTF8.self)
        if !isTwin { id += "/" + String(decoding: view.bytes(entry.idLength + entry.targetLength..<names), as: UTF8.self) }
        let label = isTwin ? "$model" : "$relationshipName"
        var before: (UInt32, TwinRecord)?
        if !entry.isNew {
            let table = isTwin ? "SELECT model, rec FROM twin WHERE no = ?" : "SELECT name, rec FROM relationship WHERE no = ?"
            let query = try RawStatement.cached(table, database)
            query.bind(1, entry.number)
            if try query.step() { before = (UInt32(truncatingIfNeeded: query.integer(0)), try TwinRecord(query.bytes(1))) }
            query.reset()
        }
        let old = try before.map { (key, record) throws(DropError) in try json(key, record, label) }
        guard statement.kind != .delete else {
            return PlannedChange(kind: isTwin ? .twin : .relationship, id: id, outcome: .deleted, before: old, after: nil)
        }
        let base = before?.1 ?? .nothing
        let new = try json(
            statement.key == 0 ? before?.0 ?? 0 : statement.key, statement.applied(to: base)?.record ?? base, label)
        return PlannedChange(
            kind: isTwin ? .twin : .relationship, id: id, outcome: before == nil ? .created : .updated, before: old, after: new)
    }

    private func json(_ key: UInt32, _ record: TwinRecord, _ label: String) throws(DropError) -> JSON {
        let keys = comparison.store.keys
        var members: [JSON.Member] = key == 0 ? [] : [.init(label, .string(keys.name(key)))]
        for property in record.properties { members.append(.init(keys.name(property.key), try property.decoded().json)) }
        return .object(members)
    }
}
