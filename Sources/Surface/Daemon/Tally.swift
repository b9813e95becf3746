package import DropCore
import ThreadKit

/// How the drops of one run ended: how many, by outcome, and which of them wait for a person. Of the others nothing is kept,
/// however many.
package final class Tally: Sendable {
    private let ended = Monitor<(count: Int, unhappy: [DropID: DropRecord])>((0, [:]))
    private let books = Monitor<[SourceName: DropBooks]>([:])
    private let outcomes = Monitor<[SourceName: [DropOutcome: Int]]>([:])

    func note(_ record: DropRecord) {
        ended.with { ended in
            let isClosing = record.state == .retried || record.state == .resolved
            if ended.unhappy.removeValue(forKey: record.id) == nil, !isClosing { ended.count += 1 }
            if record.state.needsPerson { ended.unhappy[record.id] = record }
        }
        // A drop that a later one closed was counted when it ended.
        if let outcome = record.outcome, record.state != .retried, record.state != .resolved {
            outcomes.with { $0[record.source, default: [:]][outcome, default: 0] += 1 }
        }
        guard record.state == .applied, let new = record.books else { return }
        books.with { $0[record.source, default: DropBooks()].add(new) }
    }

    /// The books of all drops applied since the start, by source.
    var totals: [SourceName: DropBooks] { books.withoutWaking { $0 } }

    /// How the drops since the start ended, by source. A drop that was held, and then released or discarded, counts each time.
    var ends: [SourceName: [DropOutcome: Int]] { outcomes.withoutWaking { $0 } }

    package var count: Int { ended.with { $0.count } }

    /// Those that wait for a person.
    package var unhappy: [DropRecord] { ended.with { $0.unhappy.values.sorted { $0.id < $1.id } } }
}
