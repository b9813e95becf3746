/// Where a drop is in its life (docs/failure-model.md, "Life cycle"). Each state is one durable step, and has one word in every
/// output (docs/glossary.md, decision 0028).
package enum DropState: String, Sendable, CaseIterable {
    /// Moved from the drop zone into the spool; not hashed yet.
    case claimed
    /// Hashed, and known by its content; waits for its turn, or is being transformed.
    case registered
    /// Its operations are committed.
    case applied
    /// In a durable container and in the chain.
    case archived
    /// Nothing of it is left to do: the normal end. Called `clean` before schema 7.
    case done
    /// Waits for a person; `release` sends it back to `registered`.
    case held
    /// Could not be processed, with a reason; `retry` runs its bytes again as a new drop.
    case quarantined
    /// Was quarantined; a person ran its bytes again as another drop, which continues its delivery (`DropRecord.closedBy`).
    case retried
    /// Was quarantined; a later drop corrected its delivery (`DropRecord.closedBy`).
    case resolved
    /// Given up by a person.
    case discarded
    /// The same as an earlier drop; nothing was applied.
    case duplicate

    /// The drop does not continue before a person acts.
    package var needsPerson: Bool { self == .held || self == .quarantined }

    /// Its bytes are in quarantine until the archive has them, or longer.
    package var isQuarantined: Bool { self == .quarantined || self == .retried || self == .resolved }

    /// Its operations are committed.
    package var isApplied: Bool { self == .applied || self == .archived || self == .done }
}

/// What a drop did, in one word, the same everywhere (docs/glossary.md, decision 0028). A drop has no outcome before that is
/// decided.
package enum DropOutcome: String, Sendable, CaseIterable {
    /// Every record was used or filtered, and the graph changed.
    case applied
    /// Some records were refused; the others were applied.
    case appliedWithRejects = "applied-with-rejects"
    /// Every record was used or filtered, and nothing changed: the graph had all of it already, or newer drops say otherwise.
    case unchanged
    /// It had no record.
    case empty
    /// Records were refused, and none was used.
    case nothingUsable = "nothing-usable"
    /// It repeats an earlier drop; nothing was applied.
    case duplicate
    /// Nothing of it was applied: it was quarantined or discarded.
    case notApplied = "not-applied"
}

extension DropRecord {
    /// What the drop did; nil while that is not decided.
    package var outcome: DropOutcome? {
        switch state {
        case .claimed, .registered: nil
        case .held: reason?.code == .nothingUsable ? .nothingUsable : nil
        case .quarantined, .retried, .resolved, .discarded: .notApplied
        case .duplicate: .duplicate
        case .applied, .archived, .done: books?.outcome ?? .applied
        }
    }
}

extension DropBooks {
    /// The outcome of a committed drop with these books.
    package var outcome: DropOutcome {
        if isNothingUsable { return .nothingUsable }
        if recordsRejected > 0 { return .appliedWithRejects }
        if recordsRead == 0, changes == 0 { return .empty }
        return changes + waiting == 0 ? .unchanged : .applied
    }

    /// Records were refused, and none was used. However many rejects are free, such a drop is held for a person. Only a share of
    /// 100 % switches that off.
    package var isNothingUsable: Bool { recordsRejected > 0 && recordsUsed == 0 }
}

/// What became of one operation. For each twin a drop touches, at most one operation counts as created, updated or deleted.
package enum Outcome: String, Sendable, CaseIterable {
    case created, updated, unchanged, deleted, rejected, superseded
}

