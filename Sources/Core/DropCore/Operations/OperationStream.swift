/// The byte form in which operations travel from the worker, are fingerprinted, and (their properties) are stored.
///
/// All numbers are little endian; `varint` is LEB128 unsigned, `zigzag` a varint of `(n << 1) ^ (n >> 63)`, `text` a varint
/// length and that many bytes of UTF-8 without NUL.
///
///     stream    := entry*
///     entry     := record | span | reject | key | scope | operation
///     record    := 01 gap:zigzag length:varint        the next record; it starts `gap` bytes after the end of the record or
///                                                     span before it (the first: after byte 0)
///     span      := 02 kind:u8 gap:zigzag length:varint name:text
///     reject    := 03 code:text message:text          refuses the current record; no operation of it is in the stream
///     key       := 04 name:text                       defines the next key number of this stream (the first is 1)
///     scope     := 05 text
///     operation := verb:u8 length:u32 body            `length` bytes of body; verbs are `OperationVerb`
///     body      := id:text model:varint property*                                  (twins)
///                | source:text name:varint target:text id:text property*           (relationships)
///                | id:text                                                         (delete twin)
///                | source:text name:varint target:text id:text                     (delete relationship)
///     property  := key:varint type:u8 value           types and values are `PropertyType`
///
/// Every stream begins with `key` entries for the table its source has so far, so it can be read alone. New names follow before
/// their first use. For one source a name has the same number in every stream, because the table only grows.
///
/// The worker gives a relationship that has no id of its own the id `NAME:TARGET`.
///
/// One frame has whole entries, and a record with all its operations. The fingerprint of an operation covers only its verb and
/// body, so the same statement about a twin has the same bytes at any place of a file.
package enum OperationEntry: UInt8, Sendable {
    case record = 0x01
    case span = 0x02
    case reject = 0x03
    case key = 0x04
    case scope = 0x05
}

/// The first byte of an operation.
package enum OperationVerb: UInt8, Sendable, CaseIterable {
    case upsertTwin = 0x10
    case patchTwin = 0x11
    case replaceTwin = 0x12
    case deleteTwin = 0x13
    case upsertRelationship = 0x14
    case replaceRelationship = 0x15
    case deleteRelationship = 0x16
}

/// The type byte of a property and the form of its value.
package enum PropertyType: UInt8, Sendable, CaseIterable {
    /// No value: the property is removed. Never stored.
    case absent = 0
    case `false` = 1
    case `true` = 2
    /// zigzag
    case integer = 3
    /// IEEE 754 binary64, finite; negative zero is written as zero
    case double = 4
    /// text
    case string = 5
    /// zigzag microseconds since 1970-01-01T00:00:00Z, zigzag offset from UTC in minutes
    case dateTime = 6
    /// zigzag days since 1970-01-01
    case date = 7
    /// varint microseconds since midnight
    case time = 8
    /// zigzag months, zigzag microseconds
    case duration = 9
    /// text: one JSON value, at most 32 deep
    case json = 10
}
