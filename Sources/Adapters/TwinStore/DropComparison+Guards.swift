import DropCore

/// What a complete list leaves out, and the limits that hold a drop for a person (docs/decisions/0027-snapshots.md).
extension DropComparison {
    /// A complete list deletes what it leaves out: what this source made in this scope and the list does not name. While it is
    /// not known what a refused record was to list, that is counted and withheld.
    func findAbsent() {
        guard job.policy.mode == .snapshot, job.amends == nil || job.amendment != nil else { return }
        // A newer list has said what there is.
        if let lateness, case .none = lateness.snapshot(of: scope) {} else if lateness != nil { return }
        let owned = memory.owned(scope)
        owned.twins.forEach { number in
            guard !seenTwins.contains(number), twinPlaces[number] == 0 else { return }
            if !(passed?.twins.contains(number) ?? false) { twinsGone.append(number) }
        }
        owned.relationships.forEach { number in
            guard !seenRelationships.contains(number), relationshipPlaces[number] == 0 else { return }
            if !(passed?.relationships.contains(number) ?? false) { relationshipsGone.append(number) }
        }
        isWholeList = unknownRecords == 0
        guard !isWholeList else { return }
        books.withheldTwins = UInt64(twinsGone.count)
        books.withheldRelationships = UInt64(relationshipsGone.count)
        (twinsGone, relationshipsGone) = ([], [])
    }

    func checkGuards() throws(DropError) {
        guard !job.released else { return }
        let owned = memory.owned(scope)
        let missing = twinsGone.count + Int(books.withheldTwins)
        try checkDeletes(
            deletedTwins + twinsGone.count, withheld: Int(books.withheldTwins), owned.twins.count, "twins",
            deletesAll(of: owned.twins) ? .all : missing > owned.twins.count - missing ? .mostMissing : .some)
        try checkDeletes(
            deletedRelationships + relationshipsGone.count, withheld: Int(books.withheldRelationships),
            owned.relationships.count, "relationships", .some)
        try checkRejects()
    }

    /// True when nothing would be left of what the source made in this scope. The one twin that a source has may be deleted by a
    /// record that names it.
    private func deletesAll(of owned: NumberSet) -> Bool {
        let missing = twinsGone.count + Int(books.withheldTwins)
        guard owned.count > (missing > 0 ? 0 : 1), deletedTwins + missing >= owned.count else { return false }
        if missing == owned.count { return true }
        let gone = Set(twinsGone)
        return owned.first { number in
            if gone.contains(number) { return false }
            // Withheld ones are those that nothing was said of.
            guard twinPlaces[number] != 0 else {
                return seenTwins.contains(number) || passed?.twins.contains(number) ?? false || books.withheldTwins == 0
            }
            // What cannot be read now is not known to be deleted; the commit reads it again.
            return (try? log.read(twinPlaces[number]) { view in view.head.verb != .deleteTwin }) ?? true
        } == nil
    }

    /// How much of what the source has would be lost: a free number covers neither all of it, nor that a list leaves out more
    /// than half.
    private enum Loss { case some, mostMissing, all }

    private func checkDeletes(
        _ deletes: Int, withheld: Int, _ owned: Int, _ what: String, _ loss: Loss
    ) throws(DropError) {
        let policy = job.policy
        let sum = deletes + withheld
        let isPastShare = Double(sum) > policy.deletesShareMax * Double(owned)
        let isPastFree = UInt64(sum) > policy.deletesFree
        guard isPastShare && (isPastFree || loss == .mostMissing) || loss == .all && policy.deletesShareMax < 1 else { return }
        let part = loss == .all ? "all \(owned)" : "\(sum) of \(owned)"
        let scoped = scope.isEmpty ? "" : " in the scope \(Escaping.visible(scope))"
        let limit =
            isPastShare && isPastFree
            ? "the limit is \(percent(policy.deletesShareMax)) or \(policy.deletesFree)."
            : loss == .all
                ? "to lose all of them is never within a free number."
                : "that a list leaves out more than half is never within a free number."
        let refused = books.recordsRejected > 0 ? " \(books.refused.prefix(1).uppercased() + books.refused.dropFirst())" : ""
        guard withheld == 0 else {
            let named = deletes > 0 ? " (\(deletes) by name)" : ""
            throw DropError(
                .guardDeletes,
                "No usable record of the file lists \(part) \(what) of \(job.source)\(scoped)\(named); \(limit)\(refused), and it is "
                    + "not known what \(books.recordsRejected == 1 ? "it lists" : "they list"): none that is only missing would be "
                    + "deleted.",
                hint: "Look whether the file is complete. Released, the drop applies its other records and deletes nothing by "
                    + "absence until the refused records are corrected.", remedy: .hold)
        }
        throw DropError(
            .guardDeletes,
            "The drop would delete \(part) \(what) of \(job.source)\(scoped); \(limit)" + (refused.isEmpty ? "" : refused + "."),
            hint: "Look whether the file is complete and has the keys it had before; release the drop if the deletes are meant.",
            remedy: .hold)
    }

    /// A drop whose every record was refused is within no limit but one that allows all of them: whoever sent it thinks that it
    /// was used.
    func checkUsable() throws(DropError) {
        guard !job.released, books.isNothingUsable, job.policy.rejectsShareMax < 1 else { return }
        let filtered = books.recordsFiltered > 0 ? "; the mapping or plugin left out the other \(books.recordsFiltered)" : ""
        throw DropError(
            .nothingUsable,
            "Nothing of the file could be used: \(books.refused), of \(books.recordsRead) read\(filtered).",
            hint: "Look at the reasons beside the receipt; correct the file or the mapping, or discard the drop.",
            remedy: .hold)
    }

    private func checkRejects() throws(DropError) {
        let policy = job.policy
        let rejected = books.recordsRejected
        guard rejected > 0, policy.rejectsShareMax < 1 else { return }
        // Part of what was refused is corrected: that is no reason to wait for the rest.
        guard job.amendment == nil, rejected > policy.rejectsFree,
            Double(rejected) > policy.rejectsShareMax * Double(books.recordsRead)
        else { return }
        throw DropError(
            .guardRejects,
            "\(rejected) of \(books.recordsRead) records were refused; the limit is \(percent(policy.rejectsShareMax)) "
                + "or \(policy.rejectsFree).",
            hint: "Correct the file or the mapping; release the drop to apply the other records.", remedy: .hold)
    }

    private func percent(_ share: Double) -> String {
        let tenths = Int((share * 1000).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
    }
}
