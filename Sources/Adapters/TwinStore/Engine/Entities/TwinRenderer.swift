import DropCore
import GRDB
import TwinModel
import TwinService

/// Writes stored twins and relationships as the twin service shows them (docs/azure-contract.md, "Twins" and "Relationships").
/// For one connection and one question: it remembers the times it has looked up.
final class TwinRenderer {
    private let store: StoreEngine
    private let database: Database
    private let keyed: KeyedModels
    private var times: [UInt64: Int64] = [:]
    private var texts = TickTexts()

    /// - Parameter present: the call under way and its time, which the database does not have yet.
    init(_ store: StoreEngine, _ database: Database, _ keyed: KeyedModels, present: (call: UInt64, ticks: Int64)? = nil) {
        self.store = store
        self.database = database
        self.keyed = keyed
        if let present { times[present.call] = present.ticks }
    }

    /// When a drop or call was committed, in units of 100 nanoseconds since 1970; 0 for one that never was.
    func ticks(_ drop: UInt64) throws(DropError) -> Int64 {
        if let known = times[drop] { return known }
        if times.count > 4096 { times.removeAll(keepingCapacity: true) }
        let query = try RawStatement.cached("SELECT time * 10000 + ticks FROM drop_commit WHERE drop_no = ?", database)
        query.bind(1, Int64(drop))
        defer { query.reset() }
        let ticks = try query.step() ? query.integer(0) : 0
        times[drop] = ticks
        return ticks
    }

    /// The twin's document: `$dtId`, `$etag`, properties and components, `$metadata`.
    func document(twin: StoredEntity) throws(DropError) -> JSON {
        try view(of: twin, isDated: true).document(&texts)
    }

    /// The relationship's document: ids, name, then its properties.
    func document(relationship: StoredEntity, source: String) throws(DropError) -> JSON {
        let ids = RelationshipIDs(
            id: relationship.id, source: source, target: try store.states.twinID(relationship.target, database))
        return RelationshipView.document(
            ids, tag: store.states.etag(relationship, kind: 1), name: store.keys.name(relationship.key),
            try values(of: relationship))
    }

    func values(of relationship: StoredEntity) throws(DropError) -> [JSON.Member] {
        var values: [JSON.Member] = []
        values.reserveCapacity(relationship.record.properties.count)
        for property in relationship.record.properties {
            values.append(.init(store.keys.name(property.key), try property.decoded().json))
        }
        return values
    }

    /// The twin itself first, then the components it has values of, then those its model says it has.
    ///
    /// - Parameter isDated: with the time of its last change.
    func view(of twin: StoredEntity, isDated: Bool) throws(DropError) -> TwinView {
        var view = TwinView(
            id: twin.id, tag: store.states.etag(twin, kind: 0), model: twin.key == 0 ? nil : store.keys.name(twin.key))
        let extras = twin.record.extras
        for property in twin.record.properties {
            let sourceTime = extras.sourceTimes.first { $0.key == property.key }
            view.add(
                PropertyPath(key: store.keys.name(property.key)), try property.decoded().json,
                at: try ticks(property.stamp.drop), sourceTime: sourceTime.map { String(decoding: $0.text, as: UTF8.self) },
                &texts)
        }
        let shape = keyed.shape(twin.key)
        for name in shape?.components.keys.sorted() ?? [] { view.add(component: name) }
        // A model that is gone cannot tell which components its twins have: those that callers gave are noted with the twin.
        if shape == nil { for (key, _) in extras.levels { view.add(component: store.keys.name(key)) } }
        for (key, drop) in extras.levels { view.note(component: store.keys.name(key), at: try ticks(drop)) }
        if isDated { view.lastUpdate = try lastUpdate(twin, view.newest) }
        return view
    }

    /// When anything of the twin was last changed.
    ///
    /// - Parameter known: the last change that properties and components tell.
    private func lastUpdate(_ twin: StoredEntity, _ known: Int64) throws(DropError) -> Int64 {
        guard twin.record.revision != 0 else { return max(known, try ticks(twin.record.created)) }
        // History may have been pruned: then the newest property must do.
        return max(
            known,
            try store.states.revisionDrop(twin.record.revision, database).map { (drop) throws(DropError) in try ticks(drop) } ?? 0
        )
    }
}
