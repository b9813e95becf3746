/// Which landing files may have lost their tail in a power cut (docs/failure-model.md, "After a power cut").
///
/// After the machine went down under a run, files that were changed shortly before its last sign of life, or later and before the
/// machine came up again, are doubted. A doubt outlives runs and restarts: it is about the file, which may lie there for long.
/// Pure: the caller says what it knows of the run before.
package struct TruncationRule: Sendable, Equatable {
    /// Times of change that are doubted, in milliseconds since 1970, oldest first; at most `rangesMax`.
    package private(set) var doubted: [Range<UInt64>]

    /// A file changed this long before the last sign of life, or later, is doubted.
    package static let doubtedMilliseconds: UInt64 = 60_000
    /// Past so many power cuts the oldest is forgotten.
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

    /// Adds what is to be doubted after `last`, when the machine went down under it.
    ///
    /// - Parameter bootedAt: when this boot began, milliseconds since 1970; files changed later were written by somebody alive.
    package mutating func start(after last: LastRun, bootID: String, bootedAt: UInt64) {
        guard !last.stoppedCleanly, !last.bootID.utf8.elementsEqual(bootID.utf8) else { return }
        let from = last.aliveAt - min(last.aliveAt, Self.doubtedMilliseconds)
        // A clock that went back while the machine was down tells nothing of this boot: what was written near the end is doubted.
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
