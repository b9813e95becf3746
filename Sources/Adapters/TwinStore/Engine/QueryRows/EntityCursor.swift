import DropCore
import TwinModel

/// Twins or relationships as rows, for queries: bytes are copied out, nothing is decoded.
///
/// Used inside one access. `reset` when it is done with.
struct EntityCursor {
    private let statement: RawStatement

    /// Looks one up by its number; see `find`.
    init(of kind: Query.Variable.Kind, _ database: StoreTransaction) throws(DropError) {
        statement = try .cached("SELECT \(Self.columns(kind)) WHERE no = ?", database)
    }

    /// All from a number on, ascending.
    init(of kind: Query.Variable.Kind, from least: UInt32, _ database: StoreTransaction) throws(DropError) {
        statement = try RawStatement("SELECT \(Self.columns(kind)) WHERE no >= ? ORDER BY no", database)
        statement.bind(1, least)
    }

    private static func columns(_ kind: Query.Variable.Kind) -> String {
        kind == .twin ? "no, id, model, rec FROM twin" : "no, id, name, rec, source, target FROM relationship"
    }

    /// Goes to the row with a number; false where there is none.
    func find(_ number: UInt32) throws(DropError) -> Bool {
        statement.bind(1, number)
        return try statement.step()
    }

    /// Goes to the next row; false at the end.
    func step() throws(DropError) -> Bool { try statement.step() }

    func reset() { statement.reset() }

    var number: UInt32 { UInt32(truncatingIfNeeded: statement.integer(0)) }
    /// Model of a twin, name of a relationship: a global key.
    var key: UInt32 { UInt32(truncatingIfNeeded: statement.integer(2)) }
    var source: UInt32 { UInt32(truncatingIfNeeded: statement.integer(4)) }
    var target: UInt32 { UInt32(truncatingIfNeeded: statement.integer(5)) }

    @inline(__always)
    func copyID(into bytes: inout [UInt8]) { statement.copy(1, into: &bytes) }

    @inline(__always)
    func copyRecord(into bytes: inout [UInt8]) { statement.copy(3, into: &bytes) }
}
