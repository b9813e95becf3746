import DropCore
import GRDB
import Synchronization
import TwinModel
import TwinService

/// Rebuilds what the process keeps beside the database: at open, before anybody else has the store; and what waits, on the
/// writer's thread.
struct StoreLoader {
    private let store: StoreEngine

    init(_ store: StoreEngine) { self.store = store }

    /// Rebuilds what the process keeps.
    func load() throws(DropError) {
        try store.reading { (database) throws(DropError) in
            try loadCounters(database)
            try loadSources(database)
            try loadModels(database)
            try loadTwins(database)
            try loadRelationships(database)
            try loadWaiting(database)
            try PropertyIndexes(store: store).load(database)
        }
    }

    /// What a reader keeps: names and counters, no identities.
    func loadNames(withModels: Bool) throws(DropError) {
        try store.reading { (database) throws(DropError) in
            try loadCounters(database)
            try loadSources(database)
            try PropertyIndexes(store: store).load(database)
            if withModels { try loadModels(database) }
        }
    }

    private func loadCounters(_ database: Database) throws(DropError) {
        func number(_ sql: String) throws(DropError) -> Int64 {
            let query = try RawStatement(sql, database)
            defer { query.reset() }
            return try query.step() ? query.integer(0) : 0
        }
        var loaded = Numbers.State()
        let twin = try max(number("SELECT max(no) FROM twin"), number("SELECT max(no) FROM gone WHERE kind = 0"))
        let relationship = try max(
            number("SELECT max(no) FROM relationship"), number("SELECT max(no) FROM gone WHERE kind = 1"))
        loaded.nextTwin = UInt32(twin + 1)
        loaded.nextRelationship = UInt32(relationship + 1)
        loaded.nextDrop = UInt64(try max(number("SELECT max(no) FROM drops"), number("SELECT max(no) FROM call")) + 1)
        loaded.sequence = UInt64(try number("SELECT max(sequence) FROM drop_commit"))
        loaded.lastTime = UInt64(try number("SELECT max(time) FROM drop_commit"))
        loaded.lastTicks = try number("SELECT time * 10000 + ticks FROM drop_commit ORDER BY sequence DESC LIMIT 1")
        let revision = try max(
            number("SELECT max(no) + 1 FROM revision"), number("SELECT max(first_revision) FROM drop_commit"))
        loaded.nextRevision = UInt64(max(1, revision))
        let fixed = loaded
        store.numbers.state.withLock { $0 = fixed }
        var names: [(number: UInt32, name: String)] = []
        let query = try RawStatement("SELECT no, name FROM key ORDER BY no", database)
        while try query.step() { names.append((UInt32(truncatingIfNeeded: query.integer(0)), query.text(1))) }
        query.reset()
        store.keys.load(names)
    }

    private func loadSources(_ database: Database) throws(DropError) {
        let drops = try RawStatement(
            "SELECT d.no, d.source, d.scope FROM drops d JOIN drop_commit c ON c.drop_no = d.no", database)
        while try drops.step() {
            guard let source = SourceName(drops.text(1)) else { throw StorageFailure.damaged("a source has no valid name") }
            store.sources.note(drop: UInt64(drops.integer(0)), of: source, scope: drops.text(2))
        }
        drops.reset()
        let sources = try RawStatement("SELECT name, is_bare FROM source", database)
        while try sources.step() {
            guard let source = SourceName(sources.text(0)) else { throw StorageFailure.damaged("a source has no valid name") }
            let cache = store.sources.cache(of: source)
            cache.hasUnstampedValues = sources.integer(1) != 0
            cache.isNoted = true
        }
        sources.reset()
        let refusals = try RawStatement("SELECT DISTINCT source FROM refusal", database)
        while try refusals.step() { SourceName(refusals.text(0)).map { store.sources.cache(of: $0).tracking.hasRefusals = true } }
        refusals.reset()
        let unfinished =
            "state IN ('claimed', 'registered') AND (released <> 0 OR link_kind = 'retries') AND \(StoreSchema.unfinishedSQL)"
        let setAside = try RawStatement(
            """
            SELECT DISTINCT source FROM drops WHERE state IN ('held', 'quarantined') AND \(StoreSchema.setAsideSQL)
            UNION SELECT DISTINCT source FROM drops WHERE \(unfinished)
            """, database)
        while try setAside.step() { SourceName(setAside.text(0)).map { store.sources.cache(of: $0).tracking.noteSetAside() } }
        setAside.reset()
        let names = try RawStatement("SELECT source, key FROM source_key ORDER BY source, no", database)
        while try names.step() {
            guard let source = SourceName(names.text(0)) else { throw StorageFailure.damaged("a source has no valid name") }
            store.sources.cache(of: source).persistedKeys.append(store.keys.name(UInt32(truncatingIfNeeded: names.integer(1))))
        }
        names.reset()
    }

