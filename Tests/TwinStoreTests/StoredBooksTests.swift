import DropCore
import Testing
import TwinModel

@testable import TwinStore

/// Catches a number of the books that is written and not read again, or left out.
@Suite struct `The books of a drop` {
    @Test func `are read as they were stored, every number`() throws {
        var books = DropBooks()
        books.recordsRead = 1
        books.recordsUsed = 2
        books.recordsFiltered = 3
        books.recordsRejected = 4
        books.created = 5
        books.updated = 6
        books.unchanged = 7
        books.deleted = 8
        books.rejected = 9
        books.superseded = 10
        books.deletedByAbsence = 11
        books.deletedWithTwins = 12
        books.withheldTwins = 13
        books.withheldRelationships = 14
        books.firstRejected = 15
        books.waiting = 16
        books.bytesAccounted = 17
        books.bytesUnaccounted = 18
        let numbers = Mirror(reflecting: books).children.compactMap { $0.value as? UInt64 }
        #expect(numbers.count == 18 && !numbers.contains(0), "a new number is to be stored, too")
        #expect(DropBooks(json: try JSON(parsing: Array(books.text.utf8))) == books)
        #expect(DropBooks().text == "{}")
    }
}
