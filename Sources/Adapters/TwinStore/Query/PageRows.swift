import TwinModel

/// The rows of one page of a query, as they are found.
struct PageRows {
    let limit: Int
    private(set) var rows: [JSON] = []
    /// Rows that passed, where they are only counted.
    private(set) var matches = 0
    /// Position of the page's last row, when more follow it.
    private(set) var next: [UInt32]?
    private var last: [UInt32] = []

    init(limit: Int) { self.limit = limit }

    /// Another row passed that this page has no room for.
    var isFull: Bool { next != nil }

    mutating func count(_ found: Int = 1) { matches += found }

    /// Whether there is room for one more; the page is full otherwise.
    mutating func hasRoom() -> Bool {
        if rows.count < limit { return true }
        next = last
        return false
    }

    mutating func append(_ row: JSON, at position: [UInt32]) {
        rows.append(row)
        last = position
    }
}
