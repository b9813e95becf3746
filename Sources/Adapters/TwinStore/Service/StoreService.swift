package import DropCore
package import TwinService

/// Lends the graph to the rules of the twin service: one moment to read, or the writer for a call.
///
/// Any thread. Calls wait in `calls`, whose monitor makes one of them lead; the leader holds the writer's connection.
package final class StoreService: Sendable {
    let store: StoreEngine
    /// Calls of the twin service that wait for the writer.
    private let calls = CallQueue()

    init(_ store: StoreEngine) { self.store = store }

    package var models: ModelCatalog { store.catalog.keyed.catalog }

    package func answering<T>(_ body: (StoreReader) throws(DropError) -> T) throws(ServiceError) -> T {
        do throws(DropError) {
            return try store.reading { (database) throws(DropError) in try body(StoreReader(store, database)) }
        } catch {
            throw ServiceError(error)
        }
    }

    package func exporting(_ body: (StoreReader) throws -> Void) throws {
        do {
            try store.connection.exporting { database in try body(StoreReader(store, database)) }
        } catch let error as DropError {
            throw ServiceError(error)
        }
    }

    /// Runs `body` on the writer, in a transaction it may share with other calls; its answer when that is durable.
    ///
    /// `body` is run once; where it throws, nothing of it stays.
    package func call<T>(
        _ caller: Caller, _ what: String, isAlone: Bool, _ body: @escaping (CallWriter) throws -> T
    ) throws(ServiceError) -> T {
        var answer: T?
        let entry = CallQueue.Entry(caller, what, isAlone: isAlone) { writer in answer = try body(writer) }
        let outcome = calls.run(entry) { take in lead(take) }
        switch outcome {
        case .success: return answer!
        case .failure(let error): throw ServiceError(error)
        }
    }

    private func lead(_ take: () -> [CallQueue.Entry]) -> [(CallQueue.Entry, Result<Void, any Error>)] {
        var taken: [CallQueue.Entry] = []
        do {
            let results = try store.writing { (database) throws(DropError) in
                taken = take()
                return try commit(taken, database)
            }
            // What is committed is answered as such; a log that cannot be checkpointed stops the next write.
            try? store.connection.checkpointIfLarge()
            return Array(zip(taken, results))
        } catch {
            // Nothing of this group is durable, and each caller is told.
            if taken.isEmpty { taken = take() }
            return taken.map { ($0, .failure(error)) }
        }
    }

    private func commit(_ calls: [CallQueue.Entry], _ database: StoreTransaction) throws(DropError) -> [Result<Void, any Error>] {
        guard !calls.isEmpty else { return [] }
        let transaction = try GraphCommit(store, database)
        do throws(DropError) {
            try transaction.begin()
            var results: [Result<Void, any Error>] = []
            for call in calls { results.append(try transaction.apply(call)) }
            try transaction.commit()
            return results
        } catch {
            transaction.rollback()
            throw error
        }
    }
}

// MARK: - Event routes, and all at once

extension CallWriter {
    package func countEventRoutes(besides id: String) throws(DropError) -> Int { try lookups.countEventRoutes(besides: id) }

    package func put(_ route: EventRoute) throws(DropError) {
        let number = Int64(effects.dropNumber)
        try commit.run { try ServiceStatements(database).put(route, call: number) }
        effects.hasChanged = true
    }

    package func delete(eventRoute id: String) throws(DropError) -> Bool {
        var isDeleted = false
        try commit.run { isDeleted = try ServiceStatements(database).delete(eventRoute: id) }
        if isDeleted { effects.hasChanged = true }
        return isDeleted
    }

    package func deleteRelationships(_ limit: Int) throws(DropError) -> Int {
        let numbers = try lookups.lowest(limit, of: .relationships)
        for number in numbers { _ = try commit.relationshipRows.deleteRelationship(number, record: 0, effects) }
        if !numbers.isEmpty { effects.hasChanged = true }
        return numbers.count
    }

    package func deleteTwins(_ limit: Int) throws(DropError) -> Int {
        let numbers = try lookups.lowest(limit, of: .twins)
        for number in numbers { _ = try commit.twinRows.deleteTwin(number, record: 0, effects) }
        if !numbers.isEmpty { effects.hasChanged = true }
        return numbers.count
    }
}
