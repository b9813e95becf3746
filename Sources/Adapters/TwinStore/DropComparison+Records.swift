import DropCore
import TwinModel

extension DropComparison {
    /// The record being read.
    struct CurrentRecord {
        var isActive = false
        var number: UInt64 = 0
        var offset: UInt64 = 0
        var length: UInt64 = 0
        var rejection: (code: String, message: String)?
    }

    func beginRecord(_ gap: Int64, _ length: UInt64, _ reader: OperationReader) throws(DropError) {
        let offset = try advance(gap, length, reader)
        try budget.spend(1, on: .records)
        books.recordsRead += 1
        current = CurrentRecord(isActive: true, number: books.recordsRead, offset: offset, length: length)
        if let amendment = job.amendment { try checkPlace(amendment) }
    }

    /// The offset of the part that comes next in the file.
    func advance(_ gap: Int64, _ length: UInt64, _ reader: OperationReader) throws(DropError) -> UInt64 {
        let (offset, before) = filePosition.addingReportingOverflow(UInt64(bitPattern: gap))
        let wrapped = gap < 0 ? !before : before
        let (end, beyond) = offset.addingReportingOverflow(length)
        guard !wrapped, !beyond, end <= job.bytes else {
            throw reader.failure("a record or span lies outside the file, which has \(job.bytes) bytes")
        }
        // Bytes that an earlier part has already count once.
        books.bytesAccounted += end > filePosition ? end - max(offset, filePosition) : 0
        filePosition = max(end, filePosition)
        return offset
    }

    /// Checks an operation as far as it needs no others, and puts it with its record.
    @inline(__always)
    func take(_ verb: OperationVerb, _ body: Range<Int>, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        if !isReplayingDeferred { try budget.spend(1, on: .operations) }
        hasOperations = true
        if verb.rawValue <= OperationVerb.deleteTwin.rawValue {
            try takeTwin(verb, body, bytes)
        } else {
            try takeRelationship(verb, body, bytes)
        }
    }

    /// The end of a record: all of its operations, or none.
    @inline(__always)
    func endRecord(_ bytes: borrowing Span<UInt8>) throws(DropError) {
        guard current.isActive else { return }
        current.isActive = false
        defer { operations.removeAll(keepingCapacity: true) }
        if let amendment = job.amendment {
            if try passOver(amendment, bytes) { return }
            if let message = amendment.refused[current.number] { return try rejectCorrected(message) }
        }
        if let (code, message) = current.rejection {
            unknownRecords += 1  // The plugin ended it early: what else it would have named is not known.
            return try reject(code, message)
        }
        if operations.isEmpty {
            books.recordsFiltered += 1
            return
        }
        if operations.count == 1, operations[0].isKnown {
            books.recordsUsed += 1
            books.unchanged += 1
            markSeen(operations[0])
            follow(operations[0])
            return
        }
        try checkAndApply(bytes)
    }

    private func checkAndApply(_ bytes: borrowing Span<UInt8>) throws(DropError) {
        for index in operations.indices where !operations[index].isKnown {
            guard let (code, message) = try refusal(index, bytes) else { continue }
            keepNamed()
            return try reject(code, message)
        }
        if waitsForEnds, !isReplayingDeferred, try deferRecord(bytes) { return }
        books.recordsUsed += 1
        for index in operations.indices { try apply(operations[index], isAlone: operations.count == 1, bytes) }
    }

    /// What a refused record names is not missing from a snapshot. Where it names something new, its key may be the fault: then
    /// nobody knows what it was to list.
    func keepNamed() {
        guard job.policy.mode == .snapshot else { return }
        guard operations.allSatisfy({ $0.number != 0 }) else {
            unknownRecords += 1
            return
        }
        for operation in operations { markSeen(operation) }
    }

    private func apply(_ operation: Pending, isAlone: Bool, _ bytes: borrowing Span<UInt8>) throws(DropError) {
        var operation = operation
        let isTwin = operation.verb.rawValue <= OperationVerb.deleteTwin.rawValue
        if !isAlone {
            // An operation before it in the record may have made or changed what it names.
            operation.number = (isTwin ? store.twins : store.relationships).number(of: operation.hash)
            let place = isTwin ? twinPlaces[operation.number] : relationshipPlaces[operation.number]
            if place != 0 { operation.isKnown = false }
        }
        if isTracked { try noteDelete(operation, bytes) }
        if operation.isKnown {
            books.unchanged += 1
            markSeen(operation)
            follow(operation)
        } else if isTwin {
            try applyTwin(operation, bytes)
        } else {
            try applyRelationship(operation, bytes)
        }
    }

