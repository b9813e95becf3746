import DropCore

/// Rows of relationships, for the writer. Prepared once per connection by GRDB's cache; used inside one access.
final class RelationshipStatements {
    /// A relationship as it is now in the transaction, but for its id.
    struct State {
        let source: UInt32
        let target: UInt32
        /// A global key.
        let name: UInt32
        let record: TwinRecord
    }

    private let insertRow: RawStatement
    private let select: RawStatement
    private let updateRow: RawStatement
    private let deleteRow: RawStatement
    private let from: RawStatement
    private let to: RawStatement

    init(_ database: StoreTransaction) throws(DropError) {
        insertRow = try .cached(
            "INSERT INTO relationship(no, id, source, target, name, rec) VALUES(?, ?, ?, ?, ?, ?)", database)
        select = try .cached("SELECT id, source, target, name, rec FROM relationship WHERE no = ?", database)
        updateRow = try .cached("UPDATE relationship SET target = ?, name = ?, rec = ? WHERE no = ?", database)
        deleteRow = try .cached("DELETE FROM relationship WHERE no = ?", database)
        from = try .cached("SELECT no FROM relationship WHERE source = ?", database)
        to = try .cached("SELECT no FROM relationship WHERE target = ?", database)
    }

    func insert(_ number: UInt32, id: [UInt8], _ state: State) throws(DropError) {
        insertRow.bind(1, number)
        insertRow.bind(text: 2, id)
        insertRow.bind(3, state.source)
        insertRow.bind(4, state.target)
        insertRow.bind(5, state.name)
        insertRow.bind(blob: 6, state.record.encoded())
        try insertRow.run()
    }

    /// Nil where there is none of that number.
    func state(of number: UInt32) throws(DropError) -> State? {
        select.bind(1, number)
        defer { select.reset() }
        return try select.step() ? try found() : nil
    }

    /// As `state`, with its id.
    func row(of number: UInt32) throws(DropError) -> (id: [UInt8], state: State)? {
        select.bind(1, number)
        defer { select.reset() }
        guard try select.step() else { return nil }
        return (select.bytes(0), try found())
    }

    private func found() throws(DropError) -> State {
        State(
            source: UInt32(truncatingIfNeeded: select.integer(1)), target: UInt32(truncatingIfNeeded: select.integer(2)),
            name: UInt32(truncatingIfNeeded: select.integer(3)), record: try TwinRecord(select.bytes(4)))
    }

    func update(_ number: UInt32, target: UInt32, name: UInt32, _ record: TwinRecord) throws(DropError) {
        updateRow.bind(1, target)
        updateRow.bind(2, name)
        updateRow.bind(blob: 3, record.encoded())
        updateRow.bind(4, number)
        try updateRow.run()
    }

    func delete(_ number: UInt32) throws(DropError) {
        deleteRow.bind(1, number)
        try deleteRow.run()
    }

    /// Those that start at a twin, then those that end at it: one of a twin with itself stands twice.
    func numbers(at twin: UInt32) throws(DropError) -> [UInt32] {
        var numbers: [UInt32] = []
        try collect(from, twin, &numbers)
        try collect(to, twin, &numbers)
        return numbers
    }

    private func collect(_ query: RawStatement, _ twin: UInt32, _ numbers: inout [UInt32]) throws(DropError) {
        query.bind(1, twin)
        defer { query.reset() }
        while try query.step() { numbers.append(UInt32(truncatingIfNeeded: query.integer(0))) }
    }

    /// Whether one starts or ends at a twin.
    func hasAny(at twin: UInt32) throws(DropError) -> Bool {
        if try hasRow(from, twin) { return true }
        return try hasRow(to, twin)
    }

    private func hasRow(_ query: RawStatement, _ twin: UInt32) throws(DropError) -> Bool {
        query.bind(1, twin)
        defer { query.reset() }
        return try query.step()
    }
}
