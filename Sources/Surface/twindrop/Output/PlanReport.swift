import CodecKit
import DropCore
import HomeReports
import TwinModel
import TwinStore

extension DryRun.Plan {
    /// For people: a line per change, its values below it, then the books; both are complete, and say what would be.
    func print(limit: Int) {
        if let repeats {
            Terminal.print(
                "It would be a duplicate: the same bytes as drop \(repeats.id) (\(repeats.fileName)); nothing would be applied. "
                    + "[duplicate]")
            return Terminal.print("Nothing was changed.")
        }
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
        if let hold {
            Terminal.print("It would be held: \(hold.message) [\(hold.code)]")
            if let untold {
                Terminal.print("What its release would change cannot be told: \(untold.message)")
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
            (PlannedChange.Cause.absence, "to delete because the complete file does not list them"),
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
        if !change.waitsFor.isEmpty { return "would keep waiting" }
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
        case .absence: " (the file does not list it)"
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
