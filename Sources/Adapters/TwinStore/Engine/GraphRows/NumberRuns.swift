import CodecKit
import DropCore

/// Numbers of twins or relationships as ascending runs: what one drop spoke of, small enough to be kept with it.
struct NumberRuns: Equatable {
    private var runs: [ClosedRange<UInt32>] = []

    init() {}

    /// - Parameter numbers: in any order.
    init(_ numbers: some Sequence<UInt32>) {
        for number in numbers.sorted() {
            if let last = runs.last, number <= last.upperBound { continue }
            if let last = runs.last, number == last.upperBound + 1 {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
    }

    /// All of them, ascending.
    var numbers: [UInt32] { runs.flatMap { Array($0) } }

    func contains(_ number: UInt32) -> Bool {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].upperBound < number { low = middle + 1 } else { high = middle }
        }
        return low < runs.count && runs[low].contains(number)
    }

    /// Gap and length of each run, as varints.
    var encoded: [UInt8] {
        var out: [UInt8] = []
        var end: UInt32 = 0
        for run in runs {
            out.append(varint: UInt64(run.lowerBound - end))
            out.append(varint: UInt64(run.upperBound - run.lowerBound))
            end = run.upperBound
        }
        return out
    }

    init(encoded bytes: [UInt8]) throws(DropError) {
        let span = bytes.span
        var reader = OperationReader(end: bytes.count)
        var end: UInt64 = 0
        while !reader.isAtEnd {
            let low = end + (try reader.varint(span))
            end = low + (try reader.varint(span))
            guard end <= UInt64(UInt32.max) else { throw StorageFailure.damaged("a list of numbers cannot be read") }
            runs.append(UInt32(low)...UInt32(end))
        }
    }
}
