/// How many of a drop's statements about committed twins were compared with their records, and how many changed one: what the
/// others will come to is judged by them. Pure.
struct ChangeSample {
    private var compared = 0
    private var foundChanged = 0
    private var isTaken = false

    /// So many statements are compared with their records first.
    static let size = 8

    @inline(__always)
    mutating func note(isChange: Bool) {
        compared += 1
        if isChange { foundChanged += 1 }
    }

    /// True when such statements have mostly been changes in this drop.
    @inline(__always)
    var isMostlyChange: Bool { compared >= Self.size && foundChanged * 2 >= compared }

    /// True once, when so many wait that they make a sample.
    @inline(__always)
    mutating func isDue(waiting: Int) -> Bool {
        guard !isTaken, waiting >= Self.size else { return false }
        isTaken = true
        return true
    }
}
