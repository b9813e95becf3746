extension VerifyFinding {
    /// What can be wrong with an archive. The list is closed, so that each has a damage case and a line in
    /// docs/archive-format.md, "What `verify` finds". Raw values are what people and programs read, and never change.
    package enum Code: String, Sendable, CaseIterable, CustomStringConvertible {
        // The chain's file, and what is beside it.
        case chainMissing = "chain-missing"
        case chainTorn = "chain-torn"
        case chainTruncated = "chain-truncated"
        case chainUnreadable = "chain-unreadable"
        case chainUnfinished = "chain-unfinished"
        case chainRewritten = "chain-rewritten"
        case headAltered = "head-altered"
        case folderUnreadable = "folder-unreadable"
        case formatUnknown = "format-unknown"

        // One record, and its place in the row.
        case recordDamaged = "record-damaged"
        case recordAltered = "record-altered"
        case recordRemoved = "record-removed"
        case recordMoved = "record-moved"
        case recordInserted = "record-inserted"
        case recordTime = "record-time"

        // Records that contradict each other.
        case recordContainer = "record-container"
        case containerCount = "container-count"
        case dropTwice = "drop-twice"
        case sameUnknown = "same-unknown"

        // Containers, and the drops in them.
        case containerMissing = "container-missing"
        case containerAltered = "container-altered"
        case containerDamaged = "container-damaged"
        case containerExtra = "container-extra"
        case memberAltered = "member-altered"
        case memberCount = "member-count"

        // Seals, and what a caller brings with it.
        case sealAltered = "seal-altered"
        case sealChain = "seal-chain"
        case sealMissing = "seal-missing"
        case sealRoot = "seal-root"
        case anchorRoot = "anchor-root"
        case rolledBack = "rolled-back"
        case dropUnknown = "drop-unknown"

        // Acts of people.
        case actIncomplete = "act-incomplete"
        case actTwice = "act-twice"

        // In a home only: the archive beside its database.
        case registerDiffers = "register-differs"
        case otherThanDatabase = "other-than-database"
        case behindDatabase = "behind-database"
        case databaseMissing = "database-missing"
        case actMissing = "act-missing"

        package var description: String { rawValue }

        /// Findings that need the database: the program makes them, not the verifier.
        package static let ofHome: Set<Code> = [.behindDatabase, .databaseMissing, .actMissing]
    }
}
