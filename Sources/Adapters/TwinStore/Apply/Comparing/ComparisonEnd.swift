import DropCore

/// Ends the comparison of a drop: what was held back, what a list leaves out, what is told, and, apart, the limits.
struct ComparisonEnd {
    private let context: ComparisonContext

    init(_ context: ComparisonContext) { self.context = context }

    /// - Returns: what a person is told of statements that do not stand: those of a late drop, and those the drop itself
    ///   replaced.
    func finish(_ drop: inout ComparisonProgress) throws(DropError) -> DropReason? {
        let job = context.job
        try DeferredReplay(context).replay(&drop)
        try drop.said.log.finishWrites()
        drop.account.books.bytesUnaccounted = job.bytes - min(job.bytes, drop.account.books.bytesAccounted)
        if job.doubtsBytes, drop.account.books.bytesUnaccounted > 0 { drop.list.hasUnknownBytes = true }
        drop.account.books.skipped = SkippedPart.counted(drop.account.spans)
        drop.said.giveBack()
        try countWaiting(drop.said, &drop.account.books)
        if let amendment = job.amendment { try AmendedRecords(context, amendment).close(&drop.account.books) }
        let reason = try LateReport(context).reason(for: drop.late, again: drop.account.again)
        findAbsent(&drop.list, &drop.account.books, drop.said)
        if let amendment = job.amendment { try AmendedRecords(context, amendment).keepNewer(&drop) }
        drop.account.books.deletedByAbsence = UInt64(drop.list.twinsGone.count + drop.list.relationshipsGone.count)
        return reason
    }

    private func countWaiting(_ said: Said, _ books: inout DropBooks) throws(DropError) {
        guard case .wait = context.job.policy.dangling else { return }
        let hash = context.store.identities.hash
        for place in said.unresolved {
            let (number, isNew, source, target) = try said.log.read(place) { view in
                let entry = view.head
                return (
                    entry.number, entry.isNew, view.bytes(0..<entry.idLength),
                    view.bytes(entry.idLength..<entry.idLength + entry.targetLength)
                )
            }
            guard said.relationships.places[number] == place else { continue }
            if try !said.lacksAny(of: [hash.identity(source), hash.identity(target)], made: []) { continue }
            books.waiting += 1
            // A relationship counts once; one that was deleted and stated again may count as neither.
            if isNew, books.created > 0 {
                books.created -= 1
            } else if !isNew, books.updated > 0 {
                books.updated -= 1
            }
        }
    }

    /// What a complete list leaves out is deleted, or withheld.
    private func findAbsent(_ list: inout ListDifference, _ books: inout DropBooks, _ said: Said) {
        let job = context.job
        guard job.policy.mode == .snapshot, job.amends == nil || job.amendment != nil else { return }
        // A newer list has said what there is.
        if let lateness = context.lateness {
            guard case .none = lateness.snapshot(of: list.scope) else { return }
        }
        if let amendment = job.amendment, amendment.readsOtherwise(by: job.transformDigest) { list.doubtAll() }
        let withheld = list.find(in: context.cache.owned(list.scope), said)
        books.withheldTwins = UInt64(withheld.twins)
        books.withheldRelationships = UInt64(withheld.relationships)
    }

    /// Holds a drop that nobody has released and that is past a limit.
    func checkGuards(_ list: ListDifference, _ said: Said, _ books: DropBooks) throws(DropError) {
        let job = context.job
        guard !job.released else { return }
        if let amendment = job.amendment, list.isDoubted, let refusal = AmendedRecords(context, amendment).doubt(books) {
            throw refusal
        }
        let guards = Guards(
            policy: job.policy, source: job.source, scope: list.scope, books: books, isAmendment: job.amendment != nil)
        if let refusal = guards.refusalOfUselessness { throw refusal }
        let owned = context.cache.owned(list.scope)
        let withheld = Int(books.withheldTwins)
        let missing = list.twinsGone.count + withheld
        let deletesAll = list.deletesAll(of: owned.twins, said, withheld: withheld)
        let twins = Guards.Deletes(
            what: "twins", deletes: said.twins.deleted + list.twinsGone.count, withheld: withheld,
            owned: owned.twins.count,
            loss: deletesAll ? .all : missing > owned.twins.count - missing ? .mostMissing : .some)
        if let refusal = guards.refusal(of: twins) { throw refusal }
        let relationships = Guards.Deletes(
            what: "relationships", deletes: said.relationships.deleted + list.relationshipsGone.count,
            withheld: Int(books.withheldRelationships), owned: owned.relationships.count, loss: .some)
        if let refusal = guards.refusal(of: relationships) { throw refusal }
        if let refusal = guards.refusalOfRejects { throw refusal }
    }
}
