import DequeModule
import DropCore

/// A drop whose changes wait for the commit.
struct Prepared: Sendable {
    let changes: any ChangeSet
    let record: DropRecord
    /// Of its source, when the transform began.
    let generation: Int
}

/// Change sets on their way to the commit, and the bytes of their files: the bound on what they hold in memory.
struct CommitQueue: Sendable {
    private var waiting: Deque<Prepared> = []
    private(set) var bytes: UInt64 = 0
    /// Drops in the hands of the committing thread.
    private var taken = 0

    /// Drops that wait.
    var count: Int { waiting.count }

    /// Nothing waits, and nothing is being committed.
    var isIdle: Bool { waiting.isEmpty && taken == 0 }

    mutating func append(_ prepared: Prepared) {
        waiting.append(prepared)
        bytes += prepared.record.bytes
    }

    /// The first drops, into the hands of the committing thread: at least one where there is any.
    mutating func takeBatch(dropsMax: Int, bytesMax: UInt64) -> [Prepared] {
        var batch: [Prepared] = []
        var sum: UInt64 = 0
        while batch.count < dropsMax, let first = waiting.first, batch.isEmpty || sum + first.record.bytes <= bytesMax {
            sum += first.record.bytes
            batch.append(waiting.removeFirst())
        }
        bytes -= sum
        taken = batch.count
        return batch
    }

    /// What was taken is committed, or otherwise settled.
    mutating func finished() { taken = 0 }

    /// Nothing is committed any more. Returns the drops that wait, and forgets what was taken.
    mutating func removeAll() -> [Prepared] {
        defer { (waiting, bytes, taken) = ([], 0, 0) }
        return Array(waiting)
    }
}
