import DropCore

/// What is counted of the drops of each source. Used inside one access.
struct SourceCounts {
    let database: StoreTransaction

    init(_ database: StoreTransaction) { self.database = database }

    /// How many drops of each source are in each state.
    func states() throws(DropError) -> [SourceName: [DropState: Int]] {
        var states: [SourceName: [DropState: Int]] = [:]
        let query = try RawStatement("SELECT source, state, count(*) FROM drops GROUP BY source, state", database)
        defer { query.reset() }
        while try query.step() {
            guard let source = SourceName(query.text(0)), let state = DropState(rawValue: query.text(1)) else { continue }
            states[source, default: [:]][state] = Int(query.integer(2))
        }
        return states
    }

    /// When the newest drop of a source was committed; nil before the first.
    func newestCommit(of source: SourceName) throws(DropError) -> UInt64? {
        let newest = try RawStatement.cached(
            "SELECT max(c.time) FROM drops d JOIN drop_commit c ON c.drop_no = d.no WHERE d.source = ?", database)
        newest.bind(text: 1, Array(source.text.utf8))
        defer { newest.reset() }
        return try newest.step() && !newest.isNull(0) ? UInt64(newest.integer(0)) : nil
    }

    /// How many drops of each source have refused records that nobody has corrected since.
    func openRejects() throws(DropError) -> [SourceName: Int] {
        var counts: [SourceName: Int] = [:]
        let query = try RawStatement.cached(
            "SELECT source, count(*) FROM drops INDEXED BY drops_open_rejects WHERE \(StoreSchema.openRejectsSQL) GROUP BY source",
            database)
        defer { query.reset() }
        while try query.step() {
            guard let source = SourceName(query.text(0)) else { continue }
            counts[source] = Int(query.integer(1))
        }
        return counts
    }

    /// The newest time written down with a drop, in milliseconds since 1970; 0 where there is none.
    func newestLabel() throws(DropError) -> UInt64 {
        let query = try RawStatement("SELECT max(changed_at) FROM drops", database)
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : 0
    }
}
