import Testing
import TwinModel

@testable import TwinStore

@Suite struct `The rows of a page` {
    @Test func `are full only when one more comes`() {
        var page = PageRows(limit: 2)
        for position in [[1], [2, 7]] as [[UInt32]] {
            let hasRoom = page.hasRoom()
            #expect(hasRoom)
            page.append(.null, at: position)
        }
        #expect(!page.isFull && page.next == nil)
        let hasRoom = page.hasRoom()
        #expect(!hasRoom)
        #expect(page.isFull && page.next == [2, 7])
        #expect(page.rows.count == 2)
    }

    @Test func `are counted without being kept`() {
        var page = PageRows(limit: 0)
        page.count()
        page.count(41)
        #expect(page.matches == 42 && page.rows.isEmpty && !page.isFull)
    }
}

@Suite struct `The position of a walk` {
    @Test func `is past the page before where that is none`() {
        let position = WalkPosition(after: [])
        #expect(!position.isResuming && position.least == 0 && position.resumed(0) == 0)
    }

    @Test func `follows the page before until a number is another`() {
        var position = WalkPosition(after: [3, 5, 9])
        #expect(position.least == 3)
        position.pass(3, besides: 3)
        position.begin(3)
        #expect(position.isResuming && position.resumed(1) == 5 && position.resumed(3) == 0)
        position.pass(6, besides: 5)
        #expect(!position.isResuming && position.resumed(1) == 0)
    }

    @Test func `has the numbers that lead to a row, and how many hops a step had`() {
        var position = WalkPosition(after: [])
        position.begin(1)
        position.enter(10)
        let start = position.beginHops()
        position.enter(20)
        position.enter(30)
        position.note(hops: 2, at: start)
        #expect(position.path == [1, 10, 2, 20, 30] && position.walked == [10, 20, 30])
        position.leave()
        position.leave()
        position.endHops()
        position.leave()
        #expect(position.path == [1] && position.walked.isEmpty)
    }
}
