import DropCore

/// Records held back because a relationship of theirs has no target yet and the policy is to reject those: they are decided when
/// the whole drop is known.
struct DeferredRecords {
    struct Record {
        var current: DropComparison.CurrentRecord
        /// Its operations, as they came.
        var stream: [UInt8]
        var makes: [IdentityHash]
        var needs: [IdentityHash]
    }

    static let bytesMax = 64 << 20

    var records: [Record] = []
    var byteCount = 0
    /// Everything they speak about: later records on the same twins wait behind them.
    var touched: Set<IdentityHash> = []
}

extension DropComparison {
    /// Holds the current record back when a relationship of it lacks an end so far, or when it must not overtake one that does.
    func deferRecord(_ bytes: borrowing Span<UInt8>) throws(DropError) -> Bool {
        var makes: [IdentityHash] = []
        var needs: [IdentityHash] = []
        let hasRelationship = operations.contains { $0.verb.rawValue > OperationVerb.deleteTwin.rawValue }
        if !hasRelationship, deferred.touched.isEmpty { return false }
        for operation in operations {
            switch operation.verb {
            case .upsertTwin, .replaceTwin: makes.append(operation.hash)
            case .upsertRelationship, .replaceRelationship:
                needs.append(store.hash.identity(bytes, operation.head.id))
                needs.append(store.hash.identity(bytes, operation.head.target))
            case .patchTwin, .deleteTwin, .deleteRelationship: break
            }
        }
        // Checking models of twins that come later is not worth more memory than this; refusing for want of them is.
        let isWorthIt = job.policy.dangling == .reject || deferred.byteCount < DeferredRecords.bytesMax / 2
        let lacks = isWorthIt ? try lacksAny(of: needs, made: makes) : false
        guard lacks || operations.contains(where: { deferred.touched.contains($0.hash) }) else { return false }
        var stream: [UInt8] = []
        for operation in operations {
            let end =
                operation.head.properties.upperBound == 0 ? operation.head.id.upperBound : operation.head.properties.upperBound
            // The body starts before the id's length byte or bytes.
            let start =
                operation.head.id.lowerBound - (operation.head.id.count < 128 ? 1 : operation.head.id.count < 16384 ? 2 : 3)
            stream.append(operation.verb.rawValue)
            for shift in [0, 8, 16, 24] { stream.append(UInt8(truncatingIfNeeded: (end - start) >> shift)) }
            stream += array(bytes, start..<end)
            deferred.touched.insert(operation.hash)
        }
        deferred.byteCount += stream.count
        guard deferred.byteCount <= DeferredRecords.bytesMax else {
            throw DropError(
                .limit, "More than 64 MiB of relationships name twins that come later in the file.",
                hint: "List twins before their relationships, or set dangling: wait for the source.", remedy: .quarantine)
        }
        deferred.records.append(.init(current: current, stream: stream, makes: makes, needs: needs))
        return true
    }

    func lacksAny(
        of needs: [IdentityHash], made: some Collection<IdentityHash>
    ) throws(DropError) -> Bool {
        for hash in needs where !made.contains(hash) {
            if try !exists(hash) { return true }
        }
        return false
    }

    /// True when a twin is in the graph, or was stated by this drop or another that is on its way.
    private func exists(_ hash: IdentityHash) throws(DropError) -> Bool {
        let number = store.twins.number(of: hash)
        guard number != 0 else { return false }
        let place = twinPlaces[number]
        guard place != 0, place != Self.evaluating else { return true }
        return try log.read(place) { view in view.head.verb != .deleteTwin }
    }

    /// Decides the deferred records: the largest set of them whose relationships have their ends when all are applied.
    private func replayDeferred() throws(DropError) {
        guard !deferred.records.isEmpty else { return }
        // Otherwise they were only held back to be checked against the models of their ends.
        let (refused, made) = job.policy.dangling == .reject ? try undecidable() : ([], [])
        isReplayingDeferred = true
        for (index, record) in deferred.records.enumerated() {
            current = record.current
            if refused.contains(index) {
                current.isActive = false
                try takeOperations(of: record)
                keepNamed()
                operations.removeAll(keepingCapacity: true)
                try reject(.dangling, try danglingEnds(of: record, made: made))
                continue
            }
            current.isActive = true
            let bytes = record.stream.span
            try takeOperations(of: record)
            try endRecord(bytes)
            try evaluate(bytes)
        }
        rejections.sort { $0.record < $1.record }
        deferred = DeferredRecords()
    }

