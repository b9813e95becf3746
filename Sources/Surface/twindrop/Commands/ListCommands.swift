import ArgumentParser
import CodecKit
import Daemon
import HomeConfiguration
import DropCore
import HomeReports
import ThreadKit
import TwinModel
import TwinStore

struct DropsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drops", abstract: "Lists drops, the newest first.",
        discussion: """
            A state says where a drop is, an outcome what it did.

            Examples:
              twindrop drops --source assets --state quarantined,held
              twindrop drops --outcome applied-with-rejects
              twindrop drops --open-rejects
            """)

    @OptionGroup var home: HomeOptions
    @Option(help: "Only drops of this source.", completion: Completions.source) var source: String?
    @Option(help: "Only drops in these states, separated by commas.", completion: Completions.state) var state: String?
    @Option(help: "Only drops with these outcomes, separated by commas.", completion: .list(DropOutcome.allCases.map(\.rawValue)))
    var outcome: String?
    @Flag(help: "Only drops with refused records that nobody has corrected.") var openRejects = false
    @Option(help: "At most so many.") var limit = 50

    mutating func validate() throws { try LimitCheck.check(limit) }

    mutating func run() throws {
        let opened = try home.open()
        let store = try opened.openGraph(withModels: false)
        let source = try self.source.map { name throws(CommandFailure) in try Self.source(name, opened, store) }
        let states: Set<DropState>? = try state.map { text throws(CommandFailure) in try Self.words(text, "state") }
        let outcomes: Set<DropOutcome>? = try outcome.map { text throws(CommandFailure) in try Self.words(text, "outcome") }
        let records = try reporting { [limit, openRejects] () throws(DropError) in
            try store.register.page(
                source: source, states: states, outcomes: outcomes, openRejects: openRejects, before: nil, limit: limit)
        }
        .map { $0.judged(in: opened) }.filter { states?.contains($0.state) ?? true }
        let waiting = try opened.waitingDrops(among: records, store)
        if home.json {
            for record in records { Terminal.print(DropReport.json(record).adding("waiting", waiting[record.id]?.json)) }
            return
        }
        DropReport.table(records)
        for record in records {
            guard let reason = waiting[record.id] else { continue }
            Terminal.print("\(record.id) waits [\(reason.code.rawValue)]: \(reason.message) \(reason.hint)")
        }
    }

    /// A source that is configured, or was when it had drops.
    static func source(_ text: String, _ home: Home, _ store: TwinStore) throws(CommandFailure) -> SourceName {
        if let name = SourceName(text) {
            let earlier = try reporting { () throws(DropError) in
                try store.register.page(source: name, states: nil, before: nil, limit: 1)
            }
            if !earlier.isEmpty { return name }
        }
        return try home.source(text).name
    }

    /// Words of a closed list, separated by commas.
    private static func words<Word: RawRepresentable & CaseIterable & Hashable>(
        _ text: String, _ kind: String
    ) throws(CommandFailure) -> Set<Word> where Word.RawValue == String {
        var words: Set<Word> = []
        for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let word = Word(rawValue: String(piece)) else {
                throw CommandFailure(
                    .usage, "\(Escaping.visible(String(piece))) is no \(kind) of a drop.",
                    "\(kind.prefix(1).uppercased() + kind.dropFirst())s: "
                        + Word.allCases.map(\.rawValue).joined(separator: ", "))
            }
            words.insert(word)
        }
        return words
    }
}

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows all that is known about a drop.",
        discussion: """
            What became of it and why, its books, the first records that were refused and where all of them are, and what the
            plugin logged. With --diff: what its bytes would change in the graph as it is now; for a held drop, what its release
            would do.

            Examples:
              twindrop show assets.csv
              twindrop show assets.csv --diff
            """)

    @OptionGroup var home: HomeOptions
    @Argument(help: "A ULID, the start of one, or a file name.", completion: Completions.drop) var drop: String
    @Flag(help: "Also what it would change now, as `twindrop plan --drop DROP` says it.") var diff = false
    @Option(help: "With --diff: print at most so many changes.") var limit = 50

    mutating func validate() throws { try LimitCheck.check(limit) }

    mutating func run() throws {
        let opened = try home.open()
        if diff { Signals.takeOver() }
        let store = try opened.openGraph(withModels: false)
        let record = try opened.drop(drop, in: store).judged(in: opened)
        let acts = try reporting { () throws(DropError) in try store.lists.acts(on: record.id) }
        let waiting = try opened.waitingDrops(among: [record], store)[record.id]
        let next = try reporting { () throws(DropError) in try NextSteps(record, in: opened, store) }
        let plan = diff ? try DryRun(opened, source: try opened.source(record.source.text)).run(record) : nil
        if home.json {
            let facts = DropReport.json(record, acts: acts, next: next, in: opened).adding("waiting", waiting?.json)
            Terminal.print(plan.map { .object((facts.members ?? []) + [.init("plan", $0.json)]) } ?? facts)
        } else {
            let isCorrected = try reporting { () throws(DropError) in try Self.isCorrectedFile(record, store) }
            DropReport.print(record, acts: acts, next: next, isCorrected: isCorrected, in: opened)
            if let waiting {
                Terminal.print("waits       \(waiting.message) [\(waiting.code.rawValue)]")
                Terminal.print("            \(waiting.hint)")
            }
            if let plan {
                Terminal.print("")
                plan.print(limit: limit, held: Held(record, next))
            }
        }
    }
}

