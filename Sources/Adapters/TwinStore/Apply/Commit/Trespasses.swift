import DropCore

/// Which sources lost something to others in a transaction. The writer's thread alone.
final class Trespasses {
    private let sources: SourceCaches
    /// Sources of which others changed something in this transaction.
    var foreignSources: Set<SourceName> = []
    /// Sources whose twins the present member changed.
    var changedSources: Set<SourceName> = []
    private var lastForeignChange: UInt64 = 0

    init(_ sources: SourceCaches) { self.sources = sources }

    /// Collects the sources that had a part in a record which is now changed or deleted.
    func noteParts(of record: TwinRecord) {
        _ = record.mentions { drop in
            if drop != lastForeignChange, let source = sources.source(ofDrop: drop) {
                changedSources.insert(source)
                lastForeignChange = drop
            }
            return false
        }
    }
}
