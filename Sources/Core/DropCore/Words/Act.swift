import CodecKit
package import TwinModel

/// What a person did to a drop or to the home: who, when, why. Written down with what it changes, and then in the chain
/// (decision 0029).
package struct Act: Sendable, Equatable {
    /// One word for each act, as commands and the chain have it.
    package enum Kind: String, Sendable, CaseIterable {
        /// A held drop goes on without its guards.
        case release
        /// A held or quarantined drop is given up.
        case discard
        /// The bytes of a quarantined drop run again as another drop.
        case retry
        /// A landing folder that another home, or none, had made its own is taken over.
        case adopt
        /// A backup takes the place of the database.
        case restore
        /// Something is removed from the books and does not come back.
        case forget
    }

    /// A ULID of its own.
    package let id: DropID
    package let kind: Kind
    /// Milliseconds since 1970 (UTC).
    package let at: UInt64
    package let by: Person
    /// In the person's words, escaped; nil if none were given.
    package let reason: String?
    /// The drop of the act, if it was about a drop.
    package let drop: DropID?
    package let source: SourceName?
    /// Further facts of this kind of act; members in canonical order are made when it is written.
    package let facts: [JSON.Member]
    /// Its leaf of the chain, once it is recorded there.
    package var leaf: UInt64?

    package init(
        id: DropID, kind: Kind, at: UInt64, by: Person, reason: String?, drop: DropID?, source: SourceName?,
        facts: [JSON.Member] = [], leaf: UInt64? = nil
    ) {
        self.id = id
        self.kind = kind
        self.at = at
        self.by = by
        self.reason = reason
        self.drop = drop
        self.source = source
        self.facts = facts
        self.leaf = leaf
    }

    /// Longest reason that is kept. Unit: characters before escaping.
    package static let reasonLengthMax = 1000

    /// A reason as it is kept: without blanks around it, cut, escaped; nil if nothing is left.
    package static func kept(_ reason: String?) -> String? {
        guard let reason else { return nil }
        var scalars = reason.unicodeScalars[...]
        while let first = scalars.first, first.properties.isWhitespace { scalars = scalars.dropFirst() }
        while let last = scalars.last, last.properties.isWhitespace { scalars = scalars.dropLast() }
        return scalars.isEmpty ? nil : Escaping.visible(String(scalars), scalarsMax: reasonLengthMax)
    }
}

/// Who acted.
package enum Person: Sendable, Equatable {
    /// A user of this machine, by the kernel: of the process at the other end of the control socket, or of the command itself.
    /// The name is nil if the machine has none for the number.
    case user(number: UInt32, name: String?)
    /// Whoever holds the token of this name.
    case token(String)

    /// `alice`, `user 1004`, `token night-shift`.
    package var description: String {
        switch self {
        case .user(let number, let name): name ?? "user \(number)"
        case .token(let name): "token \(name)"
        }
    }

    /// The form that the chain and `show --json` have.
    package var json: JSON {
        switch self {
        case .user(let number, let name?): ["uid": .int(Int64(number)), "user": .string(name)]
        case .user(let number, nil): ["uid": .int(Int64(number))]
        case .token(let name): ["token": .string(name)]
        }
    }

    /// Nil for anything but what `json` gives.
    package init?(json: JSON) {
        if let name = json["token"]?.string {
            self = .token(name)
        } else if let number = json["uid"]?.int.flatMap({ UInt32(exactly: $0) }) {
            self = .user(number: number, name: json["user"]?.string)
        } else {
            return nil
        }
    }
}

extension Act {
    /// What the chain's record says beside drop and source (docs/archive-format.md).
    package var extra: JSON {
        var members: [JSON.Member] = [
            .init("act", .string(kind.rawValue)), .init("by", by.json), .init("id", .string(id.description)),
        ]
        if let reason { members.append(.init("reason", .string(reason))) }
        return .object(members + facts)
    }
}
