extension DropLifecycle {
    enum Phase: Sendable, Equatable, CaseIterable {
        /// To be read once for its digest.
        case claimed
        /// Registered: it waits for its turn.
        case waiting
        /// In the hands of a transforming thread.
        case inWork
        /// Its changes are in the queue of the commit, or in the hands of the committing thread.
        case prepared
        /// What it came to is being made durable.
        case writing
        /// It ended, and is in no durable container yet.
        case archiving
        /// In the archive; its receipt is to be written.
        case receipting
        /// The flow has nothing more to do with it: it is done, it waits for a person, or it is left to the next start.
        case left
    }

    /// What is known about the step S1.
    enum Claim: Sendable, Equatable {
        /// Nothing that outlives a power cut may be written about the drop yet.
        case underWay
        case durable
        /// Its file went back to its folder: what was begun counts for nothing.
        case void
    }

    /// What can happen to a drop: each is a call of `DropLifecycle`. What is only remembered of it (that it is being read, or
    /// that its bytes were compared) is none.
    enum Event: Sendable, CaseIterable {
        // S1 and S2
        case claimIsDurable, claimCameToNothing, leftAsVoid, read
        // S3 and S4
        case taken, handedOn, setBack, committed
        // S5 to S7
        case archived, setAside, leftToNextStart, receipted, receiptIsLeft
        // Other ends
        case failed, quarantined, repeats, givenUp, written
    }
}

extension DropLifecycle.Event {
    /// The life of a drop as a table: whether the event can happen to one in this phase, and lead to that.
    func leads(from phase: DropLifecycle.Phase, to next: DropLifecycle.Phase) -> Bool {
        switch (self, phase, next) {
        // A claim is durable, or was given up, before anything is written about its drop.
        case (.claimIsDurable, .claimed, .claimed), (.claimIsDurable, .waiting, .waiting), (.claimIsDurable, .inWork, .inWork),
            (.claimCameToNothing, .waiting, .left), (.claimCameToNothing, .inWork, .inWork), (.leftAsVoid, .inWork, .left):
            true
        // Bytes that are doubted, or others than those that arrived, do not go on.
        case (.read, .claimed, .waiting), (.read, .claimed, .claimed): true
        case (.taken, .waiting, .inWork), (.handedOn, .inWork, .prepared), (.setBack, .prepared, .waiting),
            (.committed, .prepared, .archiving):
            true
        case (.archived, .archiving, .receipting), (.setAside, .archiving, .left), (.leftToNextStart, .archiving, .left),
            (.receipted, .receipting, .left), (.receiptIsLeft, .receipting, .receipting):
            true
        // By its remedy: put back, or settled.
        case (.failed, .claimed, .waiting), (.failed, .inWork, .waiting), (.failed, .prepared, .waiting),
            (.failed, .claimed, .writing), (.failed, .inWork, .writing), (.failed, .prepared, .writing):
            true
        case (.quarantined, .claimed, .writing), (.repeats, .inWork, .writing), (.repeats, .prepared, .writing),
            (.givenUp, .waiting, .writing), (.givenUp, .inWork, .writing):
            true
        case (.written, .writing, .archiving), (.written, .writing, .left): true
        default: false
        }
    }
}
