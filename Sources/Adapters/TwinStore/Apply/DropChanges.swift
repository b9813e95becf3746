package import DropCore

/// The change set of one drop.
///
/// `@unchecked Sendable`: it is handed from the thread that compared to the one that commits; only one of them has it at a time.
package final class DropChanges: ChangeSet, @unchecked Sendable {
    /// The finished comparison; another one when it had to be made again.
    private(set) var comparison: FinishedComparison
    /// One that was made again and did not come to its end: what it counted is what is known of the drop.
    private var failed: DropComparison?

    init(_ comparison: FinishedComparison) { self.comparison = comparison }

    package var drop: DropID { comparison.job.drop }
    package var books: DropBooks { failed?.books ?? comparison.books }
    package var rejections: [Rejection] { failed?.rejections ?? comparison.account.rejections }
    package var spans: [FileSpan] { failed?.spans ?? comparison.account.spans }

    /// What a person is told of statements that do not stand.
    package var reason: DropReason? { failed == nil ? comparison.lateReason : nil }

    package func abandon() {
        failed?.abandon()
        comparison.abandon()
    }

    /// Compares the drop again with what is committed now, from the frames it kept. Only inside a commit, between transactions.
    func compareAgain(_ database: StoreTransaction) throws(DropError) {
        let again = try comparison.beginAgain(database)
        failed = again
        try comparison.giveFrames(to: again)
        comparison = try again.finished()
        failed = nil
    }
}
