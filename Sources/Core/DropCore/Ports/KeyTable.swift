/// Remembers the key numbers of each source (`key` entries of `OperationStream.swift`), so that a name keeps its number for ever.
///
/// Numbers are per source, dense from 1 and append-only: element `i` of the table is the name of key `i + 1`. Every stream
/// defines the whole table again from 1 before its first operation, so a reader that knows the first names already compares
/// them, and a drop that fails leaves nothing half-defined. Calls may block and are safe from any thread.
package protocol KeyTable: Sendable {
    /// The names of `source` in the order of their numbers; empty when it has none yet. Asked once per start of the program, and
    /// after drops that came to nothing.
    func keys(of source: SourceName) throws(DropError) -> [String]

    /// How many names `source` has with those of drops that are transformed and not committed yet; names beyond them were
    /// introduced by drops that came to nothing. Nil where nobody keeps that.
    func knownKeys(of source: SourceName) -> Int?
}

extension KeyTable {
    package func knownKeys(of source: SourceName) -> Int? { nil }
}
