import CodecKit
import DropCore
import GRDB

/// What is kept with a drop so that one which comes later, and belongs before it, can tell what it may still say. On the writer's
/// thread, inside its transaction.
struct DeliveryNotes: CommitPart {
    let state: CommitState

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
        let row = try RawStatement.cached(
            """
            INSERT OR REPLACE INTO delivered(
                drop_no, source, scope, place, place_no, kind, twins, relationships, absent, keys, all_keys)
            VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, database)
        row.bind(1, Int64(member.dropNumber))
        row.bind(text: 2, job.source.text)
        row.bind(text: 3, comparison.list.scope)
        row.bind(text: 4, place.key)
        row.bind(5, Int64(place.number))
        row.bind(6, kind.rawValue)
        // A list says everything: what it spoke of need not be kept, but of relationships that lead out of a scope not all of
        // which is known.
        let saysAll = isList && (kind == .snapshot || comparison.list.scope.isEmpty)
        row.bind(blob: 7, isList ? [] : spoken(member, .twins).encoded)
        row.bind(blob: 8, saysAll ? [] : spoken(member, .relationships).encoded)
        row.bind(blob: 9, isList ? [] : comparison.spoken.deleted + member.waited)
        row.bind(blob: 10, NumberRuns(comparison.spoken.commonKeys ?? []).encoded)
        row.bind(blob: 11, NumberRuns(comparison.spoken.allKeys).encoded)
        try row.run()
        if member.dropNumber & 255 == 0 { try forgetOld(job.source) }
    }

    /// Whether drops of the source must leave word of what they spoke of.
    func demandsWord(of comparison: FinishedComparison) -> Bool {
        comparison.cache.isTracked || state.tracked.contains(ObjectIdentifier(comparison.cache))
    }

    /// Where a drop stands: an amendment where the drop it amends does, one that was set aside where it did when it came.
    private func place(of member: DropEffects) throws(DropError) -> DeliveryPlace {
        let job = member.comparison.job
        if let amends = job.amends { return try Lateness.place(of: amends, database)?.0 ?? .init(key: "", number: 0) }
        var number = member.dropNumber
        if let origin = job.origin {
            number = try Lateness.place(of: origin, database)?.1 ?? number
        } else if job.released {
            // Its own number is that of the time when it came; a person said that it is the newest.
            let newest = try RawStatement.cached("SELECT max(no) FROM drops", database)
            defer { newest.reset() }
            if try newest.step() { number = max(number, UInt64(newest.integer(0))) }
        }
        return DeliveryPlace(key: job.place ?? "", number: number)
    }

    private func spoken(_ member: DropEffects, _ kind: NumberReservation.Kind) -> NumberRuns {
        var numbers: [UInt32] = []
        let (seen, created) =
            kind == .twins
            ? (member.comparison.said.twins.seen, member.createdTwins)
            : (member.comparison.said.relationships.seen, member.createdRelationships)
        seen.forEach { numbers.append($0) }
        created.forEach { numbers.append($0) }
        // What waited was said by another drop.
        let activated = Set(member.activated.map(\.number))
        for item in member.revised where item.kind == kind && !(kind == .relationships && activated.contains(item.number)) {
            numbers.append(item.number)
        }
        return NumberRuns(numbers)
    }

    private func noteRefusals(_ member: DropEffects) throws(DropError) {
        let comparison = member.comparison
        var records: [UInt8] = []
        for rejection in comparison.account.rejections {
            for number in [rejection.record, rejection.offset, rejection.length] { records.append(varint: number) }
        }
        var headers: [UInt8] = []
        for span in comparison.account.spans where span.kind == .header {
            for number in [span.offset, span.length] { headers.append(varint: number) }
        }
        let row = try RawStatement.cached(
            "INSERT OR REPLACE INTO refusal(drop_no, source, records, headers) VALUES(?, ?, ?, ?)", database)
        row.bind(1, Int64(member.dropNumber))
        row.bind(text: 2, comparison.job.source.text)
        row.bind(blob: 3, records)
        row.bind(blob: 4, headers)
        try row.run()
    }

    private func noteCorrections(_ member: DropEffects) throws(DropError) {
        guard let amendment = member.comparison.job.amendment else { return }
        let number = try store.dropNumber(of: amendment.drop, database)
        let row = try RawStatement.cached(
            "INSERT OR REPLACE INTO correction(drop_no, record, by_drop, row) VALUES(?, ?, ?, ?)", database)
        let accepted = member.comparison.accepted
        for (record, bytes) in accepted.sorted(by: { $0.key < $1.key }) {
            row.bind(1, Int64(number))
            row.bind(2, Int64(record))
            row.bind(3, Int64(member.dropNumber))
            row.bind(blob: 4, bytes)
            try row.run()
        }
        // A list that is read otherwise today deleted nothing, and so is not complete.
        guard !amendment.readsOtherwise(by: member.comparison.job.transformDigest) else { return }
        // Of the rows that are not taken, only those of records corrected before leave nothing open.
        let known = amendment.refused.values.count { $0.fault == .correctedAlready }
        guard amendment.open.isEmpty, accepted.count + known >= amendment.rows.count else { return }
        let whole = try RawStatement.cached("UPDATE delivered SET kind = 1 WHERE drop_no = ? AND kind = 2", database)
        whole.bind(1, Int64(number))
        try whole.run()
    }

    /// A source whose refused records nobody corrects must not keep a list of every drop for ever.
    private func forgetOld(_ source: SourceName) throws(DropError) {
        let row = try RawStatement.cached(
            """
            DELETE FROM delivered WHERE source = ?1 AND drop_no < (SELECT drop_no FROM delivered WHERE source = ?1
                ORDER BY drop_no DESC LIMIT 1 OFFSET 10000)
            """, database)
        row.bind(text: 1, source.text)
        try row.run()
    }
}
