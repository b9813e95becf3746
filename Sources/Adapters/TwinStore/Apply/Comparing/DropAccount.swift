import CodecKit
import DropCore

/// What is counted and reported of a drop while it is compared, and what it may still cost.
struct DropAccount {
    var books = DropBooks()
    private(set) var rejections: [Rejection] = []
    private(set) var spans: [FileSpan] = []
    var budget: DropBudget
    /// How much of the file is accounted for.
    var file: FileCursor
    /// What the drop says twice.
    var again = SecondStatements()
    /// Bytes of the log that are in the budget already.
    private var scratchSpent = 0
    /// An operation was given, of whatever became of its record.
    var hasOperations = false

    static let rejectionsMax = 200_000

    init(_ job: ApplyJob) {
        budget = DropBudget(bytes: job.bytes, operationsFree: job.policy.operationsFree)
        file = FileCursor(bytes: job.bytes)
    }

    /// Goes on to the next part of the file; where it begins. Nil where it lies outside the file.
    @inline(__always)
    mutating func advance(_ gap: Int64, _ length: UInt64) -> UInt64? {
        guard let (offset, fresh) = file.advance(gap, length) else { return nil }
        // Bytes that an earlier part has already count once.
        books.bytesAccounted += fresh
        return offset
    }

    /// As below, for a reason of the host's own.
    mutating func reject(_ place: RecordPlace, _ fault: Rejection.Fault, _ message: String) throws(DropError) {
        try reject(place, fault.rawValue, message)
    }

    /// Refuses a record; its operations are not applied and not counted.
    ///
    /// - Parameter sent: as `Rejection.sent`.
    mutating func reject(
        _ place: RecordPlace, _ code: String, _ message: String, sent: [UInt8]? = nil
    ) throws(DropError) {
        books.recordsRejected += 1
        if books.firstRejected == 0 || place.number < books.firstRejected { books.firstRejected = place.number }
        guard rejections.count < Self.rejectionsMax else {
            throw DropError(
                .tooManyRejects,
                "More than \(Self.rejectionsMax) records were refused; the last: \(Escaping.sentence(message))",
                hint: "The file is not what its source's mapping reads: correct one of them.", remedy: .quarantine)
        }
        let message = Escaping.sentence(message)
        try budget.spend(UInt64(sent?.count ?? 0) + place.length, on: .rejects)
        try budget.spend(UInt64(code.utf8.count + message.utf8.count), on: .reasons)
        rejections.append(
            Rejection(
                record: place.number, offset: place.offset, length: place.length, code: code, message: message, sent: sent))
    }

    /// Records that were put off were refused behind later ones.
    mutating func orderRejections() { rejections.sort { $0.record < $1.record } }

    /// Takes a part of the file that is no record from the budget; then `add`.
    mutating func spend(onSpan kind: FileSpan.Kind, _ length: UInt64, nameBytes: Int) throws(DropError) {
        try budget.spend(1, on: .spans)
        try budget.spend(UInt64(nameBytes), on: .names)
        if kind == .header { try budget.spend(length, on: .headers) }
    }

    mutating func add(_ span: FileSpan) { spans.append(span) }

    /// Takes what the log has grown by from the budget.
    mutating func spendScratch(_ log: ChangeLog) throws(DropError) {
        try budget.spend(UInt64(log.byteCount - scratchSpent), on: .scratch)
        scratchSpent = log.byteCount
    }

    /// Books one more operation on a twin or relationship that has an effective one already.
    mutating func count(_ step: DropStatement.Step, before: DropStatement, after: DropStatement, isNew: Bool) {
        if step == .same {
            books.unchanged += 1
            return
        }
        book(before, isNew, ~0)
        if !(before.kind == .delete && isNew) { books.superseded += 1 }
        if step == .reverted || (isNew && after.kind == .delete) { books.unchanged += 1 } else { book(after, isNew, 1) }
    }

    private mutating func book(_ statement: DropStatement, _ isNew: Bool, _ change: UInt64) {
        switch (statement.kind, isNew) {
        case (.delete, true): break  // Made and deleted by one drop: never there.
        case (.delete, false): books.deleted &+= change
        case (_, true): books.created &+= change
        case (_, false): books.updated &+= change
        }
    }
}
