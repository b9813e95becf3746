package import DropCore
import ThreadKit
import TwinModel
package import TwinService

/// A store that is plain rather than quick: every commit keeps the whole graph as it was after it. Written from the documents
/// (docs/failure-model.md, docs/azure-contract.md, docs/glossary.md and docs/decisions), to show that the ports say all that a
/// store must know, and to say what a graph should hold where that is asked.
///
/// It has neither late deliveries (docs/decisions/0026-order-and-lateness.md) nor amendments
/// (docs/decisions/0025-amendments.md), answers no queries, and prunes nothing.
package final class ReferenceStore: Sendable {
    /// One commit: who made it, and the graph after it.
    struct Commit {
        enum Origin {
            case drop(DropRecord, rejections: [Rejection], headers: [FileSpan])
            case call(Caller, what: String)
        }

        let origin: Origin
        /// Units of 100 nanoseconds since 1970.
        let ticks: Int64
        let graph: Graph
        var drop: DropRecord? { if case .drop(let record, _, _) = origin { record } else { nil } }
    }

    struct State {
        /// Commit N is at the place N - 1.
        var commits: [Commit] = []
        /// Of each source: the last commit in which others changed something it had a part in.
        var touched: [SourceName: UInt64] = [:]
        /// Sources that rely on what others said.
        var bare: Set<SourceName> = []
        /// The graph now: expired relationships may have left it since the last commit.
        var present = Graph()
        var ticks: Int64 { commits.last?.ticks ?? 0 }
        var next: UInt64 { UInt64(commits.count) + 1 }

        /// Adds a commit, and tells sources whose things it changed.
        mutating func add(_ origin: Commit.Origin, _ graph: Graph, at ticks: Int64) {
            let (before, number) = (present, next)
            commits.append(Commit(origin: origin, ticks: ticks, graph: graph))
            present = graph
            let me = commits.last?.drop?.source
            var hasChanged = false
            func compare(_ old: Thing, _ new: Thing?) {
                guard new?.version != old.version else { return }
                hasChanged = true
                for source in old.sources where source != me { touched[source] = number }
            }
            for (name, old) in before.twins { compare(old, graph.twins[name]) }
            for (name, old) in before.links { compare(old, graph.links[name]) }
            hasChanged = hasChanged || graph.twins.count > before.twins.count || graph.links.count > before.links.count
            if hasChanged { for source in bare where source != me { touched[source] = number } }
        }
    }

    let state = Monitor(State())
    let clock: @Sendable () -> Int64

    /// - Parameter clock: units of 100 nanoseconds since 1970, for calls.
    package init(clock: @escaping @Sendable () -> Int64) { self.clock = clock }
}

// MARK: - Drops

extension ReferenceStore: TwinGraph {
    package func changeSet(for job: ApplyJob) throws(DropError) -> any ChangeSetBuilder { ReferenceBuilder(self, job) }

    package func commit(
        _ batch: [(changes: any ChangeSet, record: DropRecord)]
    ) throws(DropError) -> [Result<CommitResult, DropError>] {
        state.with { state in batch.map { Self.commit($0.changes, $0.record, &state) } }
    }

    private static func commit(
        _ changes: any ChangeSet, _ record: DropRecord, _ state: inout State
    ) -> Result<CommitResult, DropError> {
        guard let changes = changes as? ReferenceChanges else { preconditionFailure("a change set of another store") }
        guard !state.commits.contains(where: { $0.drop?.id == record.id }) else {
            return .failure(
                DropError(.alreadyApplied, "The drop is applied already.", hint: "Nothing is to be done.", remedy: .quarantine))
        }
        let number = state.next
        let time = max(UInt64(state.ticks / 10_000), record.changedAt)
        do throws(DropError) {
            let applied = try Application(changes.content, to: state.present, commit: number, time: time)
            if applied.hasUnstampedValues { state.bare.insert(record.source) }
            let headers = changes.spans.filter { $0.kind == .header }
            state.add(
                .drop(record, rejections: applied.rejections, headers: headers), applied.graph, at: Int64(time) * 10_000)
            return .success(CommitResult(drop: record.id, sequence: number, books: applied.books))
        } catch {
            return .failure(error)
        }
    }

