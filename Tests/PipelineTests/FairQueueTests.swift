import Testing
import ThreadKit

@Suite struct `A fair queue` {
    @Test func `takes from its lanes in turn, and keeps the order of each`() {
        let queue = FairQueue<String, Int>(capacity: 1000)
        #expect(queue.push(contentsOf: Array(0..<900), to: "flood") == 900)
        #expect(queue.push(contentsOf: [9001, 9002], to: "calm") == 2)
        let first = queue.popAll(max: 10)
        #expect(first.filter { $0 < 9000 } == Array(0..<8))
        #expect(first.filter { $0 > 9000 } == [9001, 9002])
        #expect(queue.popAll(max: 100) == Array(8..<108))
        #expect(queue.count == 792)
    }

    @Test func `is full by lane`() {
        let queue = FairQueue<String, Int>(capacity: 2)
        #expect(queue.push(contentsOf: [1, 2], to: "a") == 2)
        #expect(queue.room(for: "a") == 0 && queue.room(for: "b") == 2)
        #expect(queue.push(contentsOf: [3], to: "b") == 1)
        queue.close()
        #expect(queue.push(contentsOf: [4], to: "a") == 0)
        #expect(queue.popAll(max: 9).sorted() == [1, 2, 3])
        #expect(queue.popAll(max: 9) == [])
    }
}
