import DropCore

/// The twins that a drop deletes, by name or by leaving them out of its list, and of which it states relationships. Under
/// `dangling: reject` the records that do so are refused, wherever in the file they stand
/// (docs/decisions/0026-order-and-lateness.md).
///
/// They are known when the whole drop is: then it is compared again without those records, out of the frames it kept.
struct EndsGone {
    private let context: ComparisonContext

    /// How often a drop is compared again for them. What a refused record no longer makes is found in the same pass
    /// (`DeferredReplay`), so that more than two are rare.
    static let passesMax = 8

    init(_ context: ComparisonContext) { self.context = context }

    /// A large drop that kept nothing.
    static let toBeReadAgain = DropError(
        .conflict, "The file deletes twins and states relationships of them, and was not kept while it was read.",
        hint: "It is read once more and keeps what it reads.", remedy: .retry(after: .milliseconds(20)))

    static let endless = DropError(
        .limit, "More than \(passesMax) times a refused relationship took a twin that another one needs.",
        hint: "Deliver what the file deletes and what it states in two files.", remedy: .quarantine)

    /// Those of a drop that was compared to its end.
    ///
    /// - Parameter known: those for which its records were refused already.
    func find(
        _ said: Said, _ list: ListDifference, known: Set<IdentityHash>
    ) throws(DropError) -> Set<IdentityHash> {
        guard case .reject = context.job.policy.dangling else { return [] }
        let absent = list.twinsGone
        guard said.deletesTwins || !absent.isEmpty, said.log.hasRelationships || said.relationships.seen.count > 0 else {
            return []
        }
        var gone: Set<UInt32> = []
        if said.deletesTwins {
            try said.log.forEach { (place, view) throws(DropError) in
                guard view.isTwin, said.twins.places[view.number] == place, view.head.verb == .deleteTwin else { return }
                gone.insert(view.number)
            }
        }
        let named = try ends(said, gone)
        // What those records list is not known any more: then the list may delete nothing.
        guard named.isSubset(of: known) else { return named }
        return try named.union(ends(said, Set(absent)))
    }

    /// Those of some twins that go of which the drop states relationships.
    private func ends(_ said: Said, _ gone: Set<UInt32>) throws(DropError) -> Set<IdentityHash> {
        guard !gone.isEmpty else { return [] }
        let former = said.formerEnds.filter { gone.contains(said.twins.number(of: $0)) }
        return try stated(said, gone).union(repeated(said, gone)).union(former)
    }

    /// Those of them at which a relationship begins or ends that the drop makes or changes.
    private func stated(_ said: Said, _ gone: Set<UInt32>) throws(DropError) -> Set<IdentityHash> {
        var found: Set<IdentityHash> = []
        guard said.log.hasRelationships else { return found }
        try said.log.forEach { (place, view) throws(DropError) in
            guard !view.isTwin, said.relationships.places[view.number] == place else { return }
            let entry = view.head
            guard entry.verb != .deleteRelationship else { return }
            for end in [0..<entry.idLength, entry.idLength..<entry.idLength + entry.targetLength] {
                let hash = context.store.identities.hash.identity(view.bytes(end))
                if gone.contains(said.twins.number(of: hash)) { found.insert(hash) }
            }
        }
        return found
    }

    /// Those of them at which a relationship begins or ends that the drop repeats as it is.
    private func repeated(_ said: Said, _ gone: Set<UInt32>) throws(DropError) -> Set<IdentityHash> {
        var found: Set<IdentityHash> = []
        guard said.relationships.seen.count > 0 else { return found }
        try context.reading { (database) throws(DropError) in
            let lookups = GraphLookups(database)
            for number in gone where try lookups.hasRelationship(of: said.relationships.seen, at: number) {
                if let id = try lookups.twinID(number) { found.insert(context.store.identities.hash.identity(id)) }
            }
        }
        return found
    }

    /// Why the current record is refused: it states relationships of twins that the drop deletes. Nil where it does not.
    func refusal(
        _ record: CurrentRecord, _ keys: borrowing StreamKeys, of gone: Set<IdentityHash>, _ bytes: borrowing Span<UInt8>
    ) throws(DropError) -> String? {
        var sentences: [String] = []
        for operation in record.operations
        where operation.verb == .upsertRelationship || operation.verb == .replaceRelationship {
            let head = operation.head
            for (end, id) in [("source", head.id), ("target", head.target)] {
                guard sentences.count < 3, gone.contains(context.store.identities.hash.identity(bytes, id)) else {
                    continue
                }
                _ = try keys.global(head.key)
                let name = head.key == 0 ? "" : " " + DeferredReplay.shown(Array(keys.name(head.key).utf8))
                let source = DeferredReplay.shown(RawBytes.copy(bytes, head.id))
                let lost = DeferredReplay.shown(RawBytes.copy(bytes, id))
                sentences.append(
                    "Relationship\(name) of \(source): its \(end) \(lost) goes with this same file, which deletes it or leaves it "
                        + "out.")
            }
        }
        return sentences.isEmpty ? nil : sentences.joined(separator: " ")
    }
}
