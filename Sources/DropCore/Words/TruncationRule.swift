package import DropCore

/// Whether a landing file may have lost its tail in a power cut (failure-model: section 4, rule 7).
package struct TruncationRule: Sendable, Equatable {
    /// The kernel's boot id now and when the last run was alive.
    package let bootID: String
    package let lastBootID: String?
    package let lastStopWasClean: Bool
    /// The last sign of life of the run before, milliseconds since 1970.
    package let lastAliveAt: UInt64

    /// A file changed this long before the last sign of life, or later, is doubted. One that was changed after this boot is not.
    package static let doubtedMilliseconds: UInt64 = 60_000

    package init(bootID: String, lastBootID: String?, lastStopWasClean: Bool, lastAliveAt: UInt64) {
        self.bootID = bootID
        self.lastBootID = lastBootID
        self.lastStopWasClean = lastStopWasClean
        self.lastAliveAt = lastAliveAt
    }

    /// Whether the machine went down under the last run.
    package var isAfterUncleanBoot: Bool {
        guard let lastBootID else { return false }
        return !lastStopWasClean && !lastBootID.utf8.elementsEqual(bootID.utf8)
    }

    /// True when `file` is doubted: it must then prove by its format that it is complete, or go to quarantine as
    /// `suspect-truncated`.
    /// - Parameters:
    ///   - bootedAt: when this boot began, milliseconds since 1970; files changed later were written by somebody alive.
    ///   - hasMarker: a marker or manifest was written after the data, and vouches for it.
    package func doubts(_ file: FileIdentity, bootedAt: UInt64, hasMarker: Bool) -> Bool {
        guard isAfterUncleanBoot, !hasMarker else { return false }
        let changed = UInt64(max(0, file.changeTime / 1_000_000))
        let from = lastAliveAt > Self.doubtedMilliseconds ? lastAliveAt - Self.doubtedMilliseconds : 0
        return changed >= from && changed < bootedAt
    }
}