    package func isUntouched(since drop: DropID, source: SourceName) throws(DropError) -> Bool {
        state.with { state in
            guard let place = state.commits.firstIndex(where: { $0.drop?.id == drop }) else { return false }
            return state.touched[source, default: 0] <= UInt64(place) + 1
        }
    }

    package func refusals(of drop: DropID) throws(DropError) -> Refusals? {
        state.with { state in
            for commit in state.commits {
                guard case .drop(let record, let rejections, let headers) = commit.origin, record.id == drop else { continue }
                guard !rejections.isEmpty else { return nil }
                let records = rejections.map { RefusedRecord(record: $0.record, offset: $0.offset, length: $0.length) }
                return Refusals(drop: drop, records: records, headers: headers)
            }
            return nil
        }
    }
}

/// Collects what a drop says. Used by one thread.
final class ReferenceBuilder: ChangeSetBuilder {
    private let store: ReferenceStore
    private var content: ReferenceDrop
    private var planned: Application?

    init(_ store: ReferenceStore, _ job: ApplyJob) {
        self.store = store
        content = ReferenceDrop(job)
    }

    var rejections: [Rejection] { planned?.rejections ?? [] }
    var spans: [FileSpan] { content.spans }
    var books: DropBooks { planned?.books ?? DropBooks() }

    func absorb(_ entries: RawSpan) throws(DropError) {
        let bytes = (0..<entries.byteCount).map { unsafe entries.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        try content.read(bytes)
    }

    func restart() throws(DropError) { content = ReferenceDrop(content.job) }

    func finish() throws(DropError) -> any ChangeSet {
        let content = content
        let planned = try store.state.with { (state) throws(DropError) in
            try Application(content, to: state.present, commit: state.next, time: UInt64(state.ticks / 10_000))
        }
        self.planned = planned
        return ReferenceChanges(content, planned)
    }

    func abandon() {}
}

/// What a drop would change, as it looked when it was read. A commit looks again.
final class ReferenceChanges: ChangeSet {
    let content: ReferenceDrop
    let books: DropBooks
    let rejections: [Rejection]

    init(_ content: ReferenceDrop, _ planned: Application) {
        (self.content, books, rejections) = (content, planned.books, planned.rejections)
    }

    var drop: DropID { content.job.drop }
    var spans: [FileSpan] { content.spans }
    func abandon() {}
}

// MARK: - Calls

extension ReferenceStore: TwinStorage {
    package var models: ModelCatalog { state.with { $0.present.models } }

    package func answering<T>(_ body: (ReferenceCall) throws(DropError) -> T) throws(ServiceError) -> T {
        let state = state.with { $0 }
        do throws(DropError) {
            return try body(ReferenceCall(state, ticks: state.ticks))
        } catch {
            throw ServiceError(.failed, error.message)
        }
    }

    package func exporting(_ body: (ReferenceCall) throws -> Void) throws {
        let state = state.with { $0 }
        try body(ReferenceCall(state, ticks: state.ticks))
    }

    package func call<T>(
        _ caller: Caller, _ what: String, isAlone: Bool, _ body: @escaping (ReferenceCall) throws -> T
    ) throws(ServiceError) -> T {
        let result: Result<T, any Error> = state.with { state in
            let writer = ReferenceCall(state, ticks: max(state.ticks, clock()))
            do {
                let answer = try body(writer)
                if writer.hasChanged { state.add(.call(caller, what: what), writer.finished(), at: writer.ticks) }
                return .success(answer)
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let answer): return answer
        case .failure(let error as ServiceError): throw error
        case .failure(let error): throw ServiceError(.failed, "\(error)")
        }
    }

    package func query(
        _ text: String?, continuation: String?, limit: Int?, isWanted: @escaping @Sendable () -> Bool
    ) throws(ServiceError) -> QueryPage {
        throw ServiceError(.invalidQuery, "The reference store answers no queries.")
    }
}
