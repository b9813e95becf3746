import CodecKit
package import DropCore

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

    /// As what keeps receipts from being written.
    package var receiptReason: WaitingReason {
        let code = WaitingReason.Code(rawValue: error.code.text) ?? .receiptsUnusable
        return WaitingReason(code, Escaping.visible(error.message), hint: error.hint)
    }

    /// As what keeps the archive from taking drops.
    var archiveReason: WaitingReason {
        let message = Escaping.visible(error.message)
        return error.code == .diskFull
            ? WaitingReason(.archiveFull, message) : WaitingReason(.retrying, message, hint: error.hint)
    }

    /// As what a drop is tried again for.
    var retryReason: WaitingReason {
        let message = Escaping.visible(error.message)
        if let code = WaitingReason.Code(rawValue: error.code.text) { return WaitingReason(code, message, hint: error.hint) }
        return WaitingReason(.retrying, message, hint: error.hint)
    }
}

/// Why the drops of a source wait, all of them.
package struct Suspension: Sendable, Equatable {
    package let error: DropError
    /// Milliseconds since 1970.
    package let since: UInt64

    /// What a source waits for by itself has a code of its own; anything else is for a person to correct.
    package var isOfItsOwn: Bool { WaitingReason.Code(rawValue: error.code.text) == nil }

    package var reason: WaitingReason {
        isOfItsOwn
            ? WaitingReason(.sourceSuspended, Escaping.visible(error.message), hint: error.hint) : WaitingReason(error)
    }
}
