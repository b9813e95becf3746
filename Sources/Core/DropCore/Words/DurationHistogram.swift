/// How long something took, counted in buckets. A value: whoever shares it guards it.
package struct DurationHistogram: Sendable, Equatable {
    /// Upper bounds of the buckets, inclusive; one more bucket takes the rest. Unit: seconds.
    package static let bounds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
    ]

    /// Per bucket, not summed up; one more than `bounds`.
    package private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// Unit: seconds.
    package private(set) var sum = 0.0

    package init() {}

    package mutating func note(_ duration: Duration) {
        let seconds = duration / .seconds(1)
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sum += seconds
    }

    package var count: UInt64 { counts.reduce(0, +) }
}
