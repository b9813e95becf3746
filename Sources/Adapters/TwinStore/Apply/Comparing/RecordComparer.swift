import DropCore

/// Compares the operations that wait for it with the records of the twins and relationships they name.
struct RecordComparer {
    let context: ComparisonContext

    init(_ context: ComparisonContext) { self.context = context }

    /// Compares what waits in this frame: one access to the database for all of them.
    func compareWaiting(_ drop: inout ComparisonProgress, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        guard !drop.said.waiting.isEmpty else { return }
        // Exchanged, not copied: nothing is added meanwhile, and the room is used again.
        var waiting: [Evaluation] = []
        drop.said.waiting.exchange(&waiting)
        let bytes = copy bytes
        let (twins, relationships) = (TwinComparer(context), RelationshipComparer(context))
        try context.reading { (database) throws(DropError) in
            let twinQuery = try TwinQuery(database)
            let relationshipQuery = try RelationshipQuery(database)
            for item in waiting {
                if item.operation.isOfTwin {
                    try twins.compare(item, twinQuery, &drop, bytes)
                } else {
                    try relationships.compare(item, relationshipQuery, &drop, bytes)
                }
            }
        }
        waiting.removeAll(keepingCapacity: true)
        drop.said.waiting.exchange(&waiting)
    }
}
