import DropCore

/// Rows of twins, for the writer. Prepared once per connection by GRDB's cache; used inside one access.
final class TwinStatements {
    private let insertRow: RawStatement
    private let select: RawStatement
    private let updateRow: RawStatement
    private let deleteRow: RawStatement

    init(_ database: StoreTransaction) throws(DropError) {
        insertRow = try .cached("INSERT INTO twin(no, id, model, rec) VALUES(?, ?, ?, ?)", database)
        select = try .cached("SELECT id, model, rec FROM twin WHERE no = ?", database)
        updateRow = try .cached("UPDATE twin SET model = ?, rec = ? WHERE no = ?", database)
        deleteRow = try .cached("DELETE FROM twin WHERE no = ?", database)
    }

    /// - Parameter model: a global key; nil: none.
    func insert(_ number: UInt32, id: [UInt8], model: UInt32?, _ record: TwinRecord) throws(DropError) {
        insertRow.bind(1, number)
        insertRow.bind(text: 2, id)
        if let model { insertRow.bind(3, model) } else { insertRow.bindNull(3) }
        insertRow.bind(blob: 4, record.encoded())
        try insertRow.run()
    }

    /// A twin as it is now in this transaction; nil where there is none. Its model is 0 where it has none.
    func state(of number: UInt32) throws(DropError) -> (model: UInt32, record: TwinRecord)? {
        select.bind(1, number)
        defer { select.reset() }
        guard try select.step() else { return nil }
        return (UInt32(truncatingIfNeeded: select.integer(1)), try TwinRecord(select.bytes(2)))
    }

    /// As `state`, with its id.
    func row(of number: UInt32) throws(DropError) -> (id: [UInt8], model: UInt32, record: TwinRecord)? {
        select.bind(1, number)
        defer { select.reset() }
        guard try select.step() else { return nil }
        return (select.bytes(0), UInt32(truncatingIfNeeded: select.integer(1)), try TwinRecord(select.bytes(2)))
    }

    func id(of number: UInt32) throws(DropError) -> [UInt8]? {
        select.bind(1, number)
        defer { select.reset() }
        return try select.step() ? select.bytes(0) : nil
    }

    /// The model of a twin, 0 for none; nil where there is no such twin.
    func model(of number: UInt32) throws(DropError) -> UInt32? {
        select.bind(1, number)
        defer { select.reset() }
        return try select.step() ? UInt32(truncatingIfNeeded: select.integer(1)) : nil
    }

    /// - Parameter model: 0: none.
    func update(_ number: UInt32, model: UInt32, _ record: TwinRecord) throws(DropError) {
        updateRow.bind(1, model)
        if model == 0 { updateRow.bindNull(1) }
        updateRow.bind(blob: 2, record.encoded())
        updateRow.bind(3, number)
        try updateRow.run()
    }

    func delete(_ number: UInt32) throws(DropError) {
        deleteRow.bind(1, number)
        try deleteRow.run()
    }
}
