/// Which landing files may have lost their tail in a power cut (docs/failure-model.md, "After a power cut").
///
/// When the machine went down during a run, files are doubted that were changed shortly before the last sign of life of that run,
/// or later and before the machine came up again. A doubt outlives runs and restarts, because it is about the file, which may
/// stay there for a long time. Pure: the caller passes in what it knows about the run before.
package struct TruncationRule: Sendable, Equatable {
    /// Times of change that are doubted, in milliseconds since 1970, oldest first; at most `rangesMax`.
    package private(set) var doubted: [Range<UInt64>]

    /// A file changed this long before the last sign of life, or later, is doubted.
    package static let doubtedMilliseconds: UInt64 = 60_000
    /// After this many power cuts the oldest range is forgotten.
    package static let rangesMax = 4

    /// - Parameter doubted: what earlier runs doubted.
    package init(doubted: [Range<UInt64>] = []) { self.doubted = Array(doubted.suffix(Self.rangesMax)) }

    /// What the run before left behind.
    package struct LastRun: Sendable, Equatable {
        /// The kernel's boot id then.
        package let bootID: String
        package let stoppedCleanly: Bool
        /// Its last sign of life, milliseconds since 1970.
        package let aliveAt: UInt64

        package init(bootID: String, stoppedCleanly: Bool, aliveAt: UInt64) {
            self.bootID = bootID
            self.stoppedCleanly = stoppedCleanly
            self.aliveAt = aliveAt
        }
    }

    /// Adds the range that is doubted after `last`, if the machine went down during that run.
    ///
    /// - Parameter bootedAt: when this boot began, milliseconds since 1970; files that changed later were written after the power
    ///   cut.
    package mutating func start(after last: LastRun, bootID: String, bootedAt: UInt64) {
        guard !last.stoppedCleanly, !last.bootID.utf8.elementsEqual(bootID.utf8) else { return }
        let from = last.aliveAt - min(last.aliveAt, Self.doubtedMilliseconds)
        // If the clock went back while the machine was down, it says nothing about this boot. Then what was written near the end
        // is doubted.
        let end = bootedAt > last.aliveAt ? bootedAt : last.aliveAt + Self.doubtedMilliseconds
        doubted = Array((doubted + [from..<end]).suffix(Self.rangesMax))
    }

    /// True when `file` is doubted: it must then prove by its format that it is complete, or go to quarantine.
    /// - Parameter isVouchedFor: a marker or manifest was written after the data.
    package func doubts(_ file: FileIdentity, isVouchedFor: Bool) -> Bool {
        guard !isVouchedFor else { return false }
        let changed = UInt64(max(0, file.changeTime / 1_000_000))
        return doubted.contains { $0.contains(changed) }
    }

    /// The code of the defect of a doubted file.
    package static let code: DropError.Code = .suspectTruncated

    /// Why a doubted file is quarantined.
    package static func defect(of name: FileName) -> DropError {
        DropError(
            code,
            "\(name) was last changed shortly before the machine went down, and nothing vouches for its being whole.",
            hint: "Look at its end: if it is whole, `twindrop retry` it; else deliver it again. "
                + "Files with a marker, and sources with ready.proves-end, are never doubted.", remedy: .quarantine)
    }
}
