package import TwinModel

/// What TwinDrop reports to people without being asked (decision 0036). Each is a condition that lasts until something ends it.
package enum NoticeEvent: String, Sendable, CaseIterable {
    /// A drop waits for a person's yes.
    case held
    /// Nothing of a drop can be used; it is held.
    case nothingUsable = "nothing-usable"
    case quarantined
    /// A source does not go on.
    case suspended
    /// A source whose expected delivery did not come.
    case late

    /// The event of a drop that waits for a person; nil for any other.
    package init?(_ record: DropRecord) {
        switch record.state {
        case .held: self = record.outcome == .nothingUsable ? .nothingUsable : .held
        case .quarantined: self = .quarantined
        default: return nil
        }
    }
}

/// One condition that is reported. The same condition at the same time has the same key.
package struct Notice: Sendable, Equatable {
    package let event: NoticeEvent
    /// The drop's id, or the source's name.
    package let subject: String
    /// Since when, in milliseconds since 1970.
    package let since: UInt64
    /// Further facts, as they are sent.
    package let facts: [JSON.Member]

    package init(event: NoticeEvent, subject: String, since: UInt64, facts: [JSON.Member]) {
        self.event = event
        self.subject = subject
        self.since = since
        self.facts = facts
    }
}
