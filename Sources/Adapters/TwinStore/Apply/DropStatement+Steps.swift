import DropCore

extension DropStatement {
    /// What a later operation of the same drop changed.
    enum Step {
        /// Nothing: the twin is as the earlier operation left it.
        case same
        case differs
        /// Everything is as it was before the drop.
        case reverted
    }

    static func step(from base: TwinRecord, _ before: DropStatement, _ after: DropStatement) -> Step {
        if before.kind == .delete || after.kind == .delete { return before.kind == after.kind ? .same : .differs }
        guard before.key == after.key else { return .differs }
        let first = before.applied(to: base)?.record ?? base
        let second = after.applied(to: base)?.record ?? base
        let isSame =
            first.properties.count == second.properties.count
            && zip(first.properties, second.properties).allSatisfy { $0.key == $1.key && $0.value == $1.value }
        return isSame ? .same : .differs
    }

    /// True when both cannot be so: one deletes, the models are two, or a property has two values. To say more is no
    /// contradiction.
    func contradicts(_ before: DropStatement) -> Bool {
        if kind == .delete || before.kind == .delete { return kind != before.kind }
        if key != 0, before.key != 0, key != before.key { return true }
        let now = Dictionary(properties.map { ($0.key, $0.value) }) { $1 }
        return before.properties.contains { property in
            if let value = now[property.key] { return value != property.value }
            return kind == .replace && !property.isAbsent
        }
    }

    /// True when the record has all this says already. `key` is its model or relationship name.
    func changesNothing(in base: TwinRecord, key: UInt32) -> Bool {
        kind != .delete && (self.key == 0 || self.key == key) && applied(to: base) == nil
    }

    /// The statement of a change log entry, whose record bytes are `bytes`.
    init(_ entry: ChangeEntry, _ bytes: [UInt8]) throws(DropError) {
        let record = try TwinRecord(bytes)
        let kind: Kind =
            switch entry.verb {
            case .upsertTwin, .patchTwin, .upsertRelationship: .merge
            case .replaceTwin, .replaceRelationship: .replace
            case .deleteTwin, .deleteRelationship: .delete
            }
        self.init(kind: kind, key: entry.key, properties: record.properties, record: entry.record)
    }

    /// As the record that `drop` would make of it; see `TwinRecord`.
    func encoded(by drop: UInt64) -> [UInt8] {
        var record = TwinRecord(created: drop, base: .init(drop: drop, record: self.record))
        record.properties = properties
        return record.encoded()
    }
}

extension TwinRecord {
    /// A record of nothing, to apply statements to.
    static var nothing: TwinRecord { TwinRecord(created: 0, base: .init(drop: 0, record: 0)) }
}
