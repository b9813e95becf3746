package import DropCore
import GRDB

/// The change set of one drop.
///
/// `@unchecked Sendable`: it is handed from the thread that compared to the one that commits; only one of them has it at a time.
package final class DropChanges: ChangeSet, @unchecked Sendable {
    /// The finished comparison; another one when it had to be made again.
    private(set) var comparison: DropComparison

    init(_ comparison: DropComparison) { self.comparison = comparison }

    package var drop: DropID { comparison.job.drop }
    package var books: DropBooks { comparison.books }
    package var rejections: [Rejection] { comparison.rejections }
    package var spans: [FileSpan] { comparison.spans }

    package func abandon() { comparison.abandon() }

    /// Compares the drop again with what is committed now, from the frames it kept. Only inside a commit, between transactions.
    func compareAgain(_ database: Database) throws(DropError) {
        let kept = comparison.kept
        comparison.kept = .none
        let job = comparison.job
        // Its names count all the time: a stream that begins now begins with them.
        let again = try DropComparison(store: comparison.store, job: job, writer: database)
        again.memory.note(comparison.keyNames, of: again)
        comparison.abandon()
        comparison = again
        try kept.forEach { (frame, _) throws(DropError) in try comparison.absorb(frame: frame) }
        _ = try comparison.finished()
    }
}
