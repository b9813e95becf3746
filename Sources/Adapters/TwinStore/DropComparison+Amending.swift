import DropCore

/// An amendment is transformed as the whole file it completes: only the records it has count, the others say what they said.
extension DropComparison {
    /// True when the current record is none that the amendment has: what it names is listed, and where a corrected record before
    /// it speaks of the same, its word is the later one.
    ///
    /// A record that was taken before is to be taken still: one that the corrections make the plugin refuse says that they do not
    /// go with the rest of the file, as a number in another unit.
    func passOver(_ amendment: Amendment, _ bytes: borrowing Span<UInt8>) throws(DropError) -> Bool {
        guard amendment.rows[current.number] == nil else { return false }
        if let rejection = current.rejection, !amendment.open.contains(current.number) {
            throw contradiction(
                amendment,
                "with its corrections record \(current.number) would be refused, which was taken before: "
                    + Escaping.sentence(rejection.message))
        }
        let isKnown = current.rejection == nil && operations.allSatisfy { $0.number != 0 }
        // A record that was accepted then may name twins that others deleted since; one that was refused may name anything.
        if current.rejection != nil || !isKnown && amendment.open.contains(current.number) { unknownRecords += 1 }
        keepListed()
        if current.rejection == nil, !amendment.open.contains(current.number) { try sayAgain(bytes) }
        return true
    }

    /// States again what the current record, which was used long ago, says of what a corrected record before it changes. It is no
    /// operation of the amendment, and so not in its books.
    private func sayAgain(_ bytes: borrowing Span<UInt8>) throws(DropError) {
        for index in operations.indices {
            let isTwin = operations[index].verb.rawValue <= OperationVerb.deleteTwin.rawValue
            let number = (isTwin ? store.twins : store.relationships).number(of: operations[index].hash)
            guard number != 0, (isTwin ? twinPlaces : relationshipPlaces)[number] != 0, try refusal(index, bytes) == nil else {
                continue
            }
            operations[index].number = number
            operations[index].isKnown = false
            let (superseded, unchanged) = (books.superseded, books.unchanged)
            if isTwin { try applyTwin(operations[index], bytes) } else { try applyRelationship(operations[index], bytes) }
            let isOver = (isTwin ? twinPlaces : relationshipPlaces)[number] == 0
            if books.superseded > superseded, isOver { overruledByRecords += 1 }
            if books.superseded > superseded, !isOver {
                books.superseded -= 1
            } else if books.unchanged > unchanged {
                books.unchanged -= 1
            }
        }
    }

    /// Refuses a row that says something else than what was accepted for its record. The file has the accepted bytes in its
    /// place: what they name is listed.
    func rejectCorrected(_ message: String) throws(DropError) {
        if current.rejection != nil { unknownRecords += 1 }
        keepListed()
        try reject(.correctedAlready, message)
    }

    /// What the current record names is not missing from the list.
    private func keepListed() {
        let passed = passed ?? (NumberSet(), NumberSet())
        self.passed = passed
        for operation in operations where operation.number != 0 {
            let isTwin = operation.verb.rawValue <= OperationVerb.deleteTwin.rawValue
            (isTwin ? passed.twins : passed.relationships).insert(operation.number)
        }
    }

    /// A corrected record is to be read where it was put, as one record of its number: else records behind it have other numbers,
    /// and one of them would count as the correction.
    func checkPlace(_ amendment: Amendment) throws(DropError) {
        guard let place = amendment.places[current.number] else { return }
        // A byte order mark before a record is a part of its own.
        guard (place.lowerBound...place.lowerBound + 3).contains(current.offset),
            current.offset &+ current.length == place.upperBound
        else {
            throw noRecord(amendment, current.number)
        }
    }

    private func noRecord(_ amendment: Amendment, _ number: UInt64) -> DropError {
        contradiction(
            amendment,
            "record \(number) as it has it is not read as this one record: it is a comment, a blank line, a header again or part of a "
                + "footer, or takes others in, or is one of several.")
    }

    private func contradiction(_ amendment: Amendment, _ why: String) -> DropError {
        DropError(
            .amendment, "The file amends drop \(amendment.drop), but \(why)",
            hint: "Correct the row and drop the file again, or deliver the whole file anew.", remedy: .quarantine)
    }

    /// The books of an amendment count its own records.
    func closeAmendment() throws(DropError) {
        guard let amendment = job.amendment else { return }
        if let last = amendment.places.keys.max(), last > books.recordsRead { throw noRecord(amendment, last) }
        books.recordsRead = UInt64(amendment.rows.count)
        let missing =
            books.recordsRead - min(books.recordsRead, books.recordsUsed + books.recordsFiltered + books.recordsRejected)
        // A row that the plugin no longer takes for a record says nothing.
        books.recordsFiltered += missing
        books.bytesAccounted = job.fileBytes
        books.bytesUnaccounted = 0
    }

    /// Which of its records are accepted now, and their bytes.
    var accepted: [UInt64: [UInt8]] {
        guard let amendment = job.amendment else { return [:] }
        let refused = Set(rejections.map(\.record)).union(amendment.refused.keys)
        return amendment.rows.filter { !refused.contains($0.key) }
    }

    /// What a complete list, completed, leaves out; not what somebody newer changed.
    func keepNewer() throws(DropError) {
        guard let lateness, !twinsGone.isEmpty || !relationshipsGone.isEmpty else { return }
        var (twins, relationships): ([UInt32], [UInt32]) = ([], [])
        for number in twinsGone {
            guard let (base, _) = try baseTwin(number) else { continue }
            if try !isNewer(base, .twins, number, lateness) { twins.append(number) }
        }
        for number in relationshipsGone {
            guard let base = try baseRelationship(number)?.record else { continue }
            if try !isNewer(base, .relationships, number, lateness) { relationships.append(number) }
        }
        (twinsGone, relationshipsGone) = (twins, relationships)
    }
}
