package import DropCore
import GRDB
package import TwinModel

extension TwinStore {
    /// Opens `FOLDER/twin.db` for reading, beside a running daemon or without one: no writer and no index, so that listing drops
    /// does not cost a scan of all twins; a twin is found by one look through the table. A database that is not there yet is
    /// made, empty.
    ///
    /// Calls that change something throw. Errors: as `open`.
    ///
    /// - Parameter withModels: false where no twin is shown or checked; to read the models takes its time with large ontologies.
    package static func openReader(folder: String, withModels: Bool = true) throws(DropError) -> TwinStore {
        let path = folder + "/twin.db"
        if StoreFiles.bytes(path) == 0 { try TwinStore(path: path).close() }
        let store = try TwinStore(path: path, isReader: true, isWithoutIndex: true)
        try store.loadNames(withModels: withModels)
        return store
    }

    /// Opens the database as `openReader` does, with the indexes of identities: for a dry run, and for many questions.
    package static func openRehearsal(folder: String) throws(DropError) -> TwinStore {
        let path = folder + "/twin.db"
        if StoreFiles.bytes(path) == 0 { try TwinStore(path: path).close() }
        let store = try TwinStore(path: path, isReader: true)
        try store.load()
        return store
    }

    /// Whether `FOLDER` holds a database, be it an empty one.
    package static func exists(folder: String) -> Bool { StoreFiles.bytes(folder + "/twin.db") > 0 }

    /// Whether whoever made the database, or changed its form, was interrupted: until it is opened for writing, nobody can read
    /// it.
    package static func wasInterrupted(folder: String) -> Bool { StoreFiles.bytes(folder + "/twin.db-journal") > 0 }

    /// Tells this database from every other: 16 hexadecimal digits, made with it.
    package func instanceID() throws(DropError) -> String {
        try reading { (database) throws(DropError) in
            let query = try RawStatement("SELECT value FROM meta WHERE name = 'instance'", database)
            defer { query.reset() }
            guard try query.step() else { throw StorageFailure.damaged("it has no instance id") }
            return query.text(0)
        }
    }

    /// The newest time written down in it, in milliseconds since 1970; 0 in an empty one.
    package func newestLabel() throws(DropError) -> UInt64 {
        try reading { (database) throws(DropError) in
            let query = try RawStatement("SELECT max(changed_at) FROM drops", database)
            defer { query.reset() }
            return try query.step() ? UInt64(query.integer(0)) : 0
        }
    }

    /// A sum over all twins, and how many of them had a number.
    package struct Total: Sendable, Equatable {
        package var twins = 0
        /// Exact for integers; of others as exact as a double can be, whatever the order.
        package var sum: JSON = .int(0)
    }

    /// For comparing with another count: how many twins there are, and the sum of each property over all of them. Looks through
    /// the whole table.
    package func totals(of properties: [String]) throws(DropError) -> (twins: Int, sums: [Total]) {
        try reading { (database) throws(DropError) in
            var sums: [Total] = []
            for property in properties {
                let query = try RawStatement("SELECT td_value(rec, ?) FROM twin", database)
                query.bind(1, keys.number(of: property))
                defer { query.reset() }
                var sum = LongSum()
                while try query.step() { if let number = query.number(0) { sum.add(number) } }
                sums.append(Total(twins: sum.count, sum: sum.value))
            }
            let count = try RawStatement("SELECT count(*) FROM twin", database)
            defer { count.reset() }
            return (try count.step() ? Int(count.integer(0)) : 0, sums)
        }
    }
}

/// A sum of many numbers: integers apart, and doubles with what each addition lost (Neumaier).
private struct LongSum {
    private(set) var count = 0
    private var whole = 0.0
    private var integers: Int64 = 0
    private var overflowed = false
    private var rest = 0.0
    private var hasDoubles = false

    mutating func add(_ number: RawStatement.Number) {
        count += 1
        switch number {
        case .integer(let value):
            let (sum, overflow) = integers.addingReportingOverflow(value)
            if overflow {
                add(Double(integers))
                integers = value
                overflowed = true
            } else {
                integers = sum
            }
        case .double(let value):
            hasDoubles = true
            add(value)
        }
    }

    private mutating func add(_ value: Double) {
        let sum = whole + value
        rest += abs(whole) >= abs(value) ? (whole - sum) + value : (value - sum) + whole
        whole = sum
    }

    var value: JSON {
        guard hasDoubles || overflowed else { return .int(integers) }
        var all = self
        all.add(Double(integers))
        return .double(all.whole + all.rest)
    }
}
