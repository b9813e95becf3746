import CodecKit
import DropCore

/// The limits that hold a drop for a person (docs/decisions/0027-snapshots.md), over what it was found to be. Pure.
struct Guards {
    let policy: ApplyPolicy
    let source: SourceName
    let scope: String
    let books: DropBooks
    /// An amendment corrects part of what was refused: that is no reason to wait for the rest.
    let isAmendment: Bool

    /// How much of what the source has would be lost: a free number covers neither all of it, nor that a list leaves out more
    /// than half.
    enum Loss { case some, mostMissing, all }

    /// What a drop deletes of twins, or of relationships.
    struct Deletes {
        /// `twins` or `relationships`.
        let what: String
        /// Those that go.
        let deletes: Int
        /// Those that a list leaves out and that are not deleted, for want of what refused records say.
        let withheld: Int
        /// How many the source has.
        let owned: Int
        let loss: Loss

        var sum: Int { deletes + withheld }
    }

    /// `guard-deletes`; nil where the drop is within the limit.
    func refusal(of loss: Deletes) -> DropError? {
        let sum = loss.sum
        let isPastShare = Double(sum) > policy.deletesShareMax * Double(loss.owned)
        let isPastFree = UInt64(sum) > policy.deletesFree
        guard
            isPastShare && (isPastFree || loss.loss == .mostMissing) || loss.loss == .all && policy.deletesShareMax < 1
        else { return nil }
        let part = loss.loss == .all ? (loss.owned == 1 ? "the only one of the" : "all \(loss.owned)") : "\(sum) of \(loss.owned)"
        let scoped = scope.isEmpty ? "" : " in the scope \(Escaping.visible(scope))"
        let limit =
            isPastShare && isPastFree
            ? "up to \(Self.percent(policy.deletesShareMax)), or \(policy.deletesFree), may go without a person."
            : loss.loss == .all
                ? "to delete all of them always needs a person."
                : "a list that leaves out more than half always needs a person."
        let refused = books.recordsRejected > 0 ? " \(books.refused.prefix(1).uppercased() + books.refused.dropFirst())" : ""
        guard loss.withheld == 0 else {
            let named = loss.deletes > 0 ? " (\(loss.deletes) by name)" : ""
            return DropError(
                .guardDeletes,
                "No usable record of the file lists \(part) \(loss.what) of \(source)\(scoped)\(named); \(limit) "
                    + "\(books.unknown.prefix(1).uppercased() + books.unknown.dropFirst()): none that is only missing would be deleted.",
                hint:
                    "Look whether the file is complete. Released, the drop applies its other records and deletes nothing by absence "
                    + (books.recordsRejected > 0
                        ? "until the refused records are corrected." : "until a delivery is read whole: correct the plugin."),
                remedy: .hold)
        }
        return DropError(
            .guardDeletes,
            "The drop would delete \(part) \(loss.what) of \(source)\(scoped); \(limit)" + (refused.isEmpty ? "" : refused + "."),
            hint: "Look whether the file is complete and has the keys it had before; release the drop if the deletes are meant.",
            remedy: .hold)
    }

    /// A drop whose every record was refused is within no limit but one that allows all of them: whoever sent it thinks that it
    /// was used.
    var refusalOfUselessness: DropError? {
        guard books.isNothingUsable, policy.rejectsShareMax < 1 else { return nil }
        let filtered = books.recordsFiltered > 0 ? "; the mapping or plugin left out the other \(books.recordsFiltered)" : ""
        return DropError(
            .nothingUsable,
            "Nothing of the file could be used: \(books.refused), of \(books.recordsRead) read\(filtered).",
            hint: isAmendment
                ? "Correct its rows in its own file of rejects and deliver that, which does not wait for this drop; then discard this "
                    + "drop."
                : "Look at the reasons beside the receipt. Correct the whole file, and run it in the place of this drop: "
                    + "`twindrop retry DROP --with FILE`. Or correct the mapping, or the rows in the file of rejects, and release this "
                    + "drop.",
            remedy: .hold)
    }

    /// `guard-rejects`; nil where few enough records were refused.
    var refusalOfRejects: DropError? {
        let rejected = books.recordsRejected
        guard rejected > 0, policy.rejectsShareMax < 1, !isAmendment, rejected > policy.rejectsFree,
            Double(rejected) > policy.rejectsShareMax * Double(books.recordsRead)
        else { return nil }
        return DropError(
            .guardRejects,
            "\(rejected) of \(books.recordsRead) records \(rejected == 1 ? "was" : "were") refused; up to "
                + "\(Self.percent(policy.rejectsShareMax)), or \(policy.rejectsFree), may be refused without a person.",
            hint: "Correct the file or the mapping; release the drop to apply the other records.", remedy: .hold)
    }

    private static func percent(_ share: Double) -> String {
        let tenths = Int((share * 1000).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
    }
}
