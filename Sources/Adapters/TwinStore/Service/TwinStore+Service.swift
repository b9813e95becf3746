package import DropCore
import GRDB
package import TwinService

extension TwinStore: TwinStorage {
    package typealias Reader = StoreReader
    package typealias Writer = CallWriter

    package var models: ModelCatalog { keyed.catalog }

    package func answering<T>(_ body: (StoreReader) throws(DropError) -> T) throws(ServiceError) -> T {
        do throws(DropError) {
            return try reading { (database) throws(DropError) in try body(StoreReader(self, database)) }
        } catch {
            throw ServiceError(error)
        }
    }

    package func exporting(_ body: (StoreReader) throws -> Void) throws {
        do {
            try pool.read { database in try body(StoreReader(self, database)) }
        } catch let error as DropError {
            throw ServiceError(error)
        } catch let error as DatabaseError {
            throw ServiceError(error)
        }
    }
}

// MARK: - Event routes, and all at once

extension CallWriter {
    package func countEventRoutes(besides id: String) throws(DropError) -> Int {
        let query = try RawStatement.cached("SELECT count(*) FROM event_route WHERE id <> ?", database)
        query.bind(text: 1, Array(id.utf8))
        defer { query.reset() }
        return try query.step() ? Int(query.integer(0)) : 0
    }

    package func put(_ route: EventRoute) throws(DropError) {
        let number = Int64(effects.dropNumber)
        try commit.run {
            try database.execute(
                sql: "INSERT OR REPLACE INTO event_route(id, endpoint, filter, call_no) VALUES(?, ?, ?, ?)",
                arguments: [route.id, route.endpoint, route.filter, number])
        }
        effects.hasChanged = true
    }

    package func delete(eventRoute id: String) throws(DropError) -> Bool {
        try commit.run { try database.execute(sql: "DELETE FROM event_route WHERE id = ?", arguments: [id]) }
        guard database.changesCount > 0 else { return false }
        effects.hasChanged = true
        return true
    }

    package func deleteRelationships(_ limit: Int) throws(DropError) -> Int {
        let numbers = try numbers("relationship", limit)
        for number in numbers { _ = try commit.deleteRelationship(number, record: 0, effects) }
        if !numbers.isEmpty { effects.hasChanged = true }
        return numbers.count
    }

    package func deleteTwins(_ limit: Int) throws(DropError) -> Int {
        let numbers = try numbers("twin", limit)
        for number in numbers { _ = try commit.deleteTwin(number, record: 0, effects) }
        if !numbers.isEmpty { effects.hasChanged = true }
        return numbers.count
    }

    private func numbers(_ table: StaticString, _ limit: Int) throws(DropError) -> [UInt32] {
        let query = try RawStatement.cached("SELECT no FROM \(table) ORDER BY no LIMIT ?", database)
        query.bind(1, Int64(limit))
        defer { query.reset() }
        var numbers: [UInt32] = []
        while try query.step() { numbers.append(UInt32(truncatingIfNeeded: query.integer(0))) }
        return numbers
    }
}
