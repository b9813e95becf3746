import DropCore

/// Committed twins by number, as they are compared: the record is looked at where SQLite has it. Used inside one access.
struct TwinQuery {
    private let statement: RawStatement

    init(_ database: StoreTransaction) throws(DropError) {
        statement = try .cached("SELECT model, rec FROM twin WHERE no = ?", database)
    }

    /// False where there is none. `reset` afterwards in either case.
    @inline(__always)
    func find(_ number: UInt32) throws(DropError) -> Bool {
        statement.bind(1, number)
        return try statement.step()
    }

    @inline(__always)
    func reset() { statement.reset() }

    /// A global key; 0: none.
    @inline(__always)
    var model: UInt32 { UInt32(truncatingIfNeeded: statement.integer(0)) }

    func record() throws(DropError) -> TwinRecord { try TwinRecord(statement.bytes(1)) }

    /// See `RawStatement.sameProperties`.
    @inline(__always)
    func sameProperties(
        as bytes: borrowing Span<UInt8>, _ range: Range<Int>
    ) throws(DropError) -> (equal: Bool, created: UInt64, base: UInt64) {
        try statement.sameProperties(1, as: bytes, range)
    }
}

/// Committed relationships by number, as they are compared. Used inside one access.
struct RelationshipQuery {
    private let statement: RawStatement

    init(_ database: StoreTransaction) throws(DropError) {
        statement = try .cached("SELECT target, name, rec FROM relationship WHERE no = ?", database)
    }

    /// False where there is none. `reset` afterwards in either case.
    func find(_ number: UInt32) throws(DropError) -> Bool {
        statement.bind(1, number)
        return try statement.step()
    }

    func reset() { statement.reset() }

    var target: UInt32 { UInt32(truncatingIfNeeded: statement.integer(0)) }
    /// A global key.
    var name: UInt32 { UInt32(truncatingIfNeeded: statement.integer(1)) }

    func record() throws(DropError) -> TwinRecord { try TwinRecord(statement.bytes(2)) }
}
