import DropCore

/// What one applied change set, or one call of the twin service, leaves to be published after COMMIT.
class CommitEffects {
    /// Of the drop or call.
    let dropNumber: UInt64
    let sequence: UInt64
    var createdTwins = NumberSet()
    var createdRelationships = NumberSet()
    /// Twins that were there and got another model (a global key; 0: none).
    var remodelled: [(number: UInt32, model: UInt32)] = []
    /// Identities entered into the indexes inside the commit.
    var entered: [(kind: NumberReservation.Kind, hash: IdentityHash, number: UInt32)] = []
    /// Identities that had another number, of something deleted earlier in the same transaction.
    var displaced: [(kind: NumberReservation.Kind, hash: IdentityHash, number: UInt32)] = []
    var revised: [(kind: NumberReservation.Kind, number: UInt32, fingerprint: Fingerprint)] = []
    var deleted: [(kind: NumberReservation.Kind, number: UInt32, hash: IdentityHash)] = []
    /// Identities this drop introduced that came to nothing.
    var vanished: [(kind: NumberReservation.Kind, number: UInt32, hash: IdentityHash)] = []
    /// Relationships that waited, and the drops that stated them.
    var activated: [(number: UInt32, owner: SourceName, origin: UInt64)] = []
    var books = DropBooks()
    var waitingChanged = false

    init(dropNumber: UInt64, sequence: UInt64) {
        self.dropNumber = dropNumber
        self.sequence = sequence
    }
}

/// The effects of a change set.
final class DropEffects: CommitEffects {
    let comparison: FinishedComparison
    /// New twins that were written and are not staged yet, for some at a time take the lock.
    var fresh: [(number: UInt32, model: UInt32, fingerprint: Fingerprint)] = []
    static let freshMax = 65_536
    var hasUnstampedValues = false
    /// The names of relationships it stated that wait, each with a NUL behind it.
    var waited: [UInt8] = []
    /// Had records refused: the source's drops are kept track of from here on.
    var tracks = false

    init(_ comparison: FinishedComparison, sequence: UInt64) {
        self.comparison = comparison
        super.init(dropNumber: comparison.dropNumber, sequence: sequence)
        books = comparison.books
    }
}
