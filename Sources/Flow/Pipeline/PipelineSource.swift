package import DropCore

/// One source as the pipeline treats it.
package struct PipelineSource: Sendable {
    package let name: SourceName
    package var policy: ApplyPolicy { didSet { rules = policy.rules } }
    /// The text of the policy's rules, made once: each drop keeps it.
    private(set) var rules: String
    package var duplicates: DuplicateRule
    package var order: DropOrder
    /// What in a file's name says which delivery is newer; nil where the source does not say.
    package var sequence: NameSequence?
    package var empty: EmptyRule

    /// Drops are compared with everything the ones before them left.
    var waitsForCommit: Bool { policy.mode == .snapshot || sequence != nil }

    package init(
        name: SourceName, policy: ApplyPolicy, duplicates: DuplicateRule = .newest, order: DropOrder = .none,
        sequence: NameSequence? = nil, empty: EmptyRule? = nil
    ) {
        self.sequence = sequence
        self.name = name
        self.policy = policy
        rules = policy.rules
        self.duplicates = duplicates
        self.order = order
        self.empty = empty ?? (policy.mode == .snapshot ? .hold : .record)
    }
}

/// What the pipeline works with: each is one port of `DropCore`.
package struct PipelinePorts: Sendable {
    package let register: any DropRegister
    package let graph: any TwinGraph
    package let transformer: any Transformer
    package let claimer: any FileClaimer
    package let spool: any DropSpool
    package let receipts: any ReceiptStore
    /// Nil where no file amends another.
    package let amendments: (any AmendmentStore)?
    /// Called on the archiving thread, and once before the threads start.
    package let makeArchive: @Sendable () throws(DropError) -> any DropArchive
    /// Writes the bytes of an archived drop to a descriptor, checked against its record in the chain. From any thread.
    package let fetch: @Sendable (DropID, CInt) throws(DropError) -> Void
    /// Called on the committing thread several times a second while nothing is to be committed, with the label time.
    package let maintenance: @Sendable (UInt64) throws(DropError) -> Void
    /// Milliseconds since 1970; the pipeline itself makes labels that never run backwards from it.
    package let clock: @Sendable () -> UInt64
    /// Told of each drop that is worked on; nil where nobody keeps that.
    package let inHand: (any DropsInHand)?

    package init(
        register: any DropRegister, graph: any TwinGraph, transformer: any Transformer, claimer: any FileClaimer,
        spool: any DropSpool, receipts: any ReceiptStore, amendments: (any AmendmentStore)? = nil,
        makeArchive: @escaping @Sendable () throws(DropError) -> any DropArchive,
        fetch: @escaping @Sendable (DropID, CInt) throws(DropError) -> Void = { _, _ throws(DropError) in
            throw ByteLoss.missing("the archive")
        },
        maintenance: @escaping @Sendable (UInt64) throws(DropError) -> Void = { _ in }, clock: @escaping @Sendable () -> UInt64,
        inHand: (any DropsInHand)? = nil
    ) {
        self.register = register
        self.graph = graph
        self.transformer = transformer
        self.claimer = claimer
        self.spool = spool
        self.receipts = receipts
        self.amendments = amendments
        self.makeArchive = makeArchive
        self.fetch = fetch
        self.maintenance = maintenance
        self.clock = clock
        self.inHand = inHand
    }
}

/// What happened to a drop; told on the thread where it happened, so listeners are quick and do not block.
package enum PipelineEvent: Sendable {
    case claimed(DropRecord)
    case refused(SettledFile, DropError)
    case transforming(DropRecord)
    /// Committed and visible to readers.
    case applied(DropRecord)
    /// In a durable container, with its chain record; its receipt is about to be written.
    case archived(DropRecord)
    /// Held, quarantined, discarded or a duplicate.
    case endedWithoutApply(DropRecord)
    /// A later drop carries its delivery on, or put it right.
    case closed(DropRecord)
    /// A person acted.
    case acted(Act)
    case sourceSuspended(SourceName, DropError)
    case waiting(DropRecord, DropError)
    /// What was told as failed is over; the source whose affair it was, if it was one's.
    case goesOn(WaitingReason.Code, SourceName?)
    case failed(DropError)
}

/// A corrected file that is to take the place of a drop.
package struct Replacement: Sendable {
    let bytes: UInt64
    /// Writes the bytes to a descriptor. Called at most once.
    let copy: @Sendable (CInt) throws(DropError) -> Void

    /// - Parameter copy: writes exactly `bytes` bytes to the descriptor.
    package init(bytes: UInt64, copy: @escaping @Sendable (CInt) throws(DropError) -> Void) {
        (self.bytes, self.copy) = (bytes, copy)
    }
}
