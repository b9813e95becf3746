import DropCore
import GRDB

/// Inserts new twins of a change log sixteen to a statement: SQLite then finds the end of the table once for all of them.
@safe struct TwinInserts {
    /// Twins of one statement.
    private static let width = 16
    private static let row = "(?, ?, ?, ?)"
    private static let insert = "INSERT OR FAIL INTO twin(no, id, model, rec) VALUES"

    private let one: RawStatement
    private let many: RawStatement
    /// Where the entries are that wait for the next statement.
    private var waiting: [UnsafeRawPointer] = unsafe []

    /// Prepares its statements, or takes them from the connection's cache.
    ///
    /// With `OR FAIL` a statement that fails leaves what it did to its savepoint, which is given up anyway; SQLite would
    /// otherwise save pages for each statement.
    init(_ database: Database) throws(DropError) {
        one = try RawStatement.cached(Self.insert + Self.row, database)
        many = try RawStatement.cached(
            Self.insert + Array(repeating: Self.row, count: Self.width).joined(separator: ", "), database)
        unsafe waiting.reserveCapacity(Self.width)
    }

    /// Inserts the twin of an entry, now or later. The entry must stay where it is until `flush`.
    @inline(__always)
    mutating func add(_ view: borrowing ChangeLog.View) throws(DropError) {
        unsafe waiting.append(view.start)
        if unsafe waiting.count == Self.width { try flush() }
    }

    /// Inserts what waits.
    mutating func flush() throws(DropError) {
        defer { unsafe waiting.removeAll(keepingCapacity: true) }
        guard unsafe waiting.count == Self.width else {
            for index in unsafe waiting.indices {
                unsafe one.bind(ChangeLog.View(waiting[index]), 0)
                try one.run()
            }
            return
        }
        for index in unsafe waiting.indices { unsafe many.bind(ChangeLog.View(waiting[index]), Int32(index) * 4) }
        try many.run()
    }
}

extension RawStatement {
    /// Binds number, id, model and record of a log entry from the parameter after `index` on, without copying them.
    @inline(__always)
    fileprivate func bind(_ view: borrowing ChangeLog.View, _ index: Int32) {
        let body = unsafe view.body
        let idLength = unsafe Int(view.start.load(fromByteOffset: 24, as: UInt16.self))
        bind(index + 1, view.number)
        unsafe bind(text: index + 2, UnsafeRawBufferPointer(rebasing: body[..<idLength]))
        if view.key == 0 { bindNull(index + 3) } else { bind(index + 3, view.key) }
        unsafe bind(blob: index + 4, UnsafeRawBufferPointer(rebasing: body[idLength...]))
    }
}
