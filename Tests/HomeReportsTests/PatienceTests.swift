import DropCore
import Testing

@testable import HomeReports

@Suite struct `After a start a source is not late` {
    /// Seconds; what is expected in milliseconds.
    @Test(arguments: [(2, 0, 12_000), (30, 5, 45_000), (59, 5, 60_000), (86_400, 0, 60_000), (Int.max / 2, Int.max / 2, 60_000)])
    func `before its rhythm could begin anew, and for a minute at most`(every: Int, grace: Int, milliseconds: Int) {
        let expectation = DropCore.Expectation(rhythm: .every(.seconds(every)), grace: .seconds(grace))
        #expect(Lateness.patience(after: expectation) == UInt64(milliseconds))
    }

    @Test func `for a minute, where times of day are expected`() {
        #expect(Lateness.patience(after: DropCore.Expectation(rhythm: .at(minutes: [0], days: [0]))) == 60_000)
    }
}
