import DropCore

/// The drops that the flow has in memory, each with its life cycle; the register is the truth. A life cycle is changed through
/// `change` alone: that is where drops are counted, where tokens end, and where a drop leaves.
struct LiveDrops: Sendable {
    private struct Entry {
        var life: DropLifecycle
        /// Nil once nobody counts on the drop any more.
        var token: Tokens.Token?

        var place: Place {
            Place(
                isUnread: life.phase == .claimed, isSettling: life.phase == .writing, isUndurable: life.claim != .durable,
                isArchiving: life.phase == .archiving, isUnreceipted: life.phase == .receipting && token != nil)
        }

        /// Tells the drop what happened; the token that ends with it, where one does. In place: an entry is large.
        mutating func change<T>(_ body: (inout DropLifecycle) -> T) -> (result: T, ended: Tokens.Token?) {
            let result = body(&life)
            // The token of a void claim is its file's, which goes on.
            guard !life.isInHand, !(life.phase == .left && life.claim == .void), let token else { return (result, nil) }
            self.token = nil
            return (result, token)
        }
    }

    /// What of an entry is counted.
    private struct Place {
        let isUnread: Bool
        let isSettling: Bool
        let isUndurable: Bool
        let isArchiving: Bool
        let isUnreceipted: Bool
    }

    /// How many drops are where, so that nobody who waits has to look at all of them.
    private struct Tally {
        /// Claimed drops that are not read for their digest yet.
        var unread = 0
        /// Drops whose end is being made durable.
        var writing = 0
        /// Drops that are on their way while their claim is being made durable.
        var undurable = 0
        /// Drops that have ended and are in no durable container yet.
        var archiving = 0
        /// Archived drops that wait for their receipt, and are waited for.
        var unreceipted = 0

        mutating func count(_ place: Place, _ sign: Int) {
            if place.isUnread { unread += sign }
            if place.isSettling { writing += sign }
            if place.isUndurable { undurable += sign }
            if place.isArchiving { archiving += sign }
            if place.isUnreceipted { unreceipted += sign }
        }
    }

    private var entries: [DropID: Entry] = [:]
    private var tally = Tally()
    private(set) var tokens = Tokens()
    /// Unfinished drops that a person has given up, and by which act.
    private var givenUp: [DropID: Act] = [:]

    var unread: Int { tally.unread }
    /// Nobody who is not in line yet can be passed: neither a drop that is to be read, nor one that could not be read and whose
    /// source does not wait for a person yet.
    var mayBeginEarly: Bool { tally.unread == 0 && tally.writing == 0 }
    var undurable: Int { tally.undurable }
    var archiving: Int { tally.archiving }
    var unreceipted: Int { tally.unreceipted }
    /// Files and drops in the hands of a stage: handed over, and not at an end or waiting for a person.
    var inHand: Int { tokens.count }
    /// Those of them that something is to be done with before their receipt.
    var beforeReceipt: Int { tokens.count - tally.unreceipted }

    subscript(drop: DropID) -> DropLifecycle? { entries[drop]?.life }

    var all: some Sequence<DropLifecycle> { entries.values.lazy.map(\.life) }

    // MARK: - Files

    /// A file was handed over.
    mutating func issue() -> Tokens.Token { tokens.issue() }

    /// The file could not be claimed: it is no drop.
    mutating func end(_ token: Tokens.Token) { tokens.end(token) }

    // MARK: - Drops

    /// A drop comes into the flow: with the token of its file, or with one of its own.
    mutating func begin(_ life: DropLifecycle, _ token: Tokens.Token? = nil) {
        let entry = Entry(life: life, token: token ?? tokens.issue())
        let known = entries.updateValue(entry, forKey: life.record.id)
        precondition(known == nil, "the drop \(life.record.id) is in the flow already")
        tally.count(entry.place, 1)
    }

    /// Tells a drop what happened to it; nil where it is not in the flow.
    @discardableResult
    mutating func change<T>(_ drop: DropID, _ body: (inout DropLifecycle) -> T) -> T? {
        guard let at = entries.index(forKey: drop) else { return nil }
        tally.count(entries.values[at].place, -1)
        let (result, ended) = entries.values[at].change(body)
        if let ended { tokens.end(ended) }
        if entries.values[at].life.phase == .left {
            entries.remove(at: at)
        } else {
            tally.count(entries.values[at].place, 1)
        }
        return result
    }

    // MARK: - Drops that a person gives up

    func act(givingUp drop: DropID) -> Act? { givenUp[drop] }

    func isGivenUp(_ drop: DropID) -> Bool { !givenUp.isEmpty && givenUp[drop] != nil }

    /// The drop is given up when its turn comes; the first such act counts.
    mutating func giveUp(_ drop: DropID, by act: Act) { givenUp[drop] = givenUp[drop] ?? act }

    /// The act is done, or came too late.
    mutating func forgetAct(_ drop: DropID) { givenUp[drop] = nil }
}
