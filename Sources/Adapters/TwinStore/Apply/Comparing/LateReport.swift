import DropCore

/// What a person is told of statements that do not stand: of a drop that was not the newest of its source, and of one that says
/// something twice.
struct LateReport {
    private let context: ComparisonContext

    init(_ context: ComparisonContext) { self.context = context }

    /// Holds a late drop of which it cannot be told what became of it, and says of any other what was left.
    func reason(for late: LateOutcome, again: SecondStatements) throws(DropError) -> DropReason? {
        let isLate = context.lateness != nil
        if isLate, !late.undecided.isEmpty, !context.job.released { throw try refusal(for: late) }
        let older = try isLate ? [byDrops(late), late.sentenceOfItsFile].compactMap { $0 } : []
        let sentences = older + [again.sentence].compactMap { $0 }
        guard !sentences.isEmpty else { return nil }
        var hints: [String] = []
        if !older.isEmpty { hints.append("Nothing is to be done if the newer state is the right one.") }
        if again.count > 0 {
            hints.append(
                "Where each record is a thing of its own, let source \(context.job.source) make its ids of more columns.")
        }
        return DropReason(
            code: .superseded, message: sentences.joined(separator: " "), hint: hints.joined(separator: " "))
    }

    private func refusal(for late: LateOutcome) throws(DropError) -> DropError {
        let name = try late.undecidedBy.flatMap { (number) throws(DropError) in try described(number) } ?? "A newer drop"
        guard context.job.policy.mode == .snapshot else {
            return DropError(
                .lateUndecided,
                "\(name), which comes after this drop, was applied before. Of "
                    + "\(DropBooks.counted(late.undecided.count, "record")) it cannot be told whether it said otherwise (the first "
                    + "is record \(late.undecided.min() ?? 0)).",
                hint: "Released, the drop applies only what no newer drop spoke of; discard it to leave everything as it is.",
                remedy: .hold)
        }
        return DropError(
            .lateUndecided,
            "\(name), a newer list of \(context.job.source), was applied before, and has refused records of its own: what this drop "
                + "says may be out of date.",
            hint:
                "Correct the refused records of that drop, then discard this one. Released, it adds only twins that do not exist.",
            remedy: .hold)
    }

    /// Of several, the drop whose statement stands most often is named.
    private func byDrops(_ late: LateOutcome) throws(DropError) -> String? {
        let count = late.overruledCount
        guard count > 0 else { return nil }
        var names: [(name: String, count: Int)] = []
        for (drop, count) in late.overrulers {
            if let name = try drop == 0 ? nil : described(drop) { names.append((name, count)) }
        }
        let left = "\(count) of its operations \(count == 1 ? "was" : "were") not applied:"
        guard let first = names.first else { return "\(left) what others changed since is newer." }
        let rest = names.count - 1 + (names.reduce(0) { $0 + $1.count } < count ? 1 : 0)
        guard rest > 0 else { return "\(left) \(first.name) is newer and was applied before." }
        return "\(left) \(first.name) and \(DropBooks.counted(rest, "other")) are newer and were applied before."
    }

    /// A drop for a sentence; nil for a call of the twin service.
    private func described(_ number: UInt64) throws(DropError) -> String? {
        try context.reading { (database) throws(DropError) in try HistoryLookups(database).described(drop: number) }
    }
}
