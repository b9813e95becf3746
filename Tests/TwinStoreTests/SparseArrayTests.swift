import Testing
import ThreadKit

@testable import TwinStore

@Suite struct `A sparse array` {
    /// One thread goes up from the middle and one down, so that both ends of the range are moved at once.
    @Test func `of which two threads write different elements is all zeros after it was cleared`() {
        let array = SparseArray<UInt64>()
        for round in 0..<40 {
            let (middle, count) = (UInt32(1 << 20), UInt32(2_000))
            let threads = [
                NamedThread("up") { for step in 0..<count { array[middle + step] = 1 } },
                NamedThread("down") { for step in 1...count { array[middle - step] = 2 } },
            ]
            for thread in threads { thread.join() }
            #expect((0..<count).allSatisfy { array[middle + $0] == 1 } && (1...count).allSatisfy { array[middle - $0] == 2 })
            array.clear()
            let left = (middle - count...middle + count).first { array[$0] != 0 }
            #expect(left == nil, "round \(round)")
        }
    }

    @Test func `has the elements that were written, and zeros, in both ways of reading`() {
        let array = SparseArray<UInt32>()
        array[7] = 1
        array[shared: 1 << 29] = .max
        #expect(array[shared: 7] == 1 && array[1 << 29] == .max && array[shared: 8] == 0)
        array.clear()
        #expect(array[7] == 0 && array[shared: 1 << 29] == 0)
    }
}