    private func takeOperations(of record: DeferredRecords.Record) throws(DropError) {
        let bytes = record.stream.span
        var reader = OperationReader(end: bytes.count)
        while case .operation(let verb, _, let body)? = try reader.entry(bytes) { try take(verb, body, bytes) }
    }

    /// Which deferred records lack an end whatever the others make, and what twins those others make. Each record is looked at
    /// when the last maker of a twin it needs has been refused, so the work grows with what they need and make.
    private func undecidable() throws(DropError) -> (refused: Set<Int>, made: Set<IdentityHash>) {
        var makers: [IdentityHash: Int] = [:]
        for record in deferred.records { for hash in record.makes { makers[hash, default: 0] += 1 } }
        var needers: [IdentityHash: [Int]] = [:]
        var absent: [IdentityHash: Bool] = [:]
        var refused: Set<Int> = []
        var open: [Int] = []
        for (index, record) in deferred.records.enumerated() {
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
            for hash in deferred.records[index].makes {
                let left = makers[hash, default: 0] - 1
                makers[hash] = left > 0 ? left : nil
                guard left <= 0 else { continue }
                for needer in needers[hash] ?? [] where refused.insert(needer).inserted { open.append(needer) }
            }
        }
        return (refused, Set(makers.keys))
    }

    /// Which twins the relationships of a refused record lack, and at which end; the first three relationships are named.
    private func danglingEnds(of record: DeferredRecords.Record, made: Set<IdentityHash>) throws(DropError) -> String {
        func shown(_ name: [UInt8]) -> String { String(String(decoding: name, as: UTF8.self).unicodeScalars.prefix(128)) }
        let made = made.union(record.makes)
        let bytes = record.stream.span
        var reader = OperationReader(end: bytes.count)
        var sentences: [String] = []
        var unnamed = 0
        while case .operation(let verb, _, let body)? = try reader.entry(bytes) {
            guard verb == .upsertRelationship || verb == .replaceRelationship else { continue }
            let head = try OperationReader.head(verb, body, bytes, base: 0, validating: false)
            let source = array(bytes, head.id)
            var missing: [String] = []
            for (end, id) in [("source", source), ("target", array(bytes, head.target))]
            where try lacksAny(of: [store.hash.identity(id)], made: made) {
                missing.append("its \(end) \(shown(id))")
            }
            guard !missing.isEmpty else { continue }
            guard sentences.count < 3 else {
                unnamed += 1
                continue
            }
            _ = try global(head.key)
            let name = head.key == 0 ? "" : " " + shown(Array(keyNames[Int(head.key) - 1].utf8))
            let does = missing.count == 1 ? "does" : "do"
            sentences.append("Relationship\(name) of \(shown(source)): \(missing.joined(separator: " and ")) \(does) not exist.")
        }
        if unnamed > 0 { sentences.append("\(unnamed) more relationships of this record lack an end.") }
        return sentences.joined(separator: " ")
    }

    package func finish() throws(DropError) -> any ChangeSet {
        let changes = DropChanges(try finished())
        return changes
    }

    /// Ends the input; the comparison itself is the content of the change set.
    func finished() throws(DropError) -> DropComparison {
        precondition(!isEnded, "a change set ends once")
        memory.note(keyNames, of: self)
        store.publication.beginReading()
        defer { store.publication.endReading() }
        try replayDeferred()
        try log.settle()
        books.bytesUnaccounted = job.bytes - min(job.bytes, books.bytesAccounted)
        books.skipped = SkippedPart.counted(spans)
        reservedTwins.giveBack()
        reservedRelationships.giveBack()
        try countWaiting()
        try closeAmendment()
        try settleLateness()
        findAbsent()
        if job.amendment != nil { try keepNewer() }
        books.deletedByAbsence = UInt64(twinsGone.count + relationshipsGone.count)
        try checkUsable()
        try checkGuards()
        return self
    }

    private func countWaiting() throws(DropError) {
        guard case .wait = job.policy.dangling else { return }
        for place in unresolved {
            let (number, isNew, source, target) = try log.read(place) { view in
                let entry = view.head
                return (
                    entry.number, entry.isNew, view.bytes(0..<entry.idLength),
                    view.bytes(entry.idLength..<entry.idLength + entry.targetLength)
                )
            }
            guard relationshipPlaces[number] == place else { continue }
            if try !lacksAny(of: [store.hash.identity(source), store.hash.identity(target)], made: []) { continue }
            books.waiting += 1
            // A relationship counts once; one that was deleted and stated again may count as neither.
            if isNew, books.created > 0 { books.created -= 1 } else if !isNew, books.updated > 0 { books.updated -= 1 }
        }
    }
}
