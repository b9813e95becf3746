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
            if ended.unhappy.removeValue(forKey: record.id) == nil { ended.count += 1 }
            if record.state.needsPerson { ended.unhappy[record.id] = record }
        }
        if Self.isEnd(record), let outcome = record.outcome {
            outcomes.with { $0[record.source, default: [:]][outcome, default: 0] += 1 }
        }
        guard record.state == .applied, let new = record.books else { return }
        books.with { $0[record.source, default: DropBooks()].add(new) }
    }

    /// A later drop closed it: it was counted when it ended.
    func noteClosed(_ record: DropRecord) { ended.with { _ = $0.unhappy.removeValue(forKey: record.id) } }

    /// Whether a drop came to its end with this state, so that each is counted once, whatever a person does with it later. One
    /// that is held goes on. One that was quarantined has ended, also when it is discarded then; but one whose bytes are gone, or
    /// could not be read, goes on once they are back.
    static func isEnd(_ record: DropRecord) -> Bool {
        switch record.state {
        case .applied, .duplicate: true
        case .quarantined: record.digest != nil && !record.isNeverArchived
        case .discarded: record.container == nil
        case .claimed, .registered, .archived, .done, .held, .retried, .resolved: false
        }
    }

    /// The books of all drops applied since the start, by source.
    var totals: [SourceName: DropBooks] { books.withoutWaking { $0 } }

    /// How the drops since the start ended, by source. Each counts once, when it ends.
    var ends: [SourceName: [DropOutcome: Int]] { outcomes.withoutWaking { $0 } }

    package var count: Int { ended.with { $0.count } }

    /// Those that wait for a person.
    package var unhappy: [DropRecord] { ended.with { $0.unhappy.values.sorted { $0.id < $1.id } } }
}
