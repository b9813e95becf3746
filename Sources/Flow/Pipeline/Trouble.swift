package import DropCore
import ThreadKit

/// What keeps something from going on although nothing is wrong with any drop: it is tried again, and told on every surface
/// until it is over (decision 0031).
package struct Trouble: Sendable, Equatable {
    /// The newest of its errors.
    package var error: DropError
    /// Milliseconds since 1970.
    package let since: UInt64
    /// How often it was met.
    var attempts = 1

    /// The trouble with one more error of it.
    static func noting(_ error: DropError, in known: Trouble?, at now: UInt64) -> Trouble {
        guard var known else { return Trouble(error: error, since: now) }
        known.error = error
        known.attempts += 1
        return known
    }

    /// Whether the log is to have a line of it: the first time, and every ten minutes or so.
    var isToBeTold: Bool { attempts % 600 == 1 }
}

/// A drop that does not go on, and why.
package struct WaitingDrop: Sendable {
    package let record: DropRecord
    package let reason: WaitingReason
    /// Milliseconds since 1970.
    package let since: UInt64
}

extension DropPipeline {
    /// What is told of at once may pass in the next moment: it is a reason when it has lasted this long. Units: milliseconds.
    static let retryingMin: UInt64 = 3000
    static let readingMin: UInt64 = 3000

    /// Drops that do not go on, each with why: their source is suspended, or waits for a person; or what they need next cannot be
    /// had.
    package func waitingDrops() -> [WaitingDrop] {
        let now = clock.now()
        return state.quietly { state in
            var found: [DropID: WaitingDrop] = [:]
            for (id, one) in state.reading where one.since + Self.readingMin <= now {
                found[id] = WaitingDrop(record: one.record, reason: Self.reading(one.record), since: one.since)
            }
            for (id, one) in state.retrying where one.trouble.since + Self.retryingMin <= now {
                guard let record = state.inFlight[id], !record.state.isApplied else { continue }
                found[id] = WaitingDrop(record: one.record, reason: Self.retrying(one.trouble.error), since: one.trouble.since)
            }
            if state.diskIsFull {
                for (id, record) in state.inFlight where found[id] == nil && !record.state.isApplied {
                    found[id] = WaitingDrop(record: record, reason: WaitingReason(.diskFull), since: record.claimedAt)
                }
            }
            if let trouble = state.archiveTrouble {
                for (id, record) in state.ending {
                    found[id] = WaitingDrop(record: record, reason: Self.archiving(trouble.error), since: trouble.since)
                }
            }
            for (id, one) in state.owed {
                found[id] = WaitingDrop(record: one.record, reason: Self.receipts(one.trouble.error), since: one.trouble.since)
            }
            for (drop, blocker) in state.scheduler.stuckDrops {
                found[drop.id] = Self.stuck(drop, behind: blocker, state.suspensions[drop.source])
            }
            return found.values.sorted { $0.record.id < $1.record.id }
        }
    }

    private static func stuck(_ drop: DropRecord, behind blocker: DropRecord?, _ why: Suspension?) -> WaitingDrop {
        if let blocker { return WaitingDrop(record: drop, reason: WaitingReason(behind: blocker), since: drop.claimedAt) }
        guard let why else {
            return WaitingDrop(record: drop, reason: WaitingReason(.sourceSuspended), since: drop.claimedAt)
        }
        return WaitingDrop(record: drop, reason: why.reason, since: why.since)
    }

    private static func reading(_ record: DropRecord) -> WaitingReason {
        WaitingReason(.reading, "It is claimed, and its \(ByteCount.text(record.bytes)) are being read for their SHA-256.")
    }

    private static func retrying(_ error: DropError) -> WaitingReason {
        let message = Escaping.visible(error.message)
        if let code = WaitingReason.Code(error.code) { return WaitingReason(code, message, hint: error.hint) }
        return WaitingReason(.retrying, message, hint: error.hint)
    }

    static func archiving(_ error: DropError) -> WaitingReason {
        let message = Escaping.visible(error.message)
        return error.code == .diskFull
            ? WaitingReason(.archiveFull, message) : WaitingReason(.retrying, message, hint: error.hint)
    }

    static func receipts(_ error: DropError) -> WaitingReason {
        let code = WaitingReason.Code(error.code) ?? .receiptsUnusable
        return WaitingReason(code, Escaping.visible(error.message), hint: error.hint)
    }
}

extension Trouble {
    /// As what keeps receipts from being written.
    package var receiptReason: WaitingReason { DropPipeline.receipts(error) }
}

extension Suspension {
    /// What a source waits for by itself has a code of its own; anything else is for a person to correct.
    package var isOfItsOwn: Bool { WaitingReason.Code(error.code) == nil }

    package var reason: WaitingReason {
        isOfItsOwn
            ? WaitingReason(.sourceSuspended, Escaping.visible(error.message), hint: error.hint) : WaitingReason(error)
    }
}

extension PipelineSnapshot {
    /// What keeps the archive from taking drops; nil: nothing does.
    package var archiveReason: WaitingReason? {
        archiveTrouble.map { DropPipeline.archiving($0.error) }
    }

    /// Whether receipts wait for room, for whatever source.
    package var receiptsAreFull: Bool { receiptTroubles.values.contains { $0.error.code == .receiptsFull } }
}
