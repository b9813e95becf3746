import DropCore

/// A relationship seen from one of its ends.
struct GraphLink {
    var number: UInt32
    var name: UInt32
    /// The twin at the other end.
    var other: UInt32
    var source: UInt32
    var target: UInt32
}

/// An end of a relationship.
enum GraphSide { case source, target }

/// The relationships at one side of twins, by number. Used inside one access; `reset` when it is done with.
struct LinkCursor {
    private let side: GraphSide
    private let statement: RawStatement

    init(_ side: GraphSide, _ database: StoreTransaction) throws(DropError) {
        self.side = side
        statement =
            switch side {
            case .source: try .cached("SELECT no, name, target FROM relationship WHERE source = ? ORDER BY no", database)
            case .target: try .cached("SELECT no, name, source FROM relationship WHERE target = ? ORDER BY no", database)
            }
    }

    /// Begins with the relationships of a twin.
    func begin(_ twin: UInt32) { statement.bind(1, twin) }

    /// The next one of `twin`, with which it began; nil at the end.
    @inline(__always)
    func next(of twin: UInt32) throws(DropError) -> GraphLink? {
        guard try statement.step() else { return nil }
        let other = UInt32(truncatingIfNeeded: statement.integer(2))
        return GraphLink(
            number: UInt32(truncatingIfNeeded: statement.integer(0)), name: UInt32(truncatingIfNeeded: statement.integer(1)),
            other: other, source: side == .source ? twin : other, target: side == .source ? other : twin)
    }

    func reset() { statement.reset() }
}
