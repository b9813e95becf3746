/// Where the walk of a query is, and how far the page before came.
///
/// A position is the number of the first twin, then for each step the number of the relationship, or, where a step may have
/// several hops, how many it had and their numbers.
struct WalkPosition {
    private let after: [UInt32]
    /// The walk has not come past the last row of the page before.
    private(set) var isResuming: Bool
    private(set) var path: [UInt32] = []
    /// Relationships walked by the present path of MATCH.
    private(set) var walked: [UInt32] = []

    /// - Parameter after: the position of the page before; empty for the first one.
    init(after: [UInt32]) {
        self.after = after
        isResuming = !after.isEmpty
    }

    /// The first twin that the page may begin with.
    var least: UInt32 { after.first ?? 0 }

    /// Begins at a first twin.
    mutating func begin(_ root: UInt32) { path = [root] }

    mutating func pass() { isResuming = false }

    /// Goes behind the page before where `number` is not the one it had there.
    mutating func pass(_ number: UInt32, besides least: UInt32) { if number != least { isResuming = false } }

    /// What the page before had at a place of the path; 0 once the walk is past it.
    func resumed(_ index: Int) -> UInt32 { isResuming && index < after.count ? after[index] : 0 }

    mutating func enter(_ relationship: UInt32) {
        path.append(relationship)
        walked.append(relationship)
    }

    mutating func leave() {
        walked.removeLast()
        path.removeLast()
    }

    // MARK: Steps of several hops

    /// Makes room for the number of hops.
    ///
    /// - Returns: where in the path it stands.
    mutating func beginHops() -> Int {
        path.append(0)
        return path.count - 1
    }

    mutating func note(hops: Int, at index: Int) { path[index] = UInt32(hops) }

    mutating func endHops() { path.removeLast() }
}
