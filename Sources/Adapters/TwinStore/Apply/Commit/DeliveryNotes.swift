import DropCore

/// What is kept with a drop so that one which comes later, and belongs before it, can tell what it may still say. On the writer's
/// thread, inside its transaction.
struct DeliveryNotes: CommitPart {
    let state: CommitState

    private var deliveries: DeliveryRows { DeliveryRows(database) }

    func noteDelivery(_ member: DropEffects) throws(DropError) {
        let comparison = member.comparison
        let job = comparison.job
        let hasRefusals = job.amendment == nil && !comparison.account.rejections.isEmpty
        if hasRefusals { try noteRefusals(member) }
        if job.amendment != nil { try noteCorrections(member) }
        guard job.place != nil || hasRefusals || demandsWord(of: comparison) else { return }
        member.tracks = hasRefusals
        if hasRefusals { state.tracked.insert(ObjectIdentifier(comparison.cache)) }
        let place = try place(of: member)
        let isList = job.policy.mode == .snapshot && job.amends == nil
        let kind: DeliveredKind = isList ? (comparison.list.isKnown ? .snapshot : .openSnapshot) : .increment
        // A list says everything: what it spoke of need not be kept, but of relationships that lead out of a scope not all of
        // which is known.
        let saysAll = isList && (kind == .snapshot || comparison.list.scope.isEmpty)
        try deliveries.insert(
            .init(
                source: job.source, scope: comparison.list.scope, place: place, kind: kind,
                twins: isList ? [] : spoken(member, .twins).encoded,
                relationships: saysAll ? [] : spoken(member, .relationships).encoded,
                names: isList ? [] : comparison.spoken.deleted + member.waited,
                keys: NumberRuns(comparison.spoken.commonKeys ?? []).encoded,
                allKeys: NumberRuns(comparison.spoken.allKeys).encoded),
            of: member.dropNumber)
        // A source whose refused records nobody corrects must not keep a list of every drop for ever.
        if member.dropNumber & 255 == 0 { try deliveries.forgetOld(of: job.source) }
    }

    /// Whether drops of the source must leave word of what they spoke of.
    func demandsWord(of comparison: FinishedComparison) -> Bool {
        comparison.cache.tracking.isOn || state.tracked.contains(ObjectIdentifier(comparison.cache))
    }

    /// Where a drop stands: an amendment where the drop it amends does, one that was set aside where it did when it came.
    private func place(of member: DropEffects) throws(DropError) -> DeliveryPlace {
        let job = member.comparison.job
        if let amends = job.amends { return try deliveries.place(of: amends)?.0 ?? .init(key: "", number: 0) }
        var number = member.dropNumber
        if let origin = job.origin {
            number = try deliveries.place(of: origin)?.1 ?? number
        } else if job.released {
            // Its own number is that of the time when it came; a person said that it is the newest.
            number = try max(number, deliveries.newestDrop() ?? 0)
        }
        return DeliveryPlace(key: job.place ?? "", number: number)
    }

    private func spoken(_ member: DropEffects, _ kind: NumberReservation.Kind) -> NumberRuns {
        let said = member.comparison.said
        var numbers = member.changes.stated(kind)
        (kind == .twins ? said.twins : said.relationships).seen.forEach { numbers.append($0) }
        return NumberRuns(numbers)
    }

    private func noteRefusals(_ member: DropEffects) throws(DropError) {
        let comparison = member.comparison
        let headers = comparison.account.spans.filter { $0.kind == .header }
        try RefusalRows(database).insert(
            comparison.account.rejections, headers: headers, of: member.dropNumber, comparison.job.source)
    }

    private func noteCorrections(_ member: DropEffects) throws(DropError) {
        guard let amendment = member.comparison.job.amendment else { return }
        let number = try store.dropNumber(of: amendment.drop, database)
        let accepted = member.comparison.accepted
        try RefusalRows(database).insertCorrections(accepted, of: number, by: member.dropNumber)
        // A list that is read otherwise today deleted nothing, and so is not complete.
        guard !amendment.readsOtherwise(by: member.comparison.job.transformDigest) else { return }
        // Of the rows that are not taken, only those of records corrected before leave nothing open.
        let known = amendment.refused.values.count { $0.fault == .correctedAlready }
        guard amendment.open.isEmpty, accepted.count + known >= amendment.rows.count else { return }
        try deliveries.complete(number)
    }
}
