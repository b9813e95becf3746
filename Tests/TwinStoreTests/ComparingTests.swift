import DropCore
import Testing
import TwinModel

@testable import TwinStore

@Suite struct `How far a file is read` {
    @Test func `goes on from record to record`() {
        var cursor = FileCursor(bytes: 100)
        let first = cursor.advance(10, 20)
        #expect(first?.offset == 10 && first?.fresh == 20)
        let second = cursor.advance(5, 1)
        #expect(second?.offset == 35 && second?.fresh == 1)
        #expect(cursor.position == 36)
    }

    @Test func `counts bytes once that two records have`() {
        var cursor = FileCursor(bytes: 100)
        _ = cursor.advance(0, 40)
        let again = cursor.advance(-30, 20)
        #expect(again?.offset == 10 && again?.fresh == 0)
        let beyond = cursor.advance(-10, 30)
        #expect(beyond?.offset == 30 && beyond?.fresh == 20)
        #expect(cursor.position == 60)
    }

    @Test func `ends at the end of the file`() {
        var cursor = FileCursor(bytes: 100)
        for (gap, length): (Int64, UInt64) in [(0, 101), (-1, 1), (.max, 1), (1, .max)] {
            let step = cursor.advance(gap, length)
            #expect(step == nil)
        }
        #expect(cursor.position == 0)
        #expect(cursor.end(after: 90, 5, 5) == 100)
        #expect(cursor.end(after: 90, 5, 6) == nil)
        #expect(cursor.end(after: .max, 5, 6) == nil)
    }
}

@Suite struct `The keys of a stream` {
    private func define(_ names: [String], persisted: [String] = [], in table: GlobalKeys = GlobalKeys()) throws -> StreamKeys {
        var keys = StreamKeys()
        for name in names { try keys.define(name, persisted: persisted, in: table, OperationReader(end: 0)) }
        return keys
    }

    @Test func `have the numbers of the graph`() throws {
        let table = GlobalKeys()
        table.load([(1, "other"), (2, "a")])
        let keys = try define(["a", "b"], in: table)
        #expect(keys.globals == [0, 2, 3])
        #expect(keys.name(0) == "" && keys.name(2) == "b")
        #expect(!keys.areEqual && keys.areNew && !keys.hasOdd)
        #expect(try keys.global(2) == 3)
        #expect(throws: DropError.self) { try keys.global(3) }
    }

    @Test func `are the same as long as no other name is between`() throws {
        let table = GlobalKeys()
        table.load([(1, "a"), (2, "b")])
        let keys = try define(["a", "b"], persisted: ["a", "b"], in: table)
        #expect(keys.areEqual && !keys.areNew)
    }

    @Test func `cannot be named otherwise than before`() throws {
        #expect(throws: DropError.self) { try define(["b"], persisted: ["a"]) }
    }

    @Test func `tell names that DTDL does not have`() throws {
        #expect(try define(["dtmi:a:b;1", "ok", "part/ok"]).hasOdd == false)
        #expect(try define(["ok", "$dtId"]).hasOdd)
    }

    @Test func `are free again when the last drop that has them ends`() throws {
        let table = GlobalKeys()
        let keys = try define(["a"], in: table)
        #expect(table.known("a") == 1)
        keys.release(to: table)
        #expect(table.known("a") == nil)
    }
}

@Suite struct `A sample of a drop's statements` {
    @Test func `is due once, when enough wait`() {
        var sample = ChangeSample()
        let isDue = [ChangeSample.size - 1, ChangeSample.size, ChangeSample.size].map { sample.isDue(waiting: $0) }
        #expect(isDue == [false, true, false])
    }

    @Test func `says that they are changes where half of them are`() {
        var sample = ChangeSample()
        for index in 0..<ChangeSample.size { sample.note(isChange: index < ChangeSample.size / 2) }
        #expect(sample.isMostlyChange)
        sample.note(isChange: false)
        #expect(!sample.isMostlyChange)
    }

    @Test func `says nothing of a few`() {
        var sample = ChangeSample()
        for _ in 1..<ChangeSample.size { sample.note(isChange: true) }
        #expect(!sample.isMostlyChange)
    }
}

