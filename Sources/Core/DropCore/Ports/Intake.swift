/// A file in the drop zone that is complete, by its source's rule.
package struct SettledFile: Sendable, Equatable {
    package let source: SourceName
    /// The folder it lies in, absolute, and its name there.
    package let folder: String
    package let name: FileName
    package let bytes: UInt64
    package let identity: FileIdentity
    /// The marker or manifest that vouched for it, in the same folder: removed when the file is claimed.
    package let marker: FileName?
    /// The SHA-256 its manifest states; the claim is refused when the bytes have another.
    package let expectedDigest: ContentDigest?
    /// Why it goes to quarantine instead of being processed; nil for a file without a defect.
    package let defect: DropError?

    /// The code of the defect of a file that a writer keeps open: what it holds is copied, and the file itself stays.
    package static let stillOpen: DropError.Code = .stillOpen
    package var isStillOpen: Bool { defect?.code == Self.stillOpen }

    /// The code of a marker that vouches for nothing.
    package static let markerWithoutData: DropError.Code = .markerWithoutData

    /// The codes of all defects. They are about what happened before the claim, so nothing later removes one.
    package static let defects: Set<DropError.Code> = [stillOpen, markerWithoutData, TruncationRule.code]

    package init(
        source: SourceName, folder: String, name: FileName, bytes: UInt64, identity: FileIdentity, marker: FileName? = nil,
        expectedDigest: ContentDigest? = nil, defect: DropError? = nil
    ) {
        self.source = source
        self.folder = folder
        self.name = name
        self.bytes = bytes
        self.identity = identity
        self.marker = marker
        self.expectedDigest = expectedDigest
        self.defect = defect
    }
}

extension SettledFile {
    /// The drop that the file becomes when it is claimed: its row while it is an intent, and afterwards.
    ///
    /// - Parameters:
    ///   - bytes: the size at the claim.
    ///   - milliseconds: since 1970.
    package func claimed(as id: DropID, bytes: UInt64, at milliseconds: UInt64) -> DropRecord {
        DropRecord(
            id: id, source: source, fileName: name, bytes: bytes, state: .claimed, claimedAt: milliseconds,
            changedAt: milliseconds, intake: identity, reason: defect.map(DropReason.init))
    }
}

/// What a claim attempt came to.
package enum ClaimResult: Sendable, Equatable {
    /// The bytes are claimed, and durable in `state/spool/in/ID`. `bytes` is the size at that moment.
    case claimed(DropID, bytes: UInt64)
    /// Somebody still writes to it, it disappeared, or it changed. It stays where it is and is checked again.
    case notYet(WaitingReason)
    /// It can never be claimed as it is; it stays, and `why` says so.
    case refused(DropError)

    /// The answer for a file that waits so that it does not overtake another.
    package static let behind = ClaimResult.notYet(WaitingReason(.behind))
}

/// When a drop counts as a repetition (docs/failure-model.md, "Repetition"); the same intake always does.
package enum DuplicateRule: String, Sendable, CaseIterable {
    /// It equals the source's newest applied drop, and nobody else has changed the source's twins since.
    case newest
    /// It equals any applied drop of the source.
    case skipAny = "skip-any"
    /// Never otherwise.
    case process
}

/// Which drop of a source goes first, and whether a failed one stops those behind it.
package enum DropOrder: String, Sendable, CaseIterable {
    /// As they arrive; a failed drop stops nobody.
    case none
    /// As they arrive; those behind a held or quarantined drop wait for a person.
    case arrival
    /// By the bytes of their names among those that wait; those behind a held or quarantined drop wait for a person.
    case name
}

/// What happens to a file of zero bytes.
package enum EmptyRule: String, Sendable, CaseIterable {
    /// It is applied, with no records, and the drops behind it continue.
    case record
    /// It waits for a person.
    case hold
    /// It is quarantined.
    case refuse

    /// What prevents its application; nil: nothing.
    package func error(about drop: DropRecord) -> DropError? {
        let message = "\(drop.fileName) of source \(drop.source) is empty: it has no bytes at all."
        switch self {
        case .record: return nil
        case .hold:
            return DropError(
                .emptyFile, message,
                hint:
                    "Release it to record an empty delivery: nothing is deleted. Or run the whole file in its place: `twindrop retry DROP --with FILE`. The "
                    + "source's empty: record takes empty files as they are.", remedy: .hold)
        case .refuse:
            return DropError(
                .emptyFile, message,
                hint:
                    "Run the whole file in its place: `twindrop retry DROP --with FILE`. The source's empty: record takes empty files "
                    + "as they are.",
                remedy: .quarantine)
        }
    }
}

/// How a source's files are known to be complete (docs/failure-model.md, "When a file is complete").
package struct ReadinessRule: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable { case rename, marker, close, stable }

    package var kind: Kind = .stable
    /// How long a `stable` file must not change; also how long a scan waits before it looks again.
    package var settle: Duration = .seconds(2)
    /// `marker`: appended to the data file's name (`X.done`), or put in place of its extension.
    package var markerSuffix: String = ".done"
    /// When a writer has a file open for this long without changing it, a copy goes to quarantine as `still-open`. A marker that
    /// has no data for this long goes there as `marker-without-data`.
    package var writerTimeout: Duration = .seconds(900)
    /// The plugin refuses a file without its end (a trailer, a row count, a closing element), so none is doubted after a power
    /// cut.
    package var provesEnd = false
    /// Glob patterns of names that are never taken: temporary names of common writers.
    package var ignore: [String] = [".*", "*.tmp", "*.part", "*.filepart", "~*"]

    package init() {}
}

/// One folder to watch.
package struct WatchedSource: Sendable, Equatable {
    package let name: SourceName
    /// Absolute.
    package let folder: String
    /// Glob patterns of names that are taken; others stay, and `why` says so. Empty: all.
    package let patterns: [String]
    package let readiness: ReadinessRule
    /// Larger files are refused as `too-big`.
    package let fileBytesMax: UInt64
    /// Whether files in subfolders count.
    package let recursive: Bool
    /// Whether its plugin is asked about files that no source's patterns name, where several sources could be meant.
    package let probes: Bool
    /// Whether its files are taken by their names (`order: name`), and not by when they came.
    package let byName: Bool

    package init(
        name: SourceName, folder: String, patterns: [String], readiness: ReadinessRule, fileBytesMax: UInt64, recursive: Bool,
        probes: Bool = false, byName: Bool = false
    ) {
        self.name = name
        self.folder = folder
        self.patterns = patterns
        self.readiness = readiness
        self.fileBytesMax = fileBytesMax
        self.recursive = recursive
        self.probes = probes
        self.byName = byName
    }
}
