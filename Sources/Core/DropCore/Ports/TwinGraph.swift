/// How a source's drops relate to what it said before.
package struct ApplyPolicy: Sendable, Equatable {
    package enum Mode: Sendable, Equatable {
        /// Only the statements of a drop count; what it leaves out means nothing.
        case incremental
        /// A drop lists everything the source (or the scope it names) has; what it leaves out is deleted.
        case snapshot
    }

    /// What happens to a relationship whose source or target twin does not exist when its drop is applied.
    package enum Dangling: Sendable, Equatable {
        /// It is kept aside and applied when both twins exist; after this long it expires.
        case wait(Duration)
        case reject
        /// A twin with nothing but its id is made.
        case stub
    }

    /// How operations are checked against the DTDL models of the graph.
    package enum Validation: String, Sendable, CaseIterable {
        /// Twins whose model is in the graph must conform to it; others are accepted.
        case known
        /// Every twin has a model in the graph, and conforms to it.
        case strict
        case off
    }

    package var mode: Mode = .incremental
    package var validation: Validation = .known
    package var dangling: Dangling = .wait(.seconds(24 * 3600))
    /// A drop that exceeds one of these is held. Shares are numbers of 0 … 1: of deletes among the twins the source owns (in the
    /// scope), and of rejects among the records read.
    package var deletesShareMax: Double = 0.05
    /// Deletes up to this many never hold a drop, whatever their share.
    package var deletesFree: UInt64 = 10
    package var rejectsShareMax: Double = 0.01
    /// Rejects up to this many never hold a drop, whatever their share.
    package var rejectsFree: UInt64 = 10
    /// A drop may have one operation and one record for each byte of its file, and this many more. A drop with more is refused.
    package var operationsFree: UInt64 = 1_000_000
    /// Models the source may use, and whose twins it may change. One that ends in `:*` is a namespace. Empty: any.
    package var models: [String] = []
    /// Prefixes one of which every twin id the source changes must have; empty: any.
    package var twinPrefixes: [String] = []

    package init() {}

    /// The rules that decide the result of the same bytes, besides plugin and settings. They are a text, so that they can be kept
    /// with a drop and read by people. Limits that only hold a drop are not part of it.
    package var rules: String {
        let dangles =
            switch dangling {
            case .wait: "wait"
            case .reject: "reject"
            case .stub: "stub"
            }
        let scope = models.map { " model " + $0 } + twinPrefixes.map { " twin " + $0 }
        return "\(mode) \(validation.rawValue) \(dangles)" + scope.joined()
    }
}

/// One drop on its way into the graph.
package struct ApplyJob: Sendable {
    package let drop: DropID
    package let source: SourceName
    package let policy: ApplyPolicy
    /// Bytes of the file.
    package let bytes: UInt64
    /// The digest of everything that determines the plugin's output: plugin, mapping, settings, lookups. A fingerprint is valid
    /// only while this stays the same.
    package let transformDigest: ContentDigest
    /// The drop that this one amends. It then has the place of that drop, and deletes by absence only what that drop would have
    /// deleted.
    package let amends: DropID?
    /// The amended file, if the rows name the drop in `amends`.
    package let amendment: Amendment?
    /// The place of the file among those of its source, by its name (`sequence`); nil if the source has no `sequence`.
    package let place: String?
    /// The delivery whose place among those of its source the drop keeps: itself, if it was held and released; the first try, if
    /// it was retried. Nil: it is the newest.
    package let origin: DropID?
    /// Bytes of the file as it was dropped; `bytes` are those that are transformed.
    package let fileBytes: UInt64
    /// Whether bytes that belong to no record or other part may list something: true for a file that a plugin read.
    package let doubtsBytes: Bool
    /// Set when a person released the drop: guards do not hold it again.
    package let released: Bool
    /// Folder for what does not fit in memory; the graph removes what it puts there.
    package let scratchFolder: String

    package init(
        drop: DropID, source: SourceName, policy: ApplyPolicy, bytes: UInt64, transformDigest: ContentDigest, amends: DropID?,
        amendment: Amendment? = nil, place: String? = nil, origin: DropID? = nil, fileBytes: UInt64? = nil,
        doubtsBytes: Bool = false, released: Bool, scratchFolder: String
    ) {
        self.drop = drop
        self.source = source
        self.policy = policy
        self.bytes = bytes
        self.transformDigest = transformDigest
        self.amends = amends
        self.amendment = amendment
        self.place = place
        self.origin = origin
        self.fileBytes = fileBytes ?? bytes
        self.doubtsBytes = doubtsBytes
        self.released = released
        self.scratchFolder = scratchFolder
    }
}

/// Compares a drop with the graph while it is transformed: each operation as it comes, on a reader connection. It keeps only what
/// would change. Nothing is visible to anybody before `TwinGraph.commit`.
package protocol ChangeSetBuilder: OperationSink {
    /// What the plugin refused or accounted for so far, in the order of the file; also after `finish` has thrown.
    var rejections: [Rejection] { get }
    var spans: [FileSpan] { get }
    var books: DropBooks { get }

    /// Ends the input. Decides about absent twins of a snapshot, relationships without target, and the guards.
    ///
    /// Errors: `guard-deletes`, `guard-rejects` (remedy hold); `too-many-rejects` (quarantine); storage errors (stop, retry).
    func finish() throws(DropError) -> any ChangeSet

    /// Gives up, and frees everything.
    func abandon()
}

/// What one drop would change. Kept in memory when small, else in the scratch folder.
package protocol ChangeSet: AnyObject, Sendable {
    var drop: DropID { get }
    /// As far as the comparison knows. The numbers of `CommitResult` are final.
    var books: DropBooks { get }
    /// In the order of the file.
    var rejections: [Rejection] { get }
    /// Headers, footers and remainders the plugin reported, in the order of the file.
    var spans: [FileSpan] { get }
    /// Gives the change set up: frees scratch files and reserved numbers. Not after a commit.
    func abandon()
}
