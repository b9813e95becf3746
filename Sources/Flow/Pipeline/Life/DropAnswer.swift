import DropCore

/// What is to be done about an event of a drop's life. Where there is something to be written, `DropLifecycle.written` tells what
/// follows.
struct DropAnswer: Sendable {
    /// Before everything else.
    var first: [Effect] = []
    var writes: [Write] = []
    /// For the ledger, in the same step as the event.
    var notes: [Note] = []
    /// After that, in order.
    var then: [Effect] = []

    /// What is made durable, in order; any number of times where there is no room.
    enum Write: Sendable, Equatable {
        case bytesIntoQuarantine(DropRecord, DropReason)
        case row(DropRecord, by: Act?)
        case receipt(DropRecord)
        /// What the drop put right is closed by it.
        case closeOthers(DropRecord)
    }

    /// What the ledger is told about the drop's source.
    enum Note: Sendable, Equatable {
        /// An ordered source stops behind it.
        case block(DropRecord)
        /// A delivery of the same name may put it right.
        case remember(DropRecord)
        case putBack(DropRecord, notBefore: UInt64)
        case suspend(SourceName, DropError, since: UInt64)
        /// `isNewest` false: what its source said last is still what newer drops said.
        case applied(DropRecord, isNewest: Bool)
    }

    /// What others are told, and who has the drop next.
    enum Effect: Sendable {
        case leaveHand
        case emit(PipelineEvent)
        case acted(Act)
        case closeOthers(DropRecord)
        case archive(Ended)
    }
}

/// A drop that ended and waits for its container.
struct Ended: Sendable, Equatable {
    let record: DropRecord
    let commitSequence: UInt64?
}

extension DropLifecycle {
    /// What follows from the bytes of a claimed drop.
    enum Reading: Equatable {
        /// It waits for its turn now.
        case inLine(DropRecord)
        /// Its claim said why it is not to be processed: `quarantined(because:at:)`, once its claim is durable.
        case doubted(DropReason)
        /// They are not those that arrived: `failed`, once its claim is durable.
        case changed(known: ContentDigest, found: ContentDigest)
    }
}
