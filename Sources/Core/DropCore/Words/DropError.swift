/// An error of a drop, a source or the home: what went wrong, where, and what to do next.
package struct DropError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What the caller should do about it.
    package enum Remedy: Sendable, Equatable {
        /// Passing trouble: try again, no sooner than this.
        case retry(after: Duration)
        /// This drop cannot be processed: keep its bytes and the reason for a person.
        case quarantine
        /// The source cannot go on until its configuration or plugin is corrected; its files wait.
        case suspendSource
        /// The drop waits until a person releases or discards it.
        case hold
        /// Storage cannot be trusted: stop the daemon (exit code 74).
        case stop
    }

    package let code: Code
    /// One sentence that names the thing: `readings.csv record 812: expected 6 columns, found 5.`
    package let message: String
    /// The next action: `Correct the export, or set columns: 5 in the source's settings.`
    package let hint: String
    package let remedy: Remedy
    /// The byte of the file that the error is about, if there is one.
    package let offset: UInt64?

    package init(_ code: Code, _ message: String, hint: String, remedy: Remedy, offset: UInt64? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.remedy = remedy
        self.offset = offset
    }

    package var description: String { "\(message) \(hint)" }
}

/// One refused record of a drop.
package struct Rejection: Sendable, Equatable {
    /// Numbered from 1 in the order of the file.
    package let record: UInt64
    /// Bytes `offset ..< offset + length` of the file as it was dropped.
    package let offset: UInt64
    package let length: UInt64
    /// A word of the plugin's, or one of `Fault`.
    package let code: String
    package let message: String
    /// For a refused correction: the bytes that were sent for the record, when other bytes are at its place.
    package let sent: [UInt8]?

    package init(
        record: UInt64, offset: UInt64, length: UInt64, code: String, message: String, sent: [UInt8]? = nil
    ) {
        self.record = record
        self.offset = offset
        self.length = length
        self.code = code
        self.message = message
        self.sent = sent
    }
}

/// Bytes of a drop that are not a record.
package struct FileSpan: Sendable, Equatable {
    package enum Kind: UInt8, Sendable { case header = 0, footer = 1, remainder = 2 }

    package let kind: Kind
    package let offset: UInt64
    package let length: UInt64
    package let name: String

    package init(kind: Kind, offset: UInt64, length: UInt64, name: String) {
        self.kind = kind
        self.offset = offset
        self.length = length
        self.name = name
    }
}