    @inline(__always)
    func markSeen(_ operation: Pending) {
        if operation.verb.rawValue <= OperationVerb.deleteTwin.rawValue {
            seenTwins.insert(operation.number)
        } else {
            seenRelationships.insert(operation.number)
        }
    }

    /// Notes that the source spoke of an operation's twin or relationship now.
    @inline(__always)
    func follow(_ operation: Pending) {
        guard writer == nil else { return }
        let isTwin = operation.verb.rawValue <= OperationVerb.deleteTwin.rawValue
        memory.order.follow(isTwin ? .init(twin: operation.number) : .init(relationship: operation.number))
    }

    /// Refuses the current record; its operations are not applied and not counted.
    func reject(_ code: String, _ message: String) throws(DropError) {
        books.recordsRejected += 1
        if books.firstRejected == 0 || current.number < books.firstRejected { books.firstRejected = current.number }
        guard rejections.count < Self.rejectionsMax else {
            throw DropError(
                "too-many-rejects",
                "More than \(Self.rejectionsMax) records were refused; the last: \(Escaping.sentence(message))",
                hint: "The file is not what its source's mapping reads: correct one of them.", remedy: .quarantine)
        }
        let message = Escaping.sentence(message)
        try budget.spend(current.length, on: .rejects)
        try budget.spend(UInt64(code.utf8.count + message.utf8.count), on: .reasons)
        rejections.append(
            Rejection(
                record: current.number, offset: current.offset, length: current.length, code: DropError.Code(code),
                message: message))
    }

    /// Why an operation cannot be applied; nil when it can. Malformed bytes are thrown as `protocol`.
    func refusal(_ index: Int, _ bytes: borrowing Span<UInt8>) throws(DropError) -> (String, String)? {
        let operation = operations[index]
        let isTwin = operation.verb.rawValue <= OperationVerb.deleteTwin.rawValue
        if hasOddNames, let refusal = try nameRefusal(operation, bytes) { return refusal }
        if let refusal = try identityRefusal(operation, bytes, isTwin) { return refusal }
        let rules = isTwin ? try twinRules(index, bytes) : nil
        let isPlain: Bool
        switch try checkProperties(index, rules?.table, bytes) {
        case .unfit(let message): return ("bad-value", message)
        case .fit(let passes): isPlain = passes
        }
        if !job.policy.models.isEmpty, let refusal = try scopeRefusal(index, bytes) { return refusal }
        if let refusal = try modelRefusal(index, rules, isPlain: isPlain, bytes) { return ("model-refused", refusal) }
        if operation.verb == .patchTwin, try isMissing(operation, before: index) {
            absentTwins.append(operation.hash)
            return ("missing-twin", "The twin \(text(bytes, operation.head.id)) does not exist, so it cannot be patched.")
        }
        return nil
    }

    private func identityRefusal(
        _ operation: Pending, _ bytes: borrowing Span<UInt8>, _ isTwin: Bool
    ) throws(DropError) -> (String, String)? {
        if let refusal = try textRefusal(operation.head.id, bytes) { return refusal }
        if !isTwin {
            if let refusal = try textRefusal(operation.head.target, bytes) { return refusal }
            if let refusal = try textRefusal(operation.head.relationship, bytes) { return refusal }
        }
        guard !operation.head.id.isEmpty else { return ("id", "The id of a twin is empty.") }
        if !isTwin {
            let isNamed = operation.head.key != 0 && !operation.head.target.isEmpty
            guard isNamed || (operation.verb == .deleteRelationship && !operation.head.relationship.isEmpty) else {
                return ("id", "A relationship of \(text(bytes, operation.head.id)) has no name, or no target.")
            }
        }
        let prefixes = job.policy.twinPrefixes
        if !prefixes.isEmpty {
            let id = array(bytes, operation.head.id)
            guard prefixes.contains(where: { id.starts(with: $0.utf8) }) else {
                return (
                    "prefix", "The source may not change the twin \(text(bytes, operation.head.id)): it has none of its prefixes."
                )
            }
        }
        return nil
    }

