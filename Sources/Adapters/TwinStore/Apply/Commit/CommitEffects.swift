import DropCore

/// What one applied change set, or one call of the twin service, leaves to be published after COMMIT.
class CommitEffects {
    /// Of the drop or call.
    let dropNumber: UInt64
    let sequence: UInt64
    var changes = GraphChanges()
    var identities = IdentityChanges()
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
