package import DropCore
import ThreadKit

/// How long the stages of the flow took, for metrics.
package struct StageTimes: Sendable, Equatable {
    /// What is measured.
    package enum Stage: String, Sendable, CaseIterable {
        /// One claim of many files.
        case claim
        /// The one read of a file for its digest.
        case register
        /// Transform and comparison of one drop.
        case transform
        /// One transaction of many drops.
        case commit
        /// One container: closed, reread, verified, and its chain records.
        case archive
        /// From a drop's claim to its commit: how old news is when it is visible.
        case applied
    }

    package private(set) var durations: [Stage: DurationHistogram] = [:]

    package mutating func note(_ stage: Stage, _ duration: Duration) {
        durations[stage, default: DurationHistogram()].note(duration)
    }
}
