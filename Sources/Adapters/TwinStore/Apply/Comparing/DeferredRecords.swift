import DropCore

/// Records whose relationships the whole drop decides: those held back because an end is not there yet and the policy is to
/// reject such, and those that a look at the whole drop has refused.
struct DeferredRecords {
    struct Record {
        let place: RecordPlace
        /// Its operations, as they came.
        let stream: [UInt8]
        let makes: [IdentityHash]
        let needs: [IdentityHash]
    }

    static let bytesMax = 64 << 20

    private(set) var records: [Record] = []
    private var byteCount = 0
    /// Everything they speak about: later records on the same twins wait behind them.
    private var touched: Set<IdentityHash> = []
    /// They are taken now: none is held back again.
    private(set) var isReplaying = false
    /// Twins that the drop deletes and states relationships of: the records that do so are refused (`EndsGone`).
    let endsGone: Set<IdentityHash>

    init(refusing gone: Set<IdentityHash> = []) { endsGone = gone }

    /// They are taken from now on.
    mutating func beginReplay() { isReplaying = true }

    /// All are decided.
    mutating func endReplay() { self = DeferredRecords(refusing: endsGone) }

    var isEmpty: Bool { records.isEmpty }

    /// Checking models of twins that come later is not worth more memory than this; refusing for want of them is.
    var isWorthMore: Bool { byteCount < Self.bytesMax / 2 }

    func touches(_ operations: [RecordOperation]) -> Bool {
        !touched.isEmpty && operations.contains { touched.contains($0.hash) }
    }

    mutating func add(_ record: Record, _ operations: [RecordOperation]) throws(DropError) {
        for operation in operations { touched.insert(operation.hash) }
        byteCount += record.stream.count
        guard byteCount <= Self.bytesMax else {
            throw DropError(
                .limit, "More than 64 MiB of relationships name twins that come later in the file.",
                hint: "List twins before their relationships, or set dangling: wait for the source.", remedy: .quarantine)
        }
        records.append(record)
    }

    /// Which of them lack an end whatever the others make, and what twins those others make: the largest set of them is left
    /// whose relationships have their ends when all are applied. Each record is looked at when the last maker of a twin it needs
    /// has been refused, so the work grows with what they need and make.
    ///
    /// - Parameter exists: whether a twin is there without them.
    func undecidable(
        _ exists: (IdentityHash) throws(DropError) -> Bool
    ) throws(DropError) -> (refused: Set<Int>, made: Set<IdentityHash>) {
        var makers: [IdentityHash: Int] = [:]
        for record in records { for hash in record.makes { makers[hash, default: 0] += 1 } }
        var needers: [IdentityHash: [Int]] = [:]
        var absent: [IdentityHash: Bool] = [:]
        var refused: Set<Int> = []
        var open: [Int] = []
        for (index, record) in records.enumerated() {
            for hash in record.needs {
                let isAbsent = if let known = absent[hash] { known } else { try !exists(hash) }
                absent[hash] = isAbsent
                guard isAbsent else { continue }
                if makers[hash] != nil {
                    needers[hash, default: []].append(index)
                } else if refused.insert(index).inserted {
                    open.append(index)
                }
            }
        }
        while let index = open.popLast() {
            for hash in records[index].makes {
                let left = makers[hash, default: 0] - 1
                makers[hash] = left > 0 ? left : nil
                guard left <= 0 else { continue }
                for needer in needers[hash] ?? [] where refused.insert(needer).inserted { open.append(needer) }
            }
        }
        return (refused, Set(makers.keys))
    }
}
