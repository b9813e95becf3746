import CodecKit

/// Why a drop is where it is; the texts are escaped already.
package struct DropReason: Sendable, Equatable {
    package let code: DropError.Code
    package let message: String
    package let hint: String

    package init(code: DropError.Code, message: String, hint: String) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    package init(_ error: DropError) {
        self.init(code: error.code, message: Escaping.sentence(error.message), hint: error.hint)
    }
}

/// How a drop relates to an earlier one.
package struct DropLink: Sendable, Equatable {
    package enum Kind: String, Sendable { case duplicates, retries, amends }

    package let kind: Kind
    package let drop: DropID

    package init(kind: Kind, drop: DropID) {
        self.kind = kind
        self.drop = drop
    }
}

/// The later drop that closed a drop, and how.
package struct DropClosing: Sendable, Equatable {
    package enum How: String, Sendable, CaseIterable {
        /// A person had it run in its place: the same bytes again, or a corrected file.
        case retry
        /// It was delivered under the same name.
        case delivery
        /// It was made of the refused records, corrected.
        case amendment
    }

    package let drop: DropID
    package let how: How

    package init(drop: DropID, how: How) {
        self.drop = drop
        self.how = how
    }
}
