package import DropCore
package import TwinModel

/// A drop as the command line shows it.
package enum DropReport {
    /// The facts of one drop; docs/schemas/drop.schema.json.
    ///
    /// - Parameters:
    ///   - acts: what people did to it; nil where that is not told.
    ///   - log: with what the plugin logged.
    package static func json(_ record: DropRecord, acts: [Act]? = nil, log: Bool = false) -> JSON {
        var members: [JSON.Member] = [
            .init("drop", .string(record.id.description)), .init("source", .string(record.source.text)),
            .init("file", .string(record.fileName.description)), .init("state", .string(record.state.rawValue)),
            .init("bytes", .int(Int64(record.bytes))),
        ]
        func add(_ name: String, _ value: JSON?) { if let value { members.append(.init(name, value)) } }
        add("outcome", record.outcome.map { .string($0.rawValue) })
        add("sha256", record.digest.map { .string($0.description) })
        add("claimedAt", .string(Times.text(record.claimedAt)))
        add("changedAt", .string(Times.text(record.changedAt)))
        add("reason", record.reason.map(json))
        add("link", record.link.map { ["kind": .string($0.kind.rawValue), "drop": .string($0.drop.description)] })
        add(
            "closedBy",
            record.closedBy.map { ["drop": .string($0.drop.description), "how": .string($0.how.rawValue)] })
        if record.released { add("released", true) }
        add("books", record.books.map(json))
        add("plugin", record.plugin.map { json($0, log: log) })
        add("acts", acts.map { .array($0.map(json)) })
        add("container", record.container.map { .string($0) })
        add("member", record.member.map { .string($0) })
        return .object(members)
    }

    package static func json(_ reason: DropReason) -> JSON {
        ["code": .string(reason.code.text), "message": .string(reason.message), "hint": .string(reason.hint)]
    }

    package static func json(_ books: DropBooks) -> JSON {
        let facts: JSON = [
            "records": [
                "read": .int(Int64(books.recordsRead)), "used": .int(Int64(books.recordsUsed)),
                "filtered": .int(Int64(books.recordsFiltered)), "rejected": .int(Int64(books.recordsRejected)),
            ],
            "operations": [
                "created": .int(Int64(books.created)), "updated": .int(Int64(books.updated)),
                "unchanged": .int(Int64(books.unchanged)), "deleted": .int(Int64(books.deleted)),
                "rejected": .int(Int64(books.rejected)), "superseded": .int(Int64(books.superseded)),
                "waiting": .int(Int64(books.waiting)),
            ],
            "deletedByAbsence": .int(Int64(books.deletedByAbsence)),
            "deletedWithTwins": .int(Int64(books.deletedWithTwins)),
            "bytes": ["accounted": .int(Int64(books.bytesAccounted)), "unaccounted": .int(Int64(books.bytesUnaccounted))],
            "skipped": .array(
                books.skipped.map {
                    [
                        "name": .string($0.name), "parts": .int(Int64(clamping: $0.parts)),
                        "bytes": .int(Int64(clamping: $0.bytes)),
                        "offset": .int(Int64(clamping: $0.offset)),
                    ]
                }),
        ]
        guard let withheld = withheld(books) else { return facts }
        return .object((facts.members ?? []) + [.init("withheld", withheld)])
    }

    /// What a drop did, in one sentence; nil where it was not applied.
    ///
    /// - Parameter facts: as `json` makes them.
    package static func counts(ofApplied facts: JSON) -> String? {
        guard facts["state"]?.string.flatMap(DropState.init(rawValue:))?.isApplied ?? false,
            let operations = facts["books"]?["operations"]
        else { return nil }
        let always = ["created", "updated", "unchanged", "deleted"]
        let parts = (operations.members ?? []).compactMap { part -> String? in
            let count = part.value.int ?? 0
            guard count > 0 || always.contains(part.name) else { return nil }
            return "\(count) \(part.name == "rejected" ? "refused" : part.name)"
        }
        func more(_ name: String, _ words: String) -> String {
            let count = facts["books"]?[name]?.int ?? 0
            return count > 0 ? "; \(count) \(words)" : ""
        }
        return parts.joined(separator: ", ") + more("deletedByAbsence", "deleted because the snapshot no longer lists them")
            + more("deletedWithTwins", "deleted with a twin at one of their ends")
    }

    /// What is missing from a snapshot and was not deleted; nil where there is nothing.
    package static func withheld(_ books: DropBooks) -> JSON? {
        books.withheld.map {
            [
                "twins": .int(Int64(books.withheldTwins)), "relationships": .int(Int64(books.withheldRelationships)),
                "why": .string($0),
            ]
        }
    }

    package static func json(_ plugin: TransformSummary, log: Bool) -> JSON {
        let members: [JSON.Member] = [
            .init("id", .string(plugin.pluginID)), .init("version", .string(plugin.pluginVersion)),
            .init("sha256", .string(plugin.pluginDigest.description)),
        ]
        return .object(log ? members + [.init("log", .array(plugin.log.map { .string($0) }))] : members)
    }

    package static func json(_ act: Act) -> JSON {
        var members: [JSON.Member] = [
            .init("act", .string(act.kind.rawValue)), .init("at", .string(Times.text(act.at))), .init("by", act.by.json),
            .init("reason", act.reason.map { .string($0) } ?? .null), .init("id", .string(act.id.description)),
        ]
        if let leaf = act.leaf { members.append(.init("leaf", .int(Int64(clamping: leaf)))) }
        return .object(members + act.facts)
    }

    /// All that is known of one drop: its facts, what the plugin logged, and why records were refused.
    package static func json(_ record: DropRecord, acts: [Act], next: NextSteps, in home: Home) -> JSON {
        var members = json(record, acts: acts, log: true).members ?? []
        if let log = record.plugin?.log, !log.isEmpty { members.append(.init("log", .array(log.map { .string($0) }))) }
        if let rejects = RejectsReport(of: record, in: home) { members.append(.init("rejects", rejects.json)) }
        if !next.steps.isEmpty { members.append(.init("next", next.json)) }
        return .object(members)
    }

    /// A drop that is not in the archive yet, in the form of those that are.
    package static func waiting(_ record: DropRecord) -> JSON {
        [
            "drop": .string(record.id.description), "source": .string(record.source.text),
            "file": .string(record.fileName.description), "bytes": .int(Int64(clamping: record.bytes)),
            "content": record.digest.map { .string($0.description) } ?? .null, "kind": .string(record.state.rawValue),
            "archivedAt": .null,
        ]
    }

    /// Lines of a plugin's log that a person is shown.
    private static let logLinesMax = 20

    /// For people: a line per fact.
    ///
    /// - Parameters:
    ///   - next: what a person can do about it; nil: what its reason tells.
    ///   - isCorrected: it is a corrected file that runs in the place of another drop.
    package static func print(
        _ record: DropRecord, acts: [Act] = [], next: NextSteps? = nil, isCorrected: Bool = false, in home: Home
    ) {
        func line(_ name: String, _ value: String) {
            Terminal.print(name + String(repeating: " ", count: max(1, 12 - name.count)) + value)
        }
        line("drop", record.id.description)
        line("file", "\(record.fileName), \(Sizes.exact(record.bytes)), of source \(record.source)")
        if let outcome = record.outcome { line("outcome", outcome.rawValue) }
        line(
            "state",
            "\(record.state.rawValue) since \(Times.shownWithAge(record.changedAt)); claimed \(Times.shown(record.claimedAt))")
        if let reason = record.reason {
            line("why", "\(reason.message) [\(reason.code)]")
            if record.hasOpenReason { line("", reason.hint) }
        }
        let next = next ?? NextSteps(record, needsForce: record.reason?.code == .late)
        for (index, text) in next.lines.enumerated() { line(index == 0 ? "next" : "", text) }
        if let link = record.link {
            line(link.kind.rawValue, link.drop.description + (isCorrected ? ", with a corrected file in its place" : ""))
        }
        if let closing = record.closedBy { line("closed by", "\(closing.drop) (\(closing.how.rawValue))") }
        for act in acts {
            let reason = act.reason.map { ": \($0)" } ?? "; no reason was given"
            line("act", "\(act.kind.rawValue) by \(act.by.description) at \(Times.text(act.at))\(reason)")
        }
        if let books = record.books { print(books, of: record, line) }
        if let waiting = record.books?.waiting, waiting > 0, record.state.isApplied {
            line("waiting", "\(counted(waiting, "relationship")) waited for a twin then; those that still do:")
            line("", "twindrop waiting --drop \(record.id)")
        }
        RejectsReport(of: record, in: home)?.print(of: record, line)
        if LostRejects.includes(record, in: home) {
            line("rejects", "the file of rejects is gone. It is made anew from the bytes of the drop:")
            line("", LostRejects.command(for: record))
            line(
                "", "Correct the rows there, keep the name, and hand the file over: twindrop drop FILE --source \(record.source)")
        }
        if let plugin = record.plugin {
            line("plugin", "\(plugin.pluginID) \(plugin.pluginVersion), SHA-256 \(plugin.pluginDigest.description.prefix(16))…")
        }
        if let log = record.plugin?.log {
            for (index, text) in log.prefix(logLinesMax).enumerated() { line(index == 0 ? "log" : "", text) }
            if log.count > logLinesMax { line("", "… and \(log.count - logLinesMax) more lines; --json has all") }
        }
        if let digest = record.digest { line("sha256", digest.description) }
        if let container = record.container { line("archived", "archive/\(container), member \(record.member ?? "-")") }
    }

    /// Of a drop that is not applied its books say what it would do, or would have done.
    private static func print(_ books: DropBooks, of record: DropRecord, _ line: (String, String) -> Void) {
        let state = record.state
        line(
            "records",
            "\(books.recordsRead) read = \(books.recordsUsed) used + \(books.recordsFiltered) filtered + \(books.recordsRejected) refused"
        )
        let isDone = state.isApplied
        var parts =
            isDone
            ? [
                "\(books.created) created", "\(books.updated) updated", "\(books.unchanged) unchanged",
                "\(books.deleted) deleted",
            ]
            : [
                "\(books.created) to create", "\(books.updated) to update", "\(books.unchanged) unchanged",
                "\(books.deleted) to delete",
            ]
        if books.rejected > 0 { parts.append("\(books.rejected) refused") }
        if books.superseded > 0 { parts.append("\(books.superseded) superseded") }
        if books.waiting > 0 { parts.append("\(books.waiting) \(isDone ? "waiting" : "to wait") for a twin") }
        line("operations", "\(books.operations) = " + parts.joined(separator: " + "))
        if books.deletedByAbsence > 0 {
            line("", "\(books.deletedByAbsence) \(isDone ? "deleted" : "to delete") because the snapshot no longer lists them")
        }
        if books.deletedWithTwins > 0 {
            let count = DropBooks.counted(books.deletedWithTwins, "relationship")
            line("", isDone ? "\(count) went with a deleted twin" : "\(count) to go with a deleted twin")
        }
        if !isDone { line("", state == .held ? "None of it is done: it waits for a person." : "None of it was done.") }
        // What is skipped of the file that a correction completes is none of its own rows.
        if !books.skipped.isEmpty, record.link?.kind != .amends { line("skipped", books.skipped.sentence) }
        if let withheld = books.withheld { line("withheld", withheld) }
        if books.bytesUnaccounted > 0 { line("bytes", "\(books.bytesUnaccounted) belong to no record, header or remainder") }
    }

    private static func changes(_ books: DropBooks) -> String {
        books.waiting == 0 ? String(books.changes) : "\(books.changes), \(books.waiting) wait"
    }

    /// A short line per drop.
    package static func table(_ records: [DropRecord]) {
        var table = Table("DROP", "STATE", "OUTCOME", "SOURCE", "CLAIMED", "CHANGES", "FILE")
        for record in records {
            table.add(
                record.id.description, record.state.rawValue, record.outcome?.rawValue ?? "-", record.source.text,
                Times.shown(record.claimedAt), record.books.flatMap { record.state.isApplied ? changes($0) : nil } ?? "-",
                record.fileName.description)
        }
        table.print(whenEmpty: "No drops.")
    }
}
