/// A property value as a plugin gave it.
public enum RecordedValue: Sendable, Equatable {
    /// The property is removed.
    case absent
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case text(String)
    /// Microseconds since 1970-01-01T00:00:00Z; the offset from UTC in minutes.
    case dateTime(microseconds: Int64, offsetMinutes: Int32)
    /// Days since 1970-01-01.
    case date(days: Int32)
    /// Microseconds since midnight.
    case time(microseconds: Int64)
    case duration(months: Int32, microseconds: Int64)
    case json(String)
}

/// One property of a recorded operation.
public struct RecordedProperty: Sendable, Equatable {
    public let name: String
    public let value: RecordedValue
}

/// One operation a plugin gave.
public struct RecordedOperation: Sendable, Equatable {
    public enum Verb: String, Sendable { case upsert, patch, replace, delete }

    /// What it is about.
    public enum Subject: Sendable, Equatable {
        case twin(id: String, model: String)
        /// `id` is empty if the plugin gave none.
        case relationship(source: String, name: String, target: String, id: String)
    }

    public let verb: Verb
    public let subject: Subject
    public internal(set) var properties: [RecordedProperty] = []

    /// The value of `name`; the last one counts. Nil when the operation does not name it.
    public subscript(name: String) -> RecordedValue? {
        properties.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }
}

/// One record of the input, and what became of it.
public struct RecordedRecord: Sendable, Equatable {
    /// From 1.
    public let number: UInt64
    public let offset: UInt64
    /// Bytes, terminator included.
    public let length: UInt64
    /// Empty for a record that was filtered or rejected.
    public internal(set) var operations: [RecordedOperation] = []
    public internal(set) var rejection: RecordedRejection?
}

/// Why a record was refused.
public struct RecordedRejection: Sendable, Equatable {
    public let code: String
    public let message: String
}

/// Bytes that are not a record.
public struct RecordedSpan: Sendable, Equatable {
    public enum Kind: String, Sendable { case header, footer, remainder }

    public let kind: Kind
    public let offset: UInt64
    public let length: UInt64
    public let name: String
}

/// Everything one transform did.
public struct Recording: Sendable {
    /// In the order of the calls; only what fits `PluginHarness.recordsKept`.
    public internal(set) var entries: [Entry] = []
    /// TD_OK is 0; see the header of the plugin ABI.
    public internal(set) var status: Int32 = 0
    /// The message of a failure, and the byte it is about.
    public internal(set) var failure: String?
    public internal(set) var failureOffset: Int64?
    /// Lines of the log, as `warning: text`.
    public internal(set) var log: [String] = []
    /// Where the plugin broke the rules of the ABI. A good plugin has none.
    public internal(set) var violations: [String] = []

    public internal(set) var records: UInt64 = 0
    public internal(set) var rejected: UInt64 = 0
    public internal(set) var filtered: UInt64 = 0
    public internal(set) var operations: UInt64 = 0
    /// Bytes of the input that belong to a record or span.
    public internal(set) var bytesAccounted: UInt64 = 0
    public internal(set) var bytesRead: UInt64 = 0

    public enum Entry: Sendable, Equatable {
        case record(RecordedRecord)
        case span(RecordedSpan)
        case scope(String)
    }

    /// Every byte of the input belongs to exactly one record or span (a violation reports overlaps).
    public var accountsForEveryByte: Bool { bytesAccounted == bytesRead && violations.isEmpty }

    /// The kept operations of all records, in order.
    public var allOperations: [RecordedOperation] {
        allRecords.flatMap(\.operations)
    }

    /// The kept records, in order.
    public var allRecords: [RecordedRecord] {
        entries.compactMap { entry in
            if case .record(let record) = entry { record } else { nil }
        }
    }

    /// The kept spans, in order.
    public var allSpans: [RecordedSpan] {
        entries.compactMap { entry in
            if case .span(let span) = entry { span } else { nil }
        }
    }
}
