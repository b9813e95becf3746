import ArgumentParser
import HomeConfiguration
import DropCore
import TwinModel
import TwinStore

/// `--as-of`, for commands that can look at any past state.
struct MomentOptions: ParsableArguments {
    @Option(
        name: .customLong("as-of"),
        help: ArgumentHelp(
            "The state at this time (UTC, such as 2026-11-21T08:30) or after this commit (#42).", valueName: "time"))
    var asOf: String?

    func moment() throws(CommandFailure) -> Moment {
        guard let asOf else { return .now }
        if asOf.hasPrefix("#"), let sequence = UInt64(asOf.dropFirst()) { return .sequence(sequence) }
        if let time = Times.milliseconds(asOf) { return .time(time) }
        throw CommandFailure(
            .usage, "\(Escaping.visible(asOf)) is no time.",
            "Write 2026-11-21, 2026-11-21T08:30, 2026-11-21T08:30:00.250Z, or #42.")
    }
}

struct TwinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "twin", abstract: "Shows a twin and its relationships, now or at any earlier moment.",
        discussion:
            "Examples:\n  twindrop twin forklift-7\n  twindrop twin forklift-7 --as-of 2026-11-21T08:30\n  twindrop twin --all --json"
    )

    @OptionGroup var home: HomeOptions
    @OptionGroup var moment: MomentOptions
    @Argument(help: "The twin's id ($dtId).") var id: String?
    @Flag(help: "Every twin, one JSON object a line.") var all = false

    mutating func validate() throws {
        if (id == nil) != all { throw ValidationError("Name one twin, or use --all.") }
    }

    mutating func run() throws {
        let when = try moment.moment()
        let store = try home.open().openGraph(forManyTwins: all)
        if let id {
            guard let twin = try Self.twin(id, when, store) else {
                let sentence =
                    when == .now ? "There is no twin \(Escaping.visible(id))." : "There was no twin \(Escaping.visible(id)) then."
                throw CommandFailure(
                    .negative, sentence, "`twindrop history \(Escaping.visible(id))` shows whether there ever was one.")
            }
            Terminal.print(twin.text(home.json ? .compact : .pretty))
        } else {
            var ids: [String] = []
            try reporting { () throws(DropError) in
                try store.forEachTwin(asOf: when) { if let id = $0["$dtId"]?.string { ids.append(id) } }
            }
            for id in ids.sorted(by: { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }) {
                if let twin = try Self.twin(id, when, store) { Terminal.print(twin) }
            }
        }
    }

    /// The twin with its relationships as `$relationships`, where it has any.
    private static func twin(_ id: String, _ when: Moment, _ store: TwinStore) throws(CommandFailure) -> JSON? {
        try reporting { () throws(DropError) in
            guard case .object(var members)? = try store.twin(id, asOf: when) else { return nil }
            let relationships = try store.relationships(of: id, asOf: when)
            if !relationships.isEmpty { members.append(.init("$relationships", .array(relationships))) }
            return .object(members)
        }
    }
}

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Says which file, which record and which plugin set a property, and what it was before.",
        discussion:
            "Examples:\n  twindrop explain forklift-7 /batteryPercent\n  twindrop explain forklift-7.batteryPercent\n  twindrop explain forklift-7"
    )

    @OptionGroup var home: HomeOptions
    @Argument(help: "The twin's id, or ID.PROPERTY (split after the longest existing id).") var id: String
    @Argument(help: ArgumentHelp("A JSON Pointer to the property; without one, every property.", valueName: "json-pointer"))
    var pointer: String?

    mutating func run() throws {
        let store = try home.open().openGraph()
        let (id, pointer) = try reporting { [id, pointer] () throws(DropError) in try Self.split(id, pointer, store) }
        let found = try reporting { () throws(DropError) in try store.explain(id, pointer) }
        guard !found.isEmpty else {
            let twin = try reporting { () throws(DropError) in try store.twin(id) }
            let what =
                pointer.map { "\(Escaping.visible(id)) has no property \(Escaping.visible($0))" }
                ?? (twin == nil ? "There is no twin \(Escaping.visible(id))" : "\(Escaping.visible(id)) has no properties")
            throw CommandFailure(.negative, what + ".", "`twindrop twin \(Escaping.visible(id))` shows what there is.")
        }
        for one in found { if home.json { Terminal.print(Self.json(id, one)) } else { Self.print(one) } }
    }

    private static func split(_ text: String, _ pointer: String?, _ store: TwinStore) throws(DropError) -> (String, String?) {
        if pointer != nil { return (text, pointer) }
        if try store.twin(text) != nil { return (text, nil) }
        var end = text.endIndex
        while let dot = text[..<end].lastIndex(of: ".") {
            let id = String(text[..<dot])
            if try store.twin(id) != nil {
                return (id, "/" + text[text.index(after: dot)...].split(separator: ".").joined(separator: "/"))
            }
            end = dot
        }
        return (text, nil)
    }

    private static func print(_ one: Explanation) {
        Terminal.print("\(one.pointer) = \(one.value.text())")
        Terminal.print("  set by   \(Self.words(one.setBy))")
        if let before = one.before {
            Terminal.print("  before   \(before.text())\(one.beforeSetBy.map { ", set by " + Self.words($0) } ?? "")")
        }
    }

    static func words(_ provenance: Provenance) -> String {
        let moment = " at \(Times.text(provenance.time)), commit #\(provenance.sequence)"
        switch provenance.origin {
        case .record(let origin):
            let place =
                origin.record > 0
                ? "record \(origin.record) of \(origin.fileName)" : "\(origin.fileName), which no longer lists it"
            let plugin = origin.plugin.map { ", plugin \($0)" } ?? ""
            return "\(place) (source \(origin.source), drop \(origin.drop)\(plugin))" + moment
        case .call(let origin):
            return "the caller \(Escaping.visible(origin.caller.name)) (\(origin.what))" + moment
        }
    }

    private static func json(_ id: String, _ one: Explanation) -> JSON {
        var members: [JSON.Member] = [
            .init("twin", .string(id)), .init("pointer", .string(one.pointer)), .init("value", one.value),
            .init("setBy", json(one.setBy)),
        ]
        if let before = one.before { members.append(.init("before", before)) }
        if let origin = one.beforeSetBy { members.append(.init("beforeSetBy", json(origin))) }
        return .object(members)
    }

    static func json(_ provenance: Provenance) -> JSON {
        var members: [JSON.Member]
        switch provenance.origin {
        case .record(let origin):
            members = [
                .init("drop", .string(origin.drop.description)), .init("source", .string(origin.source.text)),
                .init("file", .string(origin.fileName.description)), .init("record", .int(Int64(clamping: origin.record))),
            ]
            if let plugin = origin.plugin { members.append(.init("plugin", .string(plugin))) }
        case .call(let origin):
            members = [.init("caller", .string(origin.caller.name)), .init("call", .string(origin.what))]
        }
        return .object(
            members + [
                .init("commit", .int(Int64(clamping: provenance.sequence))), .init("time", .string(Times.text(provenance.time))),
            ])
    }
}

struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Shows the life of a twin, the newest change first.",
        discussion: "Example:\n  twindrop history forklift-7 --limit 5")

    @OptionGroup var home: HomeOptions
    @Argument(help: "The twin's id ($dtId).") var id: String
    @Option(help: "At most so many changes.") var limit = 100

    mutating func run() throws {
        let store = try home.open().openGraph()
        let steps = try reporting { [id, limit] () throws(DropError) in try store.history(id, limit: limit) }
        guard !steps.isEmpty else { throw CommandFailure(.negative, "There never was a twin \(Escaping.visible(id)).") }
        for step in steps { if home.json { Terminal.print(Self.json(step)) } else { Self.print(step) } }
    }

    private static func print(_ step: HistoryStep) {
        Terminal.print("\(step.kind.rawValue) by \(ExplainCommand.words(step.provenance))")
        for change in step.changes {
            Terminal.print("  \(change.pointer): \(change.before?.text() ?? "-") → \(change.after?.text() ?? "-")")
        }
    }

    private static func json(_ step: HistoryStep) -> JSON {
        [
            "kind": .string(step.kind.rawValue), "by": ExplainCommand.json(step.provenance),
            "changes": .array(
                step.changes.map { change in
                    var members: [JSON.Member] = [.init("pointer", .string(change.pointer))]
                    if let before = change.before { members.append(.init("before", before)) }
                    if let after = change.after { members.append(.init("after", after)) }
                    return .object(members)
                }),
        ]
    }
}
