/// The place of a refused record in its drop's file.
package struct RefusedRecord: Sendable, Equatable {
    /// From 1.
    package let record: UInt64
    package let offset: UInt64
    /// With its line end, if it has one.
    package let length: UInt64

    package init(record: UInt64, offset: UInt64, length: UInt64) {
        self.record = record
        self.offset = offset
        self.length = length
    }
}

/// What the graph remembers about the refused records of an applied drop.
package struct Refusals: Sendable, Equatable {
    package let drop: DropID
    /// In the order of the file.
    package var records: [RefusedRecord]
    package var headers: [FileSpan]
    /// By record: the bytes that were accepted for it since, in the file's own form.
    package var corrections: [UInt64: [UInt8]]

    package init(drop: DropID, records: [RefusedRecord], headers: [FileSpan], corrections: [UInt64: [UInt8]] = [:]) {
        self.drop = drop
        self.records = records
        self.headers = headers
        self.corrections = corrections
    }
}

/// Corrected records of an earlier drop, put in their places in that drop's file (docs/decisions/0025-amendments.md).
package struct Amendment: Sendable, Equatable {
    /// Why a row is refused, whatever the plugin says about it.
    package struct Refusal: Sendable, Equatable {
        package let fault: Rejection.Fault
        package let message: String
        /// The row as it was sent, if that is given out again; nil: the record as it is in the file.
        package let sent: [UInt8]?

        package init(_ fault: Rejection.Fault, _ message: String, sent: [UInt8]? = nil) {
            (self.fault, self.message, self.sent) = (fault, message, sent)
        }
    }

    /// The drop it amends.
    package let drop: DropID
    /// The records of the amendment, and their bytes in the form of that drop's file.
    package let rows: [UInt64: [UInt8]]
    /// Records of the amendment that are refused, and why.
    package let refused: [UInt64: Refusal]
    /// Refused records of the drop that neither this amendment nor an earlier one has corrected.
    package let open: Set<UInt64>
    /// The places of the corrected records in the new file, with those of earlier amendments. Each must be read there, as one
    /// record with its number.
    package let places: [UInt64: Range<UInt64>]
    /// The transform digest with which the drop was read; nil if that was not kept.
    package let readBy: ContentDigest?

    package init(
        drop: DropID, rows: [UInt64: [UInt8]], refused: [UInt64: Refusal], open: Set<UInt64>,
        places: [UInt64: Range<UInt64>] = [:], readBy: ContentDigest? = nil
    ) {
        self.drop = drop
        self.rows = rows
        self.refused = refused
        self.open = open
        self.places = places
        self.readBy = readBy
    }

    /// Whether the other records of the file may mean something else now than when they were applied, because plugin, settings,
    /// mapping or a table changed.
    package func readsOtherwise(by transformDigest: ContentDigest) -> Bool { readBy.map { $0 != transformDigest } ?? false }
}

/// An amendment ready to be transformed: the earlier drop's whole file with corrected records in their places.
package struct AmendedFile: Sendable {
    package let amendment: Amendment
    /// Absolute; in the scratch folder.
    package let path: String
    package let bytes: UInt64

    package init(amendment: Amendment, path: String, bytes: UInt64) {
        self.amendment = amendment
        self.path = path
        self.bytes = bytes
    }
}

/// Recognises corrected rejects by the marks in their rows, and makes the file that they complete. Blocking; safe from any
/// thread.
package protocol AmendmentStore: Sendable {
    /// The drop whose marks are in the bytes of a file; nil if there are none. `name` is for messages.
    ///
    /// Errors: `amendment` (quarantine) when a file has marks of several drops, or a column of marks without any.
    func amendedDrop(by name: FileName, descriptor: CInt, bytes: UInt64) throws(DropError) -> DropID?

    /// Puts the rows of a corrected file into their places in the file they were refused from.
    ///
    /// - Parameters:
    ///   - original: the amended drop.
    ///   - path: of the spooled bytes of `record`, the amendment.
    ///   - spooledAt: of the original's bytes, if the spool still has them; otherwise they are read from the archive.
    ///   - dialect: how the original is written; nil: find it from the file.
    ///
    /// Errors: `amendment` (quarantine) if the marks do not fit the drop; `looks-like-rejects` (hold) where rows without marks
    /// cannot be told apart.
    func amended(
        _ original: DropRecord, _ refusals: Refusals, by record: DropRecord, at path: String, spooledAt: String?,
        dialect: TextDialect?
    ) throws(DropError) -> AmendedFile

    /// Runs `body` with a read-only descriptor of the file at offset 0.
    func withDescriptor<T>(
        of file: AmendedFile, _ body: (CInt) throws(DropError) -> T
    ) throws(DropError) -> T

    /// Removes the file.
    func remove(_ file: AmendedFile)
}
