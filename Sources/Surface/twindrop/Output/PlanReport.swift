import CodecKit
import DropCore
import HomeReports
import TwinModel
import TwinStore

/// A held drop whose release is planned.
struct Held {
    let record: DropRecord
    let next: NextSteps

    /// Nil for a drop that is not held.
    init?(_ record: DropRecord, _ next: NextSteps) {
        guard record.state == .held else { return nil }
        (self.record, self.next) = (record, next)
    }

    /// - Parameter now: its books by the graph and the settings as they are.
    func lines(now: DropBooks, isUntold untold: DropError?) -> [String] {
        var lines = record.reason.map { ["It is held: \($0.message) [\($0.code)]"] } ?? []
        let release = next.steps.first { $0.command.hasPrefix("twindrop release ") }
        if let untold {
            lines.append("What its release would change cannot be told: \(untold.message)")
        } else if let release {
            lines.append("What is listed is what `\(release.command)` would do: \(release.meaning).")
        } else {
            lines.append(
                "What is listed is what its bytes would change; `next` in `twindrop show \(record.id)` says what can be done.")
        }
        let known = record.books.map { ($0.created, $0.updated, $0.deleted, $0.recordsRejected) }
        if let known, known != (now.created, now.updated, now.deleted, now.recordsRejected) {
            lines.append(
                "When it was held it would have done otherwise: the graph, the mapping, the plugin or a setting has changed since."
            )
        }
        return lines
    }
}

extension DryRun.Plan {
    /// For people: a line per change, its values below it, then the books; both are complete, and say what would be.
    ///
    /// - Parameter held: the drop that is planned, where it is held now, and what its release needs.
    func print(limit: Int, held: Held? = nil) {
        if let repeats {
            Terminal.print(
                "It would be a duplicate: the same bytes as drop \(repeats.id) (\(repeats.fileName)); nothing would be applied. "
                    + "[duplicate]")
            return Terminal.print("Nothing was changed.")
        }
        // What goes comes first: it is what most drops are held for.
        let changes = changes.filter { $0.outcome == .deleted } + changes.filter { $0.outcome != .deleted }
        for change in changes.prefix(limit) {
            Terminal.print("\(verb(change)) \(change.kind.rawValue) \(Escaping.visible(change.id))\(arrow(change))\(why(change))")
            for line in differences(change) { Terminal.print("  \(line)") }
        }
        if changes.count > limit { Terminal.print("… and \(changes.count - limit) more (--limit).") }
        for rejection in rejections.prefix(limit) {
            let line = lines[rejection.offset].map { "line \($0), " } ?? ""
            Terminal.print(
                "would refuse record \(rejection.record) (\(line)byte \(rejection.offset)): \(rejection.message) [\(rejection.code)]"
            )
        }
        if rejections.count > limit { Terminal.print("… and \(rejections.count - limit) more refused records (--limit).") }
        for line in sums { Terminal.print(line) }
        if let reason { Terminal.print("why         \(reason.message) [\(reason.code)]") }
        if let held {
            for line in held.lines(now: books, isUntold: untold) { Terminal.print(line) }
        } else if let hold {
            Terminal.print("It would be held: \(hold.message) [\(hold.code)]")
            if let untold {
                Terminal.print("What its release would change cannot be told: \(untold.message)")
                if isOfCorrections || hold.code == .amendedHeld {
                    Terminal.print(
                        "The whole corrected file can be planned, and run in the place of that drop: `twindrop retry DROP --with FILE`."
                    )
                }
            } else {
                Terminal.print("What is listed is what its release would do.")
            }
        }
        for line in place?.lines ?? [] { Terminal.print(line) }
        Terminal.print("Nothing was changed.")
    }

