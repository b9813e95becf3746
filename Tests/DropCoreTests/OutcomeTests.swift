import DropCore
import Testing

@Suite struct `The outcome of a drop` {
    private func record(_ state: DropState, _ books: DropBooks? = nil, reason: DropError.Code? = nil) -> DropRecord {
        DropRecord(
            id: DropID(high: 1, low: 1), source: SourceName("erp")!, fileName: FileName("a.csv"), bytes: 1, state: state,
            claimedAt: 1, changedAt: 2, intake: FileIdentity(device: 1, inode: 2, changeTime: 3),
            reason: reason.map { DropReason(code: $0, message: "m", hint: "h") }, books: books)
    }

    private func books(read: UInt64, used: UInt64, rejected: UInt64 = 0, created: UInt64 = 0, waiting: UInt64 = 0) -> DropBooks {
        var books = DropBooks()
        (books.recordsRead, books.recordsUsed, books.recordsRejected) = (read, used, rejected)
        books.recordsFiltered = read - used - rejected
        (books.created, books.waiting) = (created, waiting)
        return books
    }

    @Test(arguments: [DropState.applied, .archived, .done])
    func `follows from its books once it is applied`(_ state: DropState) {
        #expect(record(state, books(read: 2, used: 2, created: 2)).outcome == .applied)
        #expect(record(state, books(read: 2, used: 2)).outcome == .unchanged)
        #expect(record(state, books(read: 2, used: 2, waiting: 1)).outcome == .applied)
        #expect(record(state, books(read: 2, used: 1, rejected: 1, created: 1)).outcome == .appliedWithRejects)
        #expect(record(state, books(read: 2, used: 1, rejected: 1)).outcome == .appliedWithRejects)
        #expect(record(state, books(read: 2, used: 0, rejected: 2)).outcome == .nothingUsable)
        #expect(record(state, books(read: 9, used: 0, rejected: 1)).outcome == .nothingUsable, "what is filtered is not used")
        #expect(record(state, books(read: 9, used: 0)).outcome == .unchanged)
        #expect(record(state, books(read: 0, used: 0)).outcome == .empty)
    }

    @Test func `is none while it is not decided`() {
        #expect(record(.claimed).outcome == nil)
        #expect(record(.registered).outcome == nil)
        #expect(record(.held, reason: .guardDeletes).outcome == nil)
        #expect(record(.held, reason: .nothingUsable).outcome == .nothingUsable)
    }

    @Test func `of one that did not go the usual way is that nothing was applied`() {
        for state in [DropState.quarantined, .retried, .resolved, .discarded] { #expect(record(state).outcome == .notApplied) }
        #expect(record(.duplicate).outcome == .duplicate)
    }
}

@Suite struct `The reason of an act` {
    @Test(
        arguments: [
            ("  because\tof it \n", "because\\u{9}of it"), (" \n", nil), ("", nil), ("say \"no\"", "say \"no\""),
            ("\u{1B}[31mred", "\\u{1b}[31mred"),
        ] as [(String, String?)])
    func `is kept without blanks around it, and escaped`(text: String, kept: String?) {
        #expect(Act.kept(text) == kept)
    }

    @Test func `is cut`() {
        #expect(Act.kept(String(repeating: "x", count: 2000))?.count == Act.reasonLengthMax + 1)
        #expect(Act.kept(nil) == nil)
    }

    @Test(arguments: [Person.user(number: 0, name: "root"), .user(number: 4_000_000_000, name: nil), .token("night-shift")])
    func `stands beside a person who reads back`(person: Person) {
        #expect(Person(json: person.json) == person)
    }
}
