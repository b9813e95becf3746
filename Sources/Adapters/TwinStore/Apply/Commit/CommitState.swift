import DropCore
import Synchronization

/// One write transaction under way: what all that write in it share. Used on the writer's thread, from its begin to what is made
/// known after COMMIT.
final class CommitState {
    let store: StoreEngine
    let database: StoreTransaction
    let sql: WriterStatements
    let head: CommitHead
    let touched = TouchedNumbers()
    let trespasses: Trespasses
    var effects: [CommitEffects] = []
    /// Sources that had records refused in this transaction.
    var tracked: Set<ObjectIdentifier> = []
    /// Set inside callbacks of the log; the member then has a conflict.
    var isInterrupted = false
    /// The member whose relationships are being written.
    var present: CommitEffects?

    init(_ store: StoreEngine, _ database: StoreTransaction) throws(DropError) {
        self.store = store
        self.database = database
        sql = try WriterStatements(database)
        head = CommitHead(store.numbers)
        trespasses = Trespasses(store.sources)
    }

    /// A member was written: the next begins behind it.
    func add(_ member: CommitEffects) {
        head.sequence = member.sequence
        effects.append(member)
        touched.created.formUnion(member.changes.createdTwins)
        touched.createdRelationships.formUnion(member.changes.createdRelationships)
        for one in member.changes.activated { touched.createdRelationships.insert(one.number) }
    }
}

/// Where history stands inside a transaction. The writer's thread alone.
final class CommitHead {
    var sequence: UInt64
    var nextRevision: UInt64
    var time: UInt64
    /// Units of 100 nanoseconds since 1970, of the last call.
    var ticks: Int64
    var persistedKeys: Set<UInt32> = []

    init(_ numbers: Numbers) {
        (sequence, nextRevision, time, ticks) = numbers.state.withLock {
            ($0.sequence, $0.nextRevision, $0.lastTime, $0.lastTicks)
        }
    }
}

/// Of all members of a transaction so far: numbers that are new, gone, or changed. The writer's thread alone.
final class TouchedNumbers {
    let created = NumberSet()
    let createdRelationships = NumberSet()
    let gone = NumberSet()
    let goneRelationships = NumberSet()
    let changed = NumberSet()
    let changedRelationships = NumberSet()
}

/// Ends a member early.
enum CommitInterruption: Error { case conflict }

/// One part of the work of a transaction: a value that has nothing but the transaction.
protocol CommitPart {
    var state: CommitState { get }
}

extension CommitPart {
    var store: StoreEngine { state.store }
    var database: StoreTransaction { state.database }
    var sql: WriterStatements { state.sql }

    var twinRows: TwinRows { TwinRows(state: state) }
    var relationshipRows: RelationshipRows { RelationshipRows(state: state) }
    var waitingRows: WaitingRows { WaitingRows(state: state) }
    var revisions: RevisionRows { RevisionRows(state: state) }

    func run(_ body: () throws -> Void) throws(DropError) {
        do {
            try body()
        } catch {
            throw StorageFailure.error(error)
        }
    }
}
