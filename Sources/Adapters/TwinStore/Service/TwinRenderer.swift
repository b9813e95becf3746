import DropCore
import GRDB
import TwinModel

/// Writes stored twins and relationships as the twin service shows them (docs/azure-contract.md, "Twins" and "Relationships").
/// For one connection and one question: it remembers the times it has looked up.
final class TwinRenderer {
    private let store: TwinStore
    private let database: Database
    private let catalog: ModelCatalog
    private var times: [UInt64: Int64] = [:]
    private var lastTime: (ticks: Int64, text: String) = (0, CalendarText.ticks(0))

    /// - Parameter present: the call under way and its time, which the database does not have yet.
    init(_ store: TwinStore, _ database: Database, _ catalog: ModelCatalog, present: (call: UInt64, ticks: Int64)? = nil) {
        self.store = store
        self.database = database
        self.catalog = catalog
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

    /// A time as text. Most properties of a page were set by few drops: the last text is kept.
    private func text(_ ticks: Int64) -> String {
        if ticks != lastTime.ticks { lastTime = (ticks, CalendarText.ticks(ticks)) }
        return lastTime.text
    }

    func entity(twin: StoredEntity) throws(DropError) -> ServiceEntity {
        ServiceEntity(etag: store.etag(twin, kind: 0), document: try document(twin: twin))
    }

    /// The twin's document: `$dtId`, `$etag`, properties and components, `$metadata`.
    func document(twin: StoredEntity) throws(DropError) -> JSON {
        let parts = try parts(twin)
        var root: [JSON.Member] = []
        if twin.key != 0 { root.append(.init("$model", .string(store.keys.name(twin.key)))) }
        root.append(.init("$lastUpdateTime", .string(text(try lastUpdate(twin, parts)))))
        var members: [JSON.Member] = [.init("$dtId", .string(twin.id)), .init("$etag", .string(store.etag(twin, kind: 0)))]
        for part in parts {
            guard let component = part.component else {
                members += part.values
                root += part.metadata
                continue
            }
            members.append(.init(component, object(part)))
        }
        members.append(.init("$metadata", .object(root)))
        return .object(members)
    }

    /// The object of one component; nil where the twin has none of that name.
    func component(_ name: String, of twin: StoredEntity) throws(DropError) -> JSON? {
        try parts(twin).first { $0.component.map { $0.utf8.elementsEqual(name.utf8) } ?? false }.map(object)
    }

    private func object(_ part: Part) -> JSON {
        var metadata: [JSON.Member] = []
        if let ticks = part.ticks { metadata.append(.init("$lastUpdateTime", .string(text(ticks)))) }
        return .object(part.values + [.init("$metadata", .object(metadata + part.metadata))])
    }

    func entity(relationship: StoredEntity, source: String) throws(DropError) -> ServiceEntity {
        ServiceEntity(
            etag: store.etag(relationship, kind: 1), document: try document(relationship: relationship, source: source))
    }

    /// The relationship's document: ids, name, then its properties.
    func document(relationship: StoredEntity, source: String) throws(DropError) -> JSON {
        var members: [JSON.Member] = [
            .init("$relationshipId", .string(relationship.id)), .init("$etag", .string(store.etag(relationship, kind: 1))),
            .init("$sourceId", .string(source)), .init("$relationshipName", .string(store.keys.name(relationship.key))),
            .init("$targetId", .string(try store.twinID(relationship.target, database))),
        ]
        for property in relationship.record.properties {
            members.append(.init(store.keys.name(property.key), try property.decoded().json))
        }
        return .object(members)
    }

    // MARK: Parts

    /// The twin itself, or one component.
    private struct Part {
        let component: String?
        var values: [JSON.Member] = []
        var metadata: [JSON.Member] = []
        /// The last change that is known of it.
        var ticks: Int64?
    }

    /// The twin itself first, then the components it has values of, then those its model says it has.
    private func parts(_ twin: StoredEntity) throws(DropError) -> [Part] {
        var parts = [Part(component: nil)]
        func index(_ component: String) -> Int {
            if let known = parts.firstIndex(where: { $0.component.map { $0.utf8.elementsEqual(component.utf8) } ?? false }) {
                return known
            }
            parts.append(Part(component: component))
            return parts.count - 1
        }
        for property in twin.record.properties {
            let path = PropertyPath(key: store.keys.name(property.key))
            let place = path.component.map(index) ?? 0
            let ticks = try ticks(property.stamp.drop)
            parts[place].values.append(.init(path.name, try property.decoded().json))
            var times: [JSON.Member] = [.init("lastUpdateTime", .string(text(ticks)))]
            if let source = twin.record.extras.sourceTimes.first(where: { $0.key == property.key }) {
                times.append(.init("sourceTime", .string(String(decoding: source.text, as: UTF8.self))))
            }
            parts[place].metadata.append(.init(path.name, .object(times)))
            parts[place].ticks = max(parts[place].ticks ?? 0, ticks)
        }
        let shape = catalog.shape(twin.key)
        for name in shape?.components.keys.sorted() ?? [] { _ = index(name) }
        // A model that is gone cannot tell which components its twins have: those that callers gave are noted with the twin.
        if shape == nil { for (key, _) in twin.record.extras.levels { _ = index(store.keys.name(key)) } }
        for (key, drop) in twin.record.extras.levels {
            guard let place = parts.firstIndex(where: { $0.component == store.keys.name(key) }) else { continue }
            parts[place].ticks = max(parts[place].ticks ?? 0, try ticks(drop))
        }
        return parts
    }

    /// When anything of the twin was last changed.
    private func lastUpdate(_ twin: StoredEntity, _ parts: [Part]) throws(DropError) -> Int64 {
        let known = parts.compactMap(\.ticks).max() ?? 0
        guard twin.record.revision != 0 else { return max(known, try ticks(twin.record.created)) }
        // History may have been pruned: then the newest property must do.
        return max(
            known, try store.revisionDrop(twin.record.revision, database).map { (drop) throws(DropError) in try ticks(drop) } ?? 0
        )
    }
}
