import CodecKit
import DropCore

/// The records of an amendment, which is transformed as the whole file it completes: only the records it has count, the others
/// say what they said.
struct AmendedRecords {
    private let context: ComparisonContext
    private let amendment: Amendment

    init(_ context: ComparisonContext, _ amendment: Amendment) { (self.context, self.amendment) = (context, amendment) }

    /// Takes the current record where it is none that goes the way of a drop's records.
    ///
    /// - Returns: false where it is one of the amendment's own.
    func take(_ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>) throws(DropError) -> Bool {
        guard amendment.rows[drop.record.number] != nil else {
            try passOver(&drop, bytes)
            return true
        }
        guard let refusal = amendment.refused[drop.record.number] else { return false }
        try rejectCorrected(refusal, &drop)
        return true
    }

    /// The current record is none that the amendment has: what it names is listed, and where a corrected record before it speaks
    /// of the same, its word is the later one.
    ///
    /// A record that was taken before is to be taken still: one that the corrections make the plugin refuse says that they do not
    /// go with the rest of the file, as a number in another unit.
    private func passOver(_ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        let number = drop.record.number
        let isOpen = amendment.open.contains(number)
        let rejection = drop.record.rejection
        if let rejection, !isOpen {
            throw contradiction(
                "with its corrections record \(number) would be refused, which was taken before: "
                    + Escaping.sentence(rejection.message))
        }
        let isKnown = rejection == nil && drop.record.isKnownThroughout
        // A record that was accepted then may name twins that others deleted since; one that was refused may name anything.
        if rejection != nil || !isKnown && isOpen { drop.list.unknownRecords += 1 }
        drop.list.pass(over: drop.record.operations)
        if rejection == nil, !isOpen { try sayAgain(&drop, bytes) }
    }

    /// States again what the current record, which was used long ago, says of what a corrected record before it changes. It is no
    /// operation of the amendment, and so not in its books.
    private func sayAgain(_ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        let check = RecordCheck(context)
        for index in drop.record.operations.indices {
            let number = drop.said.number(of: drop.record.operations[index])
            let isTwin = drop.record.operations[index].isOfTwin
            guard number != 0, Self.isStated(number, isTwin, drop.said), try check.refusal(index, &drop, bytes) == nil else {
                continue
            }
            drop.record.operations[index].number = number
            drop.record.operations[index].isKnown = false
            let operation = drop.record.operations[index]
            let (superseded, unchanged) = (drop.account.books.superseded, drop.account.books.unchanged)
            if isTwin {
                try TwinComparer(context).apply(operation, &drop, bytes)
            } else {
                try RelationshipComparer(context).apply(operation, &drop, bytes)
            }
            let isOver = !Self.isStated(number, isTwin, drop.said)
            if drop.account.books.superseded > superseded, isOver { drop.late.overruledByRecords += 1 }
            if drop.account.books.superseded > superseded, !isOver {
                drop.account.books.superseded -= 1
            } else if drop.account.books.unchanged > unchanged {
                drop.account.books.unchanged -= 1
            }
        }
    }

    private static func isStated(_ number: UInt32, _ isTwin: Bool, _ said: borrowing Said) -> Bool {
        isTwin ? said.twins.isStated(number) : said.relationships.isStated(number)
    }

    /// Refuses a row whatever the plugin makes of it. The file has in its place the bytes that were accepted for the record, or
    /// those that were given out: what they name is listed.
    private func rejectCorrected(_ refusal: Amendment.Refusal, _ drop: inout ComparisonProgress) throws(DropError) {
        // What was accepted may name twins that others deleted since; what was refused may name anything.
        let isUnclear = refusal.fault != .correctedAlready && !drop.record.isKnownThroughout
        if drop.record.rejection != nil || isUnclear { drop.list.unknownRecords += 1 }
        drop.list.pass(over: drop.record.operations)
        try drop.account.reject(drop.record.place, refusal.fault.rawValue, refusal.message, sent: refusal.sent)
    }

    /// A corrected record is to be read where it was put, as one record of its number: else records behind it have other numbers,
    /// and one of them would count as the correction.
    func checkPlace(of record: RecordPlace) throws(DropError) {
        guard let place = amendment.places[record.number] else { return }
        // A byte order mark before a record is a part of its own.
        guard (place.lowerBound...place.lowerBound + 3).contains(record.offset),
            record.offset &+ record.length == place.upperBound
        else {
            throw noRecord(record.number)
        }
    }

    private func noRecord(_ number: UInt64) -> DropError {
        contradiction(
            "record \(number) as it has it is not read as this one record: it is a comment, a blank line, a header again or part of a "
                + "footer, or takes others in, or is one of several.")
    }

    private func contradiction(_ why: String) -> DropError {
        DropError(
            .amendment, "The file corrects drop \(amendment.drop), but \(why)",
            hint: "Correct the row and drop the file again, or deliver the whole file anew.", remedy: .quarantine)
    }

    /// Why an amendment is held that another mapping reads than the file it amends: its records alone are applied, so what the
    /// others named before would be deleted, and what they name now not made. Nil where nothing would be deleted.
    func doubt(_ books: DropBooks) -> DropError? {
        guard let lost = books.withheldWords else { return nil }
        return DropError(
            .amendedOtherwise,
            "Since drop \(amendment.drop) was applied, the plugin, mapping, settings or tables of \(context.job.source) changed: read by "
                + "them as they are now, its file does not name \(lost), which only a delivery of the whole file may delete.",
            hint:
                "Discard this drop and deliver the whole corrected file anew. Released, the drop applies its corrected records and "
                + "deletes nothing by absence.", remedy: .hold)
    }

    /// The books of an amendment count its own records.
    func close(_ books: inout DropBooks) throws(DropError) {
        if let last = amendment.places.keys.max(), last > books.recordsRead { throw noRecord(last) }
        books.recordsRead = UInt64(amendment.rows.count)
        let missing =
            books.recordsRead - min(books.recordsRead, books.recordsUsed + books.recordsFiltered + books.recordsRejected)
        // A row that the plugin no longer takes for a record says nothing.
        books.recordsFiltered += missing
        books.bytesAccounted = context.job.fileBytes
        books.bytesUnaccounted = 0
    }

    /// What a complete list, completed, leaves out; not what somebody newer changed.
    func keepNewer(_ drop: inout ComparisonProgress) throws(DropError) {
        guard let lateness = context.lateness else { return }
        let word = NewerWord(context, lateness)
        try drop.list.keep(
            twins: { (number) throws(DropError) in
                guard let base = try context.twin(number)?.record else { return false }
                return try !word.touches(base)
            },
            relationships: { (number) throws(DropError) in
                guard let base = try context.relationship(number) else { return false }
                return try !word.touches(base)
            })
    }
}