    @inline(__always)
    private func textRefusal(_ range: Range<Int>, _ bytes: borrowing Span<UInt8>) throws(DropError) -> (String, String)? {
        if let bad = OperationReader.firstInvalid(bytes, range) {
            let shown = Escaping.visible(array(bytes, range), scalarsMax: 40)
            return (
                "id", "The id \(shown) is not UTF-8, or has a NUL, at its byte \(bad - range.lowerBound). Correct the record."
            )
        }
        guard range.count > 128, text(bytes, range).unicodeScalars.count > 128 else { return nil }
        return ("id", "The id \(Escaping.visible(array(bytes, range), scalarsMax: 40)) is longer than 128 characters.")
    }

    private enum Checked {
        /// Every value is one; true when all pass the rules of the model.
        case fit(Bool)
        /// A value is none of its type.
        case unfit(String)
    }

    /// Checks every property of an operation, and notes what form they have.
    @inline(__always)
    private func checkProperties(_ index: Int, _ table: RuleTable?, _ bytes: borrowing Span<UInt8>) throws(DropError) -> Checked {
        let range = operations[index].head.properties
        let rules = table?.rules ?? []
        var isPlain = true
        let keys = keys  // Looked up once for all properties.
        var reader = OperationReader(at: range.lowerBound, end: range.upperBound, base: streamPosition)
        var last: UInt32 = 0
        var isAscending = true
        var hasAbsent = false
        var stated: Set<UInt32> = []
        while true {
            let start = reader.at
            let next: PropertyEntry?
            do throws(DropError) {
                next = try reader.property(bytes)
            } catch  where error.code == "bad-value" {
                return .unfit(
                    "The property \(try name(ofPropertyAt: start, bytes)) cannot be kept. \(error.message) Correct the record.")
            }
            guard let property = next else { break }
            guard Int(property.key) < keys.count else { throw undefined(property.key) }
            let key = keys[Int(property.key)]
            if key <= last { isAscending = false }
            if property.type == .absent { hasAbsent = true }
            if isTracked { stated.insert(key) }
            last = key
            if table != nil {
                let isKnown = Int(property.key) < rules.count
                if !isKnown || !rules[Int(property.key)].passes(property) { isPlain = false }
            }
        }
        let isStatement = operations[index].verb.rawValue < OperationVerb.deleteTwin.rawValue
        if isTracked, isStatement {
            commonKeys = commonKeys?.intersection(stated) ?? stated
            allKeys.formUnion(stated)
        }
        operations[index].isAscending = isAscending
        operations[index].hasAbsent = hasAbsent
        return .fit(isPlain)
    }

    private func name(ofPropertyAt start: Int, _ bytes: borrowing Span<UInt8>) throws(DropError) -> String {
        var reader = OperationReader(at: start, end: bytes.count, base: streamPosition)
        let key = try reader.varint(bytes)
        guard key < UInt64(keys.count), key > 0 else { throw undefined(UInt32(clamping: key)) }
        return Escaping.visible(keyNames[Int(key) - 1])
    }

    /// True when there is no twin to patch: neither in the graph nor stated earlier in the drop.
    private func isMissing(_ operation: Pending, before index: Int) throws(DropError) -> Bool {
        try budget.spend(UInt64(index), on: .looking)
        for earlier in operations[..<index].reversed() where earlier.hash == operation.hash && earlier.verb != .patchTwin {
            guard earlier.verb.rawValue <= OperationVerb.deleteTwin.rawValue else { continue }
            return earlier.verb == .deleteTwin
        }
        guard operation.number != 0 else { return true }
        let place = twinPlaces[operation.number]
        // On the writer nobody else's twin can come any more: one that is on its way with another drop is not there.
        if place == 0 { return writer != nil && store.twinVersions[operation.number] == 0 }
        guard place != Self.evaluating else { return false }
        return try log.read(place) { view in view.head.verb == .deleteTwin }
    }
}