    /// What the drop that owns something made it part of.
    private func owned(by drop: UInt64) -> OwnedNumbers? {
        guard let source = store.sources.source(ofDrop: drop) else { return nil }
        return store.sources.cache(of: source).owned(store.sources.scope(ofDrop: drop))
    }

    private func loadTwins(_ database: Database) throws(DropError) {
        var last: (drop: UInt64, owned: OwnedNumbers?) = (0, nil)
        let query = try RawStatement("SELECT no, id, rec, model FROM twin", database)
        while try query.step() {
            let number = UInt32(truncatingIfNeeded: query.integer(0))
            _ = store.identities.twins.enter(query.identity(1, store.identities.hash), number)
            store.versions.twins[number] = 1
            store.versions.twinModels.load(number, model: UInt32(truncatingIfNeeded: query.integer(3)))
            let owner = try query.ownerDrop(2)
            if owner != last.drop { last = (owner, owned(by: owner)) }
            last.owned?.twins.insert(number)
        }
        query.reset()
        store.versions.twinModels.loaded(store.numbers.state.withLock { $0.sequence })
    }

    private func loadRelationships(_ database: Database) throws(DropError) {
        let query = try RawStatement(
            "SELECT r.no, t.id, r.id, r.rec FROM relationship r JOIN twin t ON t.no = r.source", database)
        while try query.step() {
            let number = UInt32(truncatingIfNeeded: query.integer(0))
            _ = store.identities.relationships.enter(
                store.identities.relationshipHash(source: query.bytes(1), id: query.bytes(2)), number)
            store.versions.relationships[number] = 1
            owned(by: try query.ownerDrop(3))?.relationships.insert(number)
        }
        query.reset()
    }

    func loadWaiting(_ database: Database) throws(DropError) {
        var ids: Set<IdentityHash> = []
        var own: Set<IdentityHash> = []
        let query = try RawStatement("SELECT source_id, target_id, id FROM pending", database)
        while try query.step() {
            ids.formUnion([store.identities.hash.identity(query.bytes(0)), store.identities.hash.identity(query.bytes(1))])
            own.insert(store.identities.relationshipHash(source: query.bytes(0), id: query.bytes(2)))
        }
        query.reset()
        let (ends, relationships) = (ids, own)
        store.identities.waiting.withLock { ($0.twins, $0.relationships) = (ends, relationships) }
    }

    /// Reads the stored models. One that this version's parser refuses stays stored, and its twins cannot be written.
    func loadModels(_ database: Database) throws(DropError) {
        let query = try RawStatement("SELECT id, text, uploaded, is_decommissioned FROM model ORDER BY id", database)
        var stored: [(id: String, text: [UInt8], uploaded: Int64, isDecommissioned: Bool)] = []
        while try query.step() { stored.append((query.text(0), query.bytes(1), query.integer(2), query.integer(3) != 0)) }
        query.reset()
        guard !stored.isEmpty else {
            store.catalog.present.withLock { $0 = .empty }
            return
        }
        let set = ModelIntake.read(stored: stored.map { ($0.id, $0.text) })
        var entries: [String: ModelCatalog.Entry] = [:]
        for (id, text, uploaded, isDecommissioned) in stored {
            guard let interface = set.interfaces[id] else { continue }
            entries[id] = .init(interface, text, uploaded: uploaded, isDecommissioned: isDecommissioned)
        }
        let loaded = KeyedModels(ModelCatalog(entries, set)) { store.keys.number(of: $0) }
        store.catalog.present.withLock { $0 = loaded }
    }
}