extension ShowCommand {
    /// Whether the act that made the drop put a corrected file in the place of another.
    private static func isCorrectedFile(_ record: DropRecord, _ store: TwinStore) throws(DropError) -> Bool {
        guard let link = record.link, link.kind == .retries else { return false }
        return try store.lists.acts(on: link.drop).contains { act in
            let facts = JSON.object(act.facts)
            return facts["as"]?.string == record.id.description && facts["corrected"] == .bool(true)
        }
    }
}

struct WaitingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waiting", abstract: "Lists relationships that wait for a twin of another file, the oldest first.",
        discussion: """
            Each with its source and drop, the twin that is missing, since when it waits, and when it is given up (dangling: wait
            of the source).

            Example:
              twindrop waiting --source assets
            """)

    @OptionGroup var home: HomeOptions
    @Option(help: "Only those of this source.", completion: Completions.source) var source: String?
    @Option(help: "Only those of this drop: a ULID, the start of one, or a file name.", completion: Completions.drop) var drop:
        String?
    @Option(help: "At most so many.") var limit = 50

    mutating func validate() throws { try LimitCheck.check(limit) }

    mutating func run() throws {
        let opened = try home.open()
        let store = try opened.openGraph(withModels: false)
        let source = try self.source.map { name throws(CommandFailure) in try DropsCommand.source(name, opened, store) }
        let drop = try self.drop.map { text throws(CommandFailure) in try opened.drop(text, in: store).id }
        let found = try reporting { [limit] () throws(DropError) in
            try store.waiting.list(source: source, drop: drop, limit: limit < .max ? limit + 1 : limit)
        }
        var table = Table("SOURCE", "DROP", "RECORD", "RELATIONSHIP", "WAITS FOR", "SINCE", "GIVEN UP", "FILE")
        for one in found.prefix(limit) {
            if home.json { Terminal.print(Self.json(one)) } else { table.add(cells: Self.cells(one)) }
        }
        if !home.json { table.print(whenEmpty: "No relationship waits.") }
        if found.count > limit { Terminal.error("twindrop: there are more; --limit shows them.") }
    }

    private static func cells(_ one: WaitingRelationship) -> [String] {
        let stated = one.relationship
        return [
            stated.source.text, stated.drop.description, String(stated.record),
            "\(Escaping.visible(stated.sourceID)) \(stated.name) \(Escaping.visible(stated.targetID))",
            one.missing.isEmpty
                ? "models that allow it" : one.missing.map { Escaping.visible($0) }.joined(separator: " and "),
            Times.distance(one.since), Times.distance(stated.expires), one.fileName.description,
        ]
    }

    private static func json(_ one: WaitingRelationship) -> JSON {
        let stated = one.relationship
        return [
            "source": .string(stated.source.text), "drop": .string(stated.drop.description),
            "file": .string(one.fileName.description), "record": .int(Int64(clamping: stated.record)),
            "twin": .string(stated.sourceID), "name": .string(stated.name), "target": .string(stated.targetID),
            "relationship": .string(stated.id), "missing": .array(one.missing.map { .string($0) }),
            "since": .string(Times.text(one.since)), "expires": .string(Times.text(stated.expires)),
        ]
    }
}

extension Home {
    /// Why those of `records` wait that do not go on.
    func waitingDrops(among records: [DropRecord], _ store: TwinStore) throws(CommandFailure) -> [DropID: WaitingReason] {
        // What is archived and has its receipt does not wait for anything.
        guard records.contains(where: { $0.container == nil || $0.state == .archived }) else { return [:] }
        var known: [DropID: WaitingReason] = [:]
        if case .answer(let told) = ControlClient.look(self, ["do": "waiting"]) {
            for one in told["drops"]?.elements ?? [] {
                guard let id = one["drop"]?.string.flatMap({ DropID($0) }), let code = one["code"]?.string,
                    let reason = WaitingReason.Code(rawValue: code)
                else { continue }
                known[id] = WaitingReason(reason, one["sentence"]?.string, hint: one["next"]?.string)
            }
        } else {
            let report = try reporting { () throws(DropError) in try WaitingReport.atRest(self, store) }
            for drop in report.drops { known[drop.record.id] = drop.reason }
        }
        return known
    }
}
