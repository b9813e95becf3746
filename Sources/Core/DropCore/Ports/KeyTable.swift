/// Remembers the key numbers of each source (`key` entries of `OperationStream.swift`), so that a name always keeps its number.
///
/// Numbers are per source, dense from 1 and append-only: element `i` of the table is the name of key `i + 1`. Every stream
/// defines the whole table again from 1 before its first operation. So a reader compares the names that it knows already, and a
/// failed drop leaves nothing half-defined. Calls may block and are safe from any thread.
package protocol KeyTable: Sendable {
    /// The names of `source` in the order of their numbers; empty when it has none yet. Asked once per start of the program, and
    /// after drops that failed.
    func keys(of source: SourceName) throws(DropError) -> [String]

    /// How many names `source` has, including those of drops that are transformed but not committed yet. Later names came from
    /// failed drops. Nil if nobody keeps that.
    func knownKeys(of source: SourceName) -> Int?
}

extension KeyTable {
    package func knownKeys(of source: SourceName) -> Int? { nil }
}
