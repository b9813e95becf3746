import DropCore
import GRDB
import GRDBSQLite
import TwinModel

/// SQL functions over records: deterministic and innocuous, so that expression indexes may use them.
enum RecordFunctions {
    /// Registers `td_value(rec, key)`: the value of the property with that global key number as SQLite has it (booleans 0 and 1,
    /// dates,
    /// times, durations and JSON as text), NULL where the record has none.
    static func register(on database: Database) throws {
        let flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | 0x200000  // SQLITE_INNOCUOUS
        let code = unsafe sqlite3_create_function_v2(
            database.sqliteConnection, "td_value", 2, flags, nil,
            { context, _, arguments in unsafe RecordFunctions.value(context, arguments) }, nil, nil, nil)
        guard code == SQLITE_OK else { throw StorageFailure.error(code, "td_value could not be registered") }
    }

    private static func value(_ context: OpaquePointer?, _ arguments: UnsafeMutablePointer<OpaquePointer?>?) {
        guard let arguments = unsafe arguments, unsafe sqlite3_value_type(arguments[0]) == SQLITE_BLOB else {
            return unsafe sqlite3_result_null(context)
        }
        let key = unsafe UInt32(truncatingIfNeeded: sqlite3_value_int64(arguments[1]))
        let start = unsafe sqlite3_value_blob(arguments[0])
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(arguments[0])))
        let span = unsafe Span<UInt8>(_unsafeBytes: bytes)
        do {
            guard let property = try RecordScan.find(key, in: span) else { return unsafe sqlite3_result_null(context) }
            unsafe try answer(property, span, bytes, context)
        } catch {
            unsafe sqlite3_result_error(context, error.message, -1)
        }
    }

    /// The value of a property; texts and numbers without a copy of their own.
    private static func answer(
        _ property: PropertyEntry, _ span: borrowing Span<UInt8>, _ bytes: UnsafeRawBufferPointer, _ context: OpaquePointer?
    ) throws(DropError) {
        switch property.type {
        case .true: unsafe sqlite3_result_int(context, 1)
        case .false: unsafe sqlite3_result_int(context, 0)
        case .integer:
            var reader = OperationReader(at: property.value.lowerBound, end: property.value.upperBound)
            unsafe sqlite3_result_int64(context, try reader.zigzag(span))
        case .string:
            var reader = OperationReader(at: property.value.lowerBound, end: property.value.upperBound)
            let text = try reader.text(span, validating: false)
            let start = unsafe bytes.baseAddress!.assumingMemoryBound(to: CChar.self) + text.lowerBound
            unsafe sqlite3_result_text(context, start, Int32(text.count), transient)
        case .absent, .double, .dateTime, .date, .time, .duration, .json:
            let encoded = ((property.value.lowerBound - 1)..<property.value.upperBound).map { span[$0] }
            unsafe answer(try PropertyValue(encoded: encoded), context)
        }
    }

    private static let transient = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    private static func answer(_ value: PropertyValue, _ context: OpaquePointer?) {
        switch value {
        case .absent: unsafe sqlite3_result_null(context)
        case .bool(let value): unsafe sqlite3_result_int(context, value ? 1 : 0)
        case .integer(let number): unsafe sqlite3_result_int64(context, number)
        case .double(let number): unsafe sqlite3_result_double(context, number)
        case .string(let text): unsafe sqlite3_result_text(context, text, -1, transient)
        case .dateTime, .date, .time, .duration, .json:
            let json = value.json
            let text = json.string ?? json.text(.compact)
            unsafe sqlite3_result_text(context, text, -1, transient)
        }
    }
}
