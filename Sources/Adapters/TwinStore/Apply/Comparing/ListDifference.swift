import DropCore

/// What a complete list leaves out of what its source made (docs/decisions/0027-snapshots.md).
struct ListDifference {
    var scope = ""
    /// Refused records of which it is not known what they list.
    var unknownRecords = 0
    /// Bytes of the file belong to no part of it: they may be records.
    var hasUnknownBytes = false
    /// All its records are known, and some may say something else than what was applied of them.
    private(set) var isDoubted = false
    /// What the records of the amended file name that the amendment does not have.
    private var passed: (twins: NumberSet, relationships: NumberSet)?
    private(set) var twinsGone: [UInt32] = []
    private(set) var relationshipsGone: [UInt32] = []
    /// A complete list, all of whose records are known: what its source said before and it does not list is over.
    private(set) var isWhole = false

    /// What the operations name is not missing from the list.
    mutating func pass(over operations: [RecordOperation]) {
        let passed = passed ?? (NumberSet(), NumberSet())
        self.passed = passed
        for operation in operations where operation.number != 0 {
            (operation.isOfTwin ? passed.twins : passed.relationships).insert(operation.number)
        }
    }

    /// Nothing is deleted for not being named: what the records name may be something else than they named.
    mutating func doubtAll() { isDoubted = isKnown }

    /// It is known of all bytes of the file what they list.
    var isKnown: Bool { unknownRecords == 0 && !hasUnknownBytes }

    /// Finds what the list deletes: what this source made in this scope and the list does not name. While it is not known what a
    /// refused record was to list, that is counted and withheld.
    ///
    /// - Returns: how many twins and relationships are withheld.
    mutating func find(in owned: OwnedNumbers, _ said: Said) -> (twins: Int, relationships: Int) {
        owned.twins.forEach { number in
            guard !said.twins.seen.contains(number), !said.twins.isStated(number) else { return }
            if !(passed?.twins.contains(number) ?? false) { twinsGone.append(number) }
        }
        owned.relationships.forEach { number in
            guard !said.relationships.seen.contains(number), !said.relationships.isStated(number) else { return }
            if !(passed?.relationships.contains(number) ?? false) { relationshipsGone.append(number) }
        }
        isWhole = isKnown && !isDoubted
        guard !isWhole else { return (0, 0) }
        defer { (twinsGone, relationshipsGone) = ([], []) }
        return (twinsGone.count, relationshipsGone.count)
    }

    /// Keeps of what is left out only what may go.
    mutating func keep(
        twins isTwinKept: (UInt32) throws(DropError) -> Bool, relationships isRelationshipKept: (UInt32) throws(DropError) -> Bool
    ) throws(DropError) {
        var (twins, relationships): ([UInt32], [UInt32]) = ([], [])
        for number in twinsGone where try isTwinKept(number) { twins.append(number) }
        for number in relationshipsGone where try isRelationshipKept(number) { relationships.append(number) }
        (twinsGone, relationshipsGone) = (twins, relationships)
    }

    /// True when nothing would be left of what the source made in this scope. The one twin that a source has may be deleted by a
    /// record that names it.
    ///
    /// - Parameter withheld: how many twins the list leaves out that are not deleted.
    func deletesAll(of owned: NumberSet, _ said: Said, withheld: Int) -> Bool {
        let missing = twinsGone.count + withheld
        guard owned.count > (missing > 0 ? 0 : 1), said.twins.deleted + missing >= owned.count else { return false }
        if missing == owned.count { return true }
        let gone = Set(twinsGone)
        return owned.first { number in
            if gone.contains(number) { return false }
            // Withheld ones are those that nothing was said of.
            guard said.twins.isStated(number) else {
                return said.twins.seen.contains(number) || passed?.twins.contains(number) ?? false || withheld == 0
            }
            // What cannot be read now is not known to be deleted; the commit reads it again.
            return (try? !said.isDeleted(number)) ?? true
        } == nil
    }
}
