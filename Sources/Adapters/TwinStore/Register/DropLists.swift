package import DropCore
import GRDB
import TwinModel

/// What the register has of one source, for `status`.
package struct SourceStatistics: Sendable, Equatable {
    package let source: SourceName
    package let drops: [DropState: Int]
    package let ownedTwins: Int
    package let ownedRelationships: Int
    /// Milliseconds since 1970 of its newest commit; nil before the first.
    package let newestCommit: UInt64?
}

/// What commands and metrics list of drops and sources.
///
/// Any thread; each call reads one moment.
package struct DropLists: Sendable {
    let store: StoreEngine

    /// One line per source that ever had a drop, by name.
    package func statistics() throws(DropError) -> [SourceStatistics] {
        try store.reading { (database) throws(DropError) in
            var states: [SourceName: [DropState: Int]] = [:]
            let query = try RawStatement("SELECT source, state, count(*) FROM drops GROUP BY source, state", database)
            while try query.step() {
                guard let source = SourceName(query.text(0)), let state = DropState(rawValue: query.text(1)) else { continue }
                states[source, default: [:]][state] = Int(query.integer(2))
            }
            query.reset()
            var result: [SourceStatistics] = []
            for (source, drops) in states.sorted(by: { $0.key < $1.key }) {
                let newest = try RawStatement.cached(
                    "SELECT max(c.time) FROM drops d JOIN drop_commit c ON c.drop_no = d.no WHERE d.source = ?", database)
                newest.bind(text: 1, Array(source.text.utf8))
                let time = try newest.step() && !newest.isNull(0) ? UInt64(newest.integer(0)) : nil
                newest.reset()
                let owned = store.sources.cache(of: source).ownedCounts
                result.append(
                    SourceStatistics(
                        source: source, drops: drops, ownedTwins: owned.twins, ownedRelationships: owned.relationships,
                        newestCommit: time))
            }
            return result
        }
    }

    /// How many drops of each source have refused records that nobody has corrected since.
    package func openRejects() throws(DropError) -> [SourceName: Int] {
        var counts: [SourceName: Int] = [:]
        try store.reading { (database) throws(DropError) in
            let query = try RawStatement.cached(
                "SELECT source, count(*) FROM drops INDEXED BY drops_open_rejects WHERE \(StoreSchema.openRejectsSQL) GROUP BY source",
                database)
            defer { query.reset() }
            while try query.step() {
                guard let source = SourceName(query.text(0)) else { continue }
                counts[source] = Int(query.integer(1))
            }
        }
        return counts
    }

    /// The newest time written down in it, in milliseconds since 1970; 0 in an empty one.
    package func newestLabel() throws(DropError) -> UInt64 {
        try store.reading { (database) throws(DropError) in
            let query = try RawStatement("SELECT max(changed_at) FROM drops", database)
            defer { query.reset() }
            return try query.step() ? UInt64(query.integer(0)) : 0
        }
    }

    /// What people did to a drop, oldest first.
    package func acts(on drop: DropID) throws(DropError) -> [Act] {
        try store.reading { (database) throws(DropError) in
            try ActRows.fetch("WHERE drop_id = ? ORDER BY id", [drop.description.databaseValue], database)
        }
    }

    /// All that people did, oldest first.
    package func acts() throws(DropError) -> [Act] {
        try store.reading { (database) throws(DropError) in try ActRows.fetch("ORDER BY id", [], database) }
    }

    /// The newest applied drop of the source, amendments counted; nil before the first.
    package func newest(of source: SourceName) throws(DropError) -> DropRecord? {
        try fetch(
            "JOIN drop_commit ON drop_commit.drop_no = drops.no WHERE source = ? ORDER BY sequence DESC LIMIT 1",
            [source.text.databaseValue]
        ).first
    }

    private func fetch(_ tail: String, _ arguments: [DatabaseValue]) throws(DropError) -> [DropRecord] {
        try store.reading { (database) throws(DropError) in try DropRows.fetch(tail, arguments, database) }
    }
}

extension SourceCache {
    var ownedCounts: (twins: Int, relationships: Int) {
        scopes.values.reduce((0, 0)) { ($0.0 + $1.twins.count, $0.1 + $1.relationships.count) }
    }
}