@Suite struct `What a drop leaves word of` {
    @Test func `tells keys that all statements have from those that some have`() {
        var names = SpokenNames()
        #expect(names.commonKeys == nil)
        names.note([1, 2, 3])
        names.note([2, 3, 4])
        #expect(names.commonKeys == [2, 3] && names.allKeys == [1, 2, 3, 4])
    }

    @Test func `has the names of what it deleted`() {
        var names = SpokenNames()
        names.noteDelete(ofTwin: [0x61])
        names.noteDelete(ofRelationship: [0x62], of: [0x63])
        #expect(names.deleted == [0x61, 0, 0x63, 1, 0x62, 0])
    }
}

@Suite struct `What became of a late drop` {
    @Test func `names first whose word stands most often`() {
        var late = LateOutcome()
        for drop: UInt64 in [7, 9, 9, 0] { late.overrule(by: drop) }
        #expect(late.overruledCount == 4)
        #expect(late.overrulers.map(\.drop) == [9, 7, 0])
        #expect(late.sentenceOfItsFile == nil)
        late.overruledByRecords = 1
        #expect(late.sentenceOfItsFile?.hasPrefix("1 of its operations was not applied") == true)
    }

    @Test func `counts a record once of which it cannot be told`() {
        var late = LateOutcome()
        late.leaveOpen(4, because: 1)
        late.leaveOpen(4, because: 2)
        #expect(late.undecided == [4] && late.undecidedBy == 2)
    }
}

@Suite struct `The account of a drop` {
    private func statement(_ kind: DropStatement.Kind) -> DropStatement {
        DropStatement(kind: kind, key: 0, properties: [], record: 1)
    }

    private func account() throws -> DropAccount { DropAccount(try StoreFixture().job(bytes: 1000).0) }

    @Test func `counts the bytes of its file once, however often a part has them`() throws {
        var account = try account()
        let offsets = [account.advance(10, 20), account.advance(-15, 20)]
        #expect(offsets == [10, 15])
        #expect(account.books.bytesAccounted == 25)
        let outside = account.advance(0, 1000)
        #expect(outside == nil)
        #expect(account.books.bytesAccounted == 25)
    }

    @Test func `counts a twin once, by the last of its statements`() throws {
        var account = try account()
        account.books.created = 1
        account.count(.differs, before: statement(.merge), after: statement(.merge), isNew: true)
        #expect(account.books.created == 1 && account.books.superseded == 1)
        account.count(.same, before: statement(.merge), after: statement(.merge), isNew: true)
        #expect(account.books.created == 1 && account.books.unchanged == 1)
        // Made and deleted by one drop: never there.
        account.count(.differs, before: statement(.merge), after: statement(.delete), isNew: true)
        #expect(account.books.created == 0 && account.books.unchanged == 2 && account.books.deleted == 0)
    }

    @Test func `takes a change back that another statement reverts`() throws {
        var account = try account()
        account.books.updated = 1
        account.count(.reverted, before: statement(.merge), after: statement(.merge), isNew: false)
        #expect(account.books.updated == 0 && account.books.unchanged == 1 && account.books.superseded == 1)
    }

    @Test func `knows the first record that was refused`() throws {
        var account = try account()
        for number: UInt64 in [5, 3, 8] { try account.reject(RecordPlace(number: number, offset: 0, length: 1), "id", "No.") }
        account.orderRejections()
        #expect(account.books.firstRejected == 3 && account.books.recordsRejected == 3)
        #expect(account.rejections.map(\.record) == [3, 5, 8])
    }
}

@Suite struct `The limits of a drop` {
    private func guards(_ policy: ApplyPolicy = ApplyPolicy(), _ fill: (inout DropBooks) -> Void = { _ in }) -> Guards {
        var books = DropBooks()
        fill(&books)
        return Guards(policy: policy, source: SourceName("erp")!, scope: "", books: books, isAmendment: false)
    }

    private func deletes(_ deletes: Int, withheld: Int = 0, of owned: Int, _ loss: Guards.Loss = .some) -> Guards.Deletes {
        Guards.Deletes(what: "twins", deletes: deletes, withheld: withheld, owned: owned, loss: loss)
    }

    @Test func `allow a share, and a free number`() {
        #expect(guards().refusal(of: deletes(10, of: 20)) == nil)  // The free number.
        #expect(guards().refusal(of: deletes(50, of: 1000)) == nil)  // The share.
        let error = guards().refusal(of: deletes(51, of: 1000))
        #expect(error?.code == .guardDeletes && error?.remedy == .hold)
        #expect(error?.message == "The drop would delete 51 of 1000 twins of erp; up to 5 %, or 10, may go without a person.")
    }

