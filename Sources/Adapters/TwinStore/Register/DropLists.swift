package import DropCore
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
            let counts = SourceCounts(database)
            var result: [SourceStatistics] = []
            for (source, drops) in try counts.states().sorted(by: { $0.key < $1.key }) {
                let owned = store.sources.cache(of: source).ownedCounts
                result.append(
                    SourceStatistics(
                        source: source, drops: drops, ownedTwins: owned.twins, ownedRelationships: owned.relationships,
                        newestCommit: try counts.newestCommit(of: source)))
            }
            return result
        }
    }

    /// How many drops of each source have refused records that nobody has corrected since.
    package func openRejects() throws(DropError) -> [SourceName: Int] {
        try store.reading { (database) throws(DropError) in try SourceCounts(database).openRejects() }
    }

    /// The newest time written down in it, in milliseconds since 1970; 0 in an empty one.
    package func newestLabel() throws(DropError) -> UInt64 {
        try store.reading { (database) throws(DropError) in try SourceCounts(database).newestLabel() }
    }

    /// What people did to a drop, oldest first.
    package func acts(on drop: DropID) throws(DropError) -> [Act] {
        try store.reading { (database) throws(DropError) in try ActRows.acts(on: drop, database) }
    }

    /// All that people did, oldest first.
    package func acts() throws(DropError) -> [Act] {
        try store.reading { (database) throws(DropError) in try ActRows.all(database) }
    }

    /// The newest applied drop of the source, amendments counted; nil before the first.
    package func newest(of source: SourceName) throws(DropError) -> DropRecord? {
        try store.reading { (database) throws(DropError) in try DropLookups(database).newestCommit(of: source) }
    }
}

extension SourceCache {
    var ownedCounts: (twins: Int, relationships: Int) {
        scopes.values.reduce((0, 0)) { ($0.0 + $1.twins.count, $0.1 + $1.relationships.count) }
    }
}
