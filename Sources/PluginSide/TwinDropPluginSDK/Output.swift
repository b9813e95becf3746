public import CTwinDropPlugin

/// What a twin or relationship operation does.
@frozen
public enum Verb: Int32, Sendable {
    /// Create, or merge the named properties into what is there.
    case upsert = 0
    /// Merge; the twin must exist, else the record is rejected. Twins only.
    case patch = 1
    /// Create, or replace: properties that are not named go away.
    case replace = 2
    /// Delete; deleting what is not there changes nothing.
    case delete = 3
}

/// Bytes of the file that are not a record.
@frozen
public enum SpanKind: Int32, Sendable {
    /// Repeated before the rejects, so that a rejects file has the dialect of the original.
    case header = 0
    case footer = 1
    case remainder = 2
}

/// Takes a plugin's records and operations. Valid during `transform`; calls are cheap (no allocation, no copy of a `String`).
///
///     output.record(at: offset, length: length)
///     output.beginTwin(.upsert, id: id, model: model)
///     output.set(name, to: field)
///     try output.end()
///
/// Operations and rejects belong to the record started last. The setters do not report an error: `end` does.
@safe @frozen
public struct Output {
    @usableFromInline let pointer: UnsafePointer<td_host>

    @inlinable
    init(_ pointer: UnsafePointer<td_host>) { unsafe self.pointer = pointer }

    /// Starts the next record: bytes `offset ..< offset + length` of the file, its terminator included. `DelimitedReader` does
    /// it.
    @inlinable @inline(__always)
    public func record(at offset: UInt64, length: UInt64) { unsafe pointer.pointee.record(pointer, offset, length) }

    /// Accounts for bytes that are not a record; `name` says what they are: "header", "blank lines".
    public func span(_ kind: SpanKind, at offset: UInt64, length: UInt64, name: StaticString) {
        unsafe pointer.pointee.span(pointer, kind.rawValue, offset, length, Host.text(Bytes(name)))
    }

    /// Refuses the current record: operations already given for it are withdrawn.
    ///
    /// `code` is a short word in lower-case-with-hyphens; `message` names the column and says what to do.
    public func reject(_ code: StaticString, _ message: String) {
        var message = message
        message.withUTF8 { utf8 in
            let text = unsafe td_text(
                bytes: UnsafeRawPointer(utf8.baseAddress)?.assumingMemoryBound(to: CChar.self), length: utf8.count)
            unsafe pointer.pointee.reject(pointer, Host.text(Bytes(code)), text)
        }
    }

    /// This file lists only the part of the source that `name` names, and that part completely. Before the first operation.
    public func scope(_ name: String) {
        var name = name
        name.withUTF8 { utf8 in
            let text = unsafe td_text(
                bytes: UnsafeRawPointer(utf8.baseAddress)?.assumingMemoryBound(to: CChar.self), length: utf8.count)
            unsafe pointer.pointee.scope(pointer, text)
        }
    }

    /// Starts an operation on the twin `id` (at most 128 characters).
    @inlinable @inline(__always)
    public func beginTwin(_ verb: Verb, id: Bytes, model: Key = .none) {
        unsafe pointer.pointee.begin_twin(pointer, verb.rawValue, Host.text(id), model.number)
    }

    /// Starts an operation on a relationship. `id` tells the relationships of one source apart; empty means `NAME:TARGET`. A
    /// stable id with a new target moves the relationship. `.delete` needs `source` and `id` (or name and target).
    @inlinable @inline(__always)
    public func beginRelationship(_ verb: Verb, from source: Bytes, name: Key, to target: Bytes, id: Bytes = .empty) {
        unsafe pointer.pointee.begin_relationship(
            pointer, verb.rawValue, Host.text(source), name.number, Host.text(target), Host.text(id))
    }

    /// Removes a property.
    @inlinable @inline(__always)
    public func unset(_ key: Key) { unsafe pointer.pointee.set_absent(pointer, key.number) }

    @inlinable @inline(__always)
    public func set(_ key: Key, to value: Bool) { unsafe pointer.pointee.set_bool(pointer, key.number, value ? 1 : 0) }

    @inlinable @inline(__always)
    public func set(_ key: Key, to value: Int64) { unsafe pointer.pointee.set_int(pointer, key.number, value) }

    /// `value` is finite.
    @inlinable @inline(__always)
    public func set(_ key: Key, to value: Double) { unsafe pointer.pointee.set_double(pointer, key.number, value) }

    /// `value` is UTF-8 without NUL, at most 512 KiB.
    @inlinable @inline(__always)
    public func set(_ key: Key, to value: Bytes) { unsafe pointer.pointee.set_text(pointer, key.number, Host.text(value)) }

    /// Sets a text; for hot paths there is the form that takes `Bytes`.
    public func set(_ key: Key, to value: String) {
        var value = value
        value.withUTF8 { utf8 in
            let text = unsafe td_text(
                bytes: UnsafeRawPointer(utf8.baseAddress)?.assumingMemoryBound(to: CChar.self), length: utf8.count)
            unsafe pointer.pointee.set_text(pointer, key.number, text)
        }
    }

    @inlinable @inline(__always)
    public func set(_ key: Key, to value: Timestamp) {
        unsafe pointer.pointee.set_datetime(pointer, key.number, value.microseconds, value.offsetMinutes)
    }

    @inlinable @inline(__always)
    public func set(_ key: Key, to value: CalendarDate) { unsafe pointer.pointee.set_date(pointer, key.number, value.days) }

    @inlinable @inline(__always)
    public func set(_ key: Key, to value: TimeOfDay) { unsafe pointer.pointee.set_time(pointer, key.number, value.microseconds) }

    @inlinable @inline(__always)
    public func set(_ key: Key, to value: TimeSpan) {
        unsafe pointer.pointee.set_duration(pointer, key.number, value.months, value.microseconds)
    }

    /// `json` is one JSON value (RFC 8259), at most 32 deep; check it with `JSONSyntax` first.
    @inlinable
    public func set(_ key: Key, json: Bytes) { unsafe pointer.pointee.set_json(pointer, key.number, Host.text(json)) }

    /// Ends the operation.
    ///
    /// Errors: what the host refused, of any kind. Do not catch it, because the work cannot continue.
    @inlinable @inline(__always)
    public func end() throws(PluginError) {
        let status = unsafe pointer.pointee.end(pointer)
        if status != 0 { throw PluginError.status(status) }
    }
}
