import DropCore
import GRDB
import GRDBSQLite
import Glibc

/// A prepared statement used through SQLite's own calls: no value boxes, no copies. Belongs to one connection, and is used only
/// inside an access to it.
@safe struct RawStatement {
    private let statement: Statement
    private let handle: OpaquePointer

    init(_ sql: String, _ database: Database) throws(DropError) {
        do {
            statement = try database.makeStatement(sql: sql)
        } catch {
            throw StorageFailure.error(error)
        }
        unsafe handle = statement.sqliteStatement
    }

    /// A statement of the connection's cache.
    static func cached(_ sql: String, _ database: Database) throws(DropError) -> RawStatement {
        do {
            return RawStatement(try database.cachedStatement(sql: sql))
        } catch {
            throw StorageFailure.error(error)
        }
    }

    private init(_ statement: Statement) {
        self.statement = statement
        unsafe handle = statement.sqliteStatement
    }

    /// A bind fails for want of memory or for an index that does not exist, never for what is bound.
    @inline(__always)
    private func check(_ code: Int32) { precondition(code == SQLITE_OK, "a value could not be bound (SQLite \(code))") }

    @inline(__always)
    func bind(_ index: Int32, _ number: Int64) { unsafe check(sqlite3_bind_int64(handle, index, number)) }

    @inline(__always)
    func bind(_ index: Int32, _ number: UInt32) { unsafe check(sqlite3_bind_int64(handle, index, Int64(number))) }

    func bind(_ index: Int32, _ number: Double) { unsafe check(sqlite3_bind_double(handle, index, number)) }

    func bindNull(_ index: Int32) { unsafe check(sqlite3_bind_null(handle, index)) }

    /// Binds without copying: the bytes must stay until the statement is reset.
    @inline(__always)
    func bind(text index: Int32, _ bytes: UnsafeRawBufferPointer) { unsafe bind(text: index, bytes, nil) }

    /// Binds a copy.
    func bind(text index: Int32, _ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { buffer in unsafe bind(text: index, buffer, Self.transient) }
    }

    /// Binds a copy of the text, or NULL.
    func bind(text index: Int32, _ text: String?) {
        guard var text else { return bindNull(index) }
        text.withUTF8 { utf8 in unsafe bind(text: index, UnsafeRawBufferPointer(utf8), Self.transient) }
    }

    /// Binds without copying: the bytes must stay until the statement is reset.
    @inline(__always)
    func bind(blob index: Int32, _ bytes: UnsafeRawBufferPointer) { unsafe bind(blob: index, bytes, nil) }

    /// Binds a copy.
    func bind(blob index: Int32, _ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { buffer in unsafe bind(blob: index, buffer, Self.transient) }
    }

    @inline(__always)
    private func bind(text index: Int32, _ bytes: UnsafeRawBufferPointer, _ lifetime: sqlite3_destructor_type?) {
        if let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self) {
            unsafe check(sqlite3_bind_text(handle, index, start, Int32(bytes.count), lifetime))
        } else {
            unsafe check(sqlite3_bind_text(handle, index, "", 0, Self.transient))
        }
    }

    @inline(__always)
    private func bind(blob index: Int32, _ bytes: UnsafeRawBufferPointer, _ lifetime: sqlite3_destructor_type?) {
        if let start = bytes.baseAddress {
            unsafe check(sqlite3_bind_blob(handle, index, start, Int32(bytes.count), lifetime))
        } else {
            unsafe check(sqlite3_bind_zeroblob(handle, index, 0))
        }
    }

    private static let transient = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    /// True when there is a row.
    func step() throws(DropError) -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let error = unsafe StorageFailure.error(code, String(cString: sqlite3_errmsg(sqlite3_db_handle(handle))))
            reset()
            throw error
        }
    }

    /// Runs a statement that gives no rows, and makes it ready again.
    @inline(__always)
    func run() throws(DropError) {
        let code = unsafe sqlite3_step(handle)
        guard code == SQLITE_DONE else {
            let error = unsafe StorageFailure.error(code, String(cString: sqlite3_errmsg(sqlite3_db_handle(handle))))
            reset()
            throw error
        }
        unsafe sqlite3_reset(handle)
    }

    @inline(__always)
    func reset() { unsafe sqlite3_reset(handle) }

    func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

    func isNull(_ column: Int32) -> Bool { unsafe sqlite3_column_type(handle, column) == SQLITE_NULL }

    /// A number as SQLite keeps it.
    enum Number {
        case integer(Int64)
        case double(Double)
    }

    /// The number in a column; nil where there is none, or something else.
    func number(_ column: Int32) -> Number? {
        switch unsafe sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: .integer(integer(column))
        case SQLITE_FLOAT: .double(unsafe sqlite3_column_double(handle, column))
        default: nil
        }
    }

    /// The bytes of a blob or text, copied.
    func bytes(_ column: Int32) -> [UInt8] {
        unsafe Array(rawBytes(column))
    }

    /// The bytes of a blob or text; valid until the next step or reset.
    @inline(__always)
    func rawBytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = unsafe sqlite3_column_blob(handle, column)
        return unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column)))
    }

    func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }
}

extension RawStatement {
    /// True when the properties of the record in `column` are exactly the bytes `range`. Also answers who made the record and who
    /// set most of it, which is what the fast path of comparison needs to know.
    func sameProperties(
        _ column: Int32, as bytes: borrowing Span<UInt8>, _ range: Range<Int>
    ) throws(DropError) -> (equal: Bool, created: UInt64, base: UInt64) {
        let stored = unsafe rawBytes(column)
        let span = unsafe Span<UInt8>(_unsafeBytes: stored)
        var reader = OperationReader(at: 1, end: span.count)
        let created = try reader.varint(span)
        let origin = try reader.varint(span)
        let base = try reader.varint(span)
        let start = try TwinRecord.propertiesStart(span, at: 0, end: span.count)
        guard span.count - start == range.count else { return (false, created, base) }
        let equal = unsafe bytes.withUnsafeBufferPointer { other in
            unsafe range.isEmpty || memcmp(other.baseAddress! + range.lowerBound, stored.baseAddress! + start, range.count) == 0
        }
        return (equal, origin == 0 ? created : origin, base)
    }
}

extension RawStatement {
    /// The identity hash of a text column.
    func identity(_ column: Int32, _ hash: KeyedHash) -> IdentityHash {
        let bytes = unsafe rawBytes(column)
        guard let start = bytes.baseAddress else { return hash.identity([]) }
        return unsafe hash.identity(start, bytes.count)
    }

    /// The drop that owns the record in a column.
    func ownerDrop(_ column: Int32) throws(DropError) -> UInt64 {
        let span = unsafe Span<UInt8>(_unsafeBytes: rawBytes(column))
        var reader = OperationReader(at: 1, end: span.count)
        let created = try reader.varint(span)
        let origin = try reader.varint(span)
        return origin == 0 ? created : origin
    }
}