/// The two sums of a drop. Both must be exact: `recordsRead == used + filtered + rejected`, and every operation has one outcome.
package struct DropBooks: Sendable, Equatable {
    package var recordsRead: UInt64 = 0
    package var recordsUsed: UInt64 = 0
    package var recordsFiltered: UInt64 = 0
    package var recordsRejected: UInt64 = 0
    /// Operations by outcome, those of rejected records not counted.
    package var created: UInt64 = 0
    package var updated: UInt64 = 0
    package var unchanged: UInt64 = 0
    package var deleted: UInt64 = 0
    package var rejected: UInt64 = 0
    package var superseded: UInt64 = 0
    /// Twins and relationships deleted because a complete snapshot no longer lists them; no operation named them.
    package var deletedByAbsence: UInt64 = 0
    /// Relationships that were deleted with a twin at one of their ends; no operation named them.
    package var deletedWithTwins: UInt64 = 0
    /// Twins and relationships that a snapshot leaves out and that were not deleted, because a refused record may have listed
    /// them.
    package var withheldTwins: UInt64 = 0
    package var withheldRelationships: UInt64 = 0
    /// Number of the first refused record; 0 if none was.
    package var firstRejected: UInt64 = 0
    /// Relationships whose target does not exist yet, counted in `created` or `updated` once they are applied.
    package var waiting: UInt64 = 0
    /// Bytes of the file that belong to records, headers, footers and remainders, and those no part claims.
    package var bytesAccounted: UInt64 = 0
    package var bytesUnaccounted: UInt64 = 0
    /// The parts of the file that are not records, by name.
    package var skipped: [SkippedPart] = []

    package init() {}

    package var operations: UInt64 { created + updated + unchanged + deleted + rejected + superseded + waiting }

    /// Adds the numbers of another drop.
    package mutating func add(_ other: DropBooks) {
        recordsRead += other.recordsRead
        recordsUsed += other.recordsUsed
        recordsFiltered += other.recordsFiltered
        recordsRejected += other.recordsRejected
        created += other.created
        updated += other.updated
        unchanged += other.unchanged
        deleted += other.deleted
        rejected += other.rejected
        superseded += other.superseded
        deletedByAbsence += other.deletedByAbsence
        deletedWithTwins += other.deletedWithTwins
        withheldTwins += other.withheldTwins
        withheldRelationships += other.withheldRelationships
        waiting += other.waiting
        bytesAccounted += other.bytesAccounted
        bytesUnaccounted += other.bytesUnaccounted
        for part in other.skipped { SkippedPart.add(part, to: &skipped) }
    }

    /// What changed in the graph.
    package var changes: UInt64 { created + updated + deleted + deletedByAbsence + deletedWithTwins }

    /// A sentence for people: what no usable record of a snapshot lists, and why it was not deleted; nil if nothing was withheld.
    package var withheld: String? {
        guard let what = withheldWords else { return nil }
        let isOne = withheldTwins + withheldRelationships == 1
        return "\(unknown): \(what) that no other record lists \(isOne ? "was" : "were") not deleted."
    }

    /// Why TwinDrop does not know everything that the file lists.
    package var unknown: String {
        let bytes =
            bytesUnaccounted > 0
            ? "\(Self.counted(bytesUnaccounted, "byte")) \(bytesUnaccounted == 1 ? "belongs" : "belong") to no record, header or "
                + "remainder" : nil
        if recordsRejected > 0 {
            let isOne = recordsRejected == 1 && bytes == nil
            return [refused, bytes].compactMap { $0 }.joined(separator: ", ") + ", and it is not known what "
                + (isOne ? "it lists" : "they list")
        }
        if let bytes { return bytes + ", and it is not known what \(bytesUnaccounted == 1 ? "it lists" : "they list")" }
        return "It is not known what the whole amended file lists"
    }

    /// `2 twins and 1 relationship`; nil if nothing was withheld.
    package var withheldWords: String? {
        guard withheldTwins + withheldRelationships > 0 else { return nil }
        var what: [String] = []
        if withheldTwins > 0 { what.append(Self.counted(withheldTwins, "twin")) }
        if withheldRelationships > 0 { what.append(Self.counted(withheldRelationships, "relationship")) }
        return what.joined(separator: " and ")
    }

    /// `3 records were refused (the first is record 17)`.
    package var refused: String {
        let first = recordsRejected == 1 ? "record \(firstRejected)" : "the first is record \(firstRejected)"
        return "\(Self.counted(recordsRejected, "record")) \(recordsRejected == 1 ? "was" : "were") refused"
            + (firstRejected > 0 ? " (\(first))" : "")
    }

    package static func counted(_ number: some BinaryInteger, _ noun: String) -> String {
        number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
    }
}
