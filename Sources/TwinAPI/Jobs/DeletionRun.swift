import DropCore
import Synchronization
import TwinModel

/// One deletion of everything: relationships, then twins, then models (adt-api §13). What others write meanwhile may stay.
final class DeletionRun: Sendable {
    private let job: ActiveJob
    private let service: any TwinService
    private let caller: Caller
    private let end: ContinuousClock.Instant
    private let failure = Mutex<ServiceError?>(nil)

    init(job: ActiveJob, service: any TwinService, caller: Caller, end: ContinuousClock.Instant) {
        self.job = job
        self.service = service
        self.caller = caller
        self.end = end
    }

    /// What made the job fail; nil where nothing is left, or it was cancelled.
    func run() -> ServiceError? {
        do throws(ServiceError) {
            try deleteRows("SELECT * FROM relationships") { [service, caller] (row) throws(ServiceError) in
                guard let id = row["$relationshipId"]?.string, let source = row["$sourceId"]?.string else { return }
                try service.delete(relationship: id, of: source, .none, by: caller)
            }
            try deleteRows("SELECT * FROM digitaltwins") { [service, caller] (row) throws(ServiceError) in
                guard let id = row["$dtId"]?.string else { return }
                try service.delete(twin: id, .none, by: caller)
            }
            try deleteModels()
            return nil
        } catch {
            return error
        }
    }

    /// Deletes what a query gives, a page at a time, until it gives nothing.
    private func deleteRows(_ query: String, _ delete: @escaping @Sendable (JSON) throws(ServiceError) -> Void)
        throws(ServiceError)
    {
        while !job.isCancelled {
            try checkTime()
            let rows = try service.query(query, continuation: nil, limit: 1000).rows
            guard !rows.isEmpty else { return }
            let fan = Fan(width: 8)
            let deleted = Mutex(0)
            for (index, row) in rows.enumerated() {
                fan.run(key: row["$sourceId"]?.string ?? row["$dtId"]?.string ?? String(index)) { [self] in
                    do throws(ServiceError) {
                        try delete(row)
                        deleted.withLock { $0 += 1 }
                    } catch where error.status == 404 {
                        deleted.withLock { $0 += 1 }  // Somebody else was quicker.
                    } catch {
                        failure.withLock { $0 = error }
                    }
                }
            }
            fan.finish()
            guard deleted.withLock({ $0 }) > 0 else {
                throw failure.withLock { $0 } ?? ServiceError(500, "InternalError", "Nothing of a page could be deleted.")
            }
        }
    }

    /// Others' dependencies first: rounds over all models, until a round deletes none.
    private func deleteModels() throws(ServiceError) {
        while !job.isCancelled {
            var ids: [String] = []
            var after: String?
            repeat {
                let page = try service.models(dependenciesFor: [], after: after, limit: 1000)
                ids += page.elements.map(\.id)
                after = page.next
            } while after != nil
            guard !ids.isEmpty else { return }
            var deleted = 0
            var refused: ServiceError?
            for id in ids {
                try checkTime()
                do throws(ServiceError) {
                    try service.delete(model: id, by: caller)
                    deleted += 1
                } catch where error.status == 404 {
                    deleted += 1  // Somebody else was quicker.
                } catch {
                    refused = error
                }
            }
            if deleted == 0, let refused { throw refused }
        }
    }

    private func checkTime() throws(ServiceError) {
        guard ContinuousClock.now < end else {
            throw ServiceError(400, "TimeoutError", "The deletion took longer than its time limit. Start another to go on.")
        }
    }
}