    @Test func `never allow all, nor that a list leaves out more than half, within the free number`() {
        #expect(guards().refusal(of: deletes(2, of: 2, .all))?.message.contains("all 2 twins") == true)
        #expect(guards().refusal(of: deletes(6, of: 9, .mostMissing)) != nil)
        var policy = ApplyPolicy()
        policy.deletesShareMax = 1
        #expect(guards(policy).refusal(of: deletes(2, of: 2, .all)) == nil)
    }

    @Test func `count what is withheld`() {
        let error = guards { $0.recordsRejected = 1 }.refusal(of: deletes(0, withheld: 51, of: 1000))
        #expect(error?.message.hasPrefix("No usable record of the file lists 51 of 1000 twins of erp;") == true)
    }

    @Test func `hold a drop of which nothing could be used`() {
        let guards = guards {
            $0.recordsRead = 1
            $0.recordsRejected = 1
        }
        #expect(guards.refusalOfUselessness?.code == .nothingUsable)
        #expect(guards.refusalOfRejects == nil)  // Within the free number.
    }

    @Test func `hold a drop with too many refused records, but not an amendment`() {
        func guards(isAmendment: Bool) -> Guards {
            var books = DropBooks()
            (books.recordsRead, books.recordsRejected) = (1000, 11)
            return Guards(
                policy: ApplyPolicy(), source: SourceName("erp")!, scope: "", books: books, isAmendment: isAmendment)
        }
        #expect(guards(isAmendment: false).refusalOfRejects?.code == .guardRejects)
        #expect(guards(isAmendment: true).refusalOfRejects == nil)
    }
}

@Suite struct `Records that are put off` {
    private func hash(_ number: UInt64) -> IdentityHash { IdentityHash(high: number, low: 0) }

    private func records(_ relations: [(makes: [UInt64], needs: [UInt64])]) throws -> DeferredRecords {
        var records = DeferredRecords()
        for (makes, needs) in relations {
            try records.add(.init(place: .init(), stream: [], makes: makes.map(hash), needs: needs.map(hash)), [])
        }
        return records
    }

    @Test func `are refused where nobody makes what they need`() throws {
        let records = try records([([1], []), ([2], [1]), ([3], [9])])
        let (refused, made) = try records.undecidable { _ throws(DropError) in false }
        #expect(refused == [2] && made == [hash(1), hash(2)])
    }

    @Test func `are refused with those that make what they need`() throws {
        let records = try records([([1], [2]), ([2], [3]), ([3], [9])])
        let (refused, made) = try records.undecidable { _ throws(DropError) in false }
        #expect(refused == [0, 1, 2] && made.isEmpty)
    }

    @Test func `stay where they need one another`() throws {
        let records = try records([([1], [2]), ([2], [1])])
        #expect(try records.undecidable { _ throws(DropError) in false }.refused.isEmpty)
    }

    @Test func `stay where what they need is there`() throws {
        let records = try records([([], [9])])
        #expect(try records.undecidable { (twin) throws(DropError) in twin == hash(9) }.refused.isEmpty)
    }

    @Test func `take no more than 64 MiB`() throws {
        var records = DeferredRecords()
        let stream = [UInt8](repeating: 0, count: DeferredRecords.bytesMax / 2)
        try records.add(.init(place: .init(), stream: stream, makes: [], needs: []), [])
        #expect(!records.isWorthMore)
        try records.add(.init(place: .init(), stream: stream, makes: [], needs: []), [])
        let one = DeferredRecords.Record(place: .init(), stream: [1], makes: [], needs: [])
        #expect(throws: DropError.self) { try records.add(one, []) }
    }
}

@Suite struct `The models a source may use` {
    @Test func `are named, or a namespace of theirs is`() {
        #expect(ModelRules.isAllowed("dtmi:a:b;1", ["dtmi:a:b;1"]))
        #expect(ModelRules.isAllowed("dtmi:a:b;1", ["dtmi:a:*"]))
        #expect(!ModelRules.isAllowed("dtmi:ab:b;1", ["dtmi:a:*"]))
        #expect(!ModelRules.isAllowed("dtmi:a:b;1", []))
    }
}