    /// Both books, each closed.
    private var sums: [String] {
        let records =
            "records     \(books.recordsRead) read = \(books.recordsUsed) used + \(books.recordsFiltered) filtered + "
            + "\(books.recordsRejected) refused"
        var parts = [
            "\(books.created) to create", "\(books.updated) to update", "\(books.unchanged) unchanged",
            "\(books.deleted) to delete",
        ]
        if books.rejected > 0 { parts.append("\(books.rejected) refused") }
        if books.superseded > 0 { parts.append("\(books.superseded) superseded") }
        if books.waiting > 0 { parts.append("\(books.waiting) to wait for a twin") }
        var lines = [records, "operations  \(books.operations) = " + parts.joined(separator: " + ")]
        for (cause, text) in [
            (PlannedChange.Cause.absence, "to delete because the snapshot no longer lists them"),
            (.end, "relationships to delete with a twin at one of their ends"), (.stub, "stubs to create for missing ends"),
        ] {
            let count = changes.count { $0.cause == cause }
            if count > 0 { lines.append("and also    \(count) \(text)") }
        }
        if !books.skipped.isEmpty { lines.append("skipped     \(books.skipped.sentence)") }
        if let withheld = books.withheld { lines.append("withheld    \(withheld)") }
        return lines
    }

    private func verb(_ change: PlannedChange) -> String {
        if !change.waitsFor.isEmpty { return "would leave waiting" }
        return switch change.outcome {
        case .created: "would create"
        case .updated: "would update"
        case .deleted: "would delete"
        case .unchanged, .rejected, .superseded: "would leave"
        }
    }

    private func arrow(_ change: PlannedChange) -> String { change.target.map { " → \(Escaping.visible($0))" } ?? "" }

    private func why(_ change: PlannedChange) -> String {
        if !change.waitsFor.isEmpty {
            return ": there is no \(change.waitsFor.map { Escaping.visible($0) }.joined(separator: " and no "))"
        }
        return switch change.cause {
        case .record: ""
        case .absence: " (the snapshot no longer lists it)"
        case .end: " (with its twin)"
        case .stub: " (a stub for a relationship)"
        }
    }

    var json: JSON {
        var members: [JSON.Member] = [
            .init("books", DropReport.json(books)), .init("held", hold.map { .string($0.message) } ?? .null),
            .init("heldCode", hold.map { .string($0.code.text) } ?? .null),
            .init("duplicateOf", repeats.map { .string($0.id.description) } ?? .null),
            .init("changes", .array(changes.map(Self.json))),
            .init(
                "rejections",
                .array(
                    rejections.map { rejection in
                        let facts: JSON = [
                            "record": .int(Int64(clamping: rejection.record)),
                            "offset": .int(Int64(clamping: rejection.offset)), "code": .string(rejection.code),
                            "message": .string(rejection.message),
                        ]
                        return facts.adding("line", lines[rejection.offset].map { .int(Int64($0)) })
                    })),
        ]
        if let reason { members.append(.init("reason", DropReport.json(reason))) }
        if let place { members.append(.init("place", place.json)) }
        if let untold { members.append(.init("untold", .string(untold.message))) }
        return .object(members)
    }

    private static func json(_ change: PlannedChange) -> JSON {
        var members: [JSON.Member] = [.init("kind", .string(change.kind.rawValue)), .init("id", .string(change.id))]
        if let target = change.target { members.append(.init("target", .string(target))) }
        members.append(.init("outcome", .string(change.waitsFor.isEmpty ? change.outcome.rawValue : "waiting")))
        members.append(.init("cause", .string(change.cause.rawValue)))
        if !change.waitsFor.isEmpty { members.append(.init("waitsFor", .array(change.waitsFor.map { .string($0) }))) }
        members += [.init("before", change.before ?? .null), .init("after", change.after ?? .null)]
        return .object(members)
    }

    private func differences(_ change: PlannedChange) -> [String] {
        let hidden: Set<String> = ["$model", "$relationshipName"]
        let before = change.before?.members ?? []
        let after = change.after?.members ?? []
        var lines: [String] = []
        for member in after {
            let old = before.first { $0.name == member.name }?.value
            // What a twin is made with stands above; what becomes another is a change.
            if old == nil, hidden.contains(member.name) { continue }
            if old != member.value { lines.append("\(member.name): \(old?.text() ?? "-") → \(member.value.text())") }
        }
        for member in before where !hidden.contains(member.name) && !after.contains(where: { $0.name == member.name }) {
            lines.append("\(member.name): \(member.value.text()) → -")
        }
        return lines
    }
}
