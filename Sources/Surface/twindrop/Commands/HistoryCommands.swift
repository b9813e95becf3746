import ArgumentParser
import CodecKit
import HomeConfiguration
import DropCore
import HomeReports
import TwinModel
import TwinStore

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Says which file, which record and which plugin set a property, and what it was before.",
        discussion: """
            Of a relationship (TWIN/RELATIONSHIP) it also says who made it and gave it its target. Of what was deleted it says what
            it was last, and who deleted it.

            Examples:
              twindrop explain asset-FL-1001 /status
              twindrop explain asset-FL-1001.status
              twindrop explain asset-FL-1001
            """)

    @OptionGroup var home: HomeOptions
    @Argument(
        help: ArgumentHelp(
            "The twin's id, TWIN/RELATIONSHIP by their ids, or ID.PROPERTY (split after the longest id there is or was).",
            valueName: "id"))
    var id: String
    @Argument(
        help: ArgumentHelp("The property, by its name or a JSON Pointer; without one, every property.", valueName: "json-pointer")
    )
    var pointer: String?

    mutating func run() throws {
        let store = try home.open().openGraph()
        guard let subject = try reporting({ [id] () throws(DropError) in try GraphSubject(id, in: store) }) else {
            try GraphSubject.refuseWaiting(id, in: store)
            try GraphSubject.refuseSlash(id, in: store)
            throw CommandFailure(
                .negative, "There is no twin \(Escaping.visible(id)), and never was one.",
                "A property is TWIN.PROPERTY, a relationship TWIN/RELATIONSHIP; `twindrop query 'SELECT * FROM DIGITALTWINS'` lists "
                    + "twins.")
        }
        if pointer != nil, subject.pointer != nil {
            throw CommandFailure(.negative, "There is no twin \(Escaping.visible(id)).", "Name one property, not two.")
        }
        let wanted = pointer.map(GraphSubject.pointer) ?? subject.pointer
        let found = try reporting { () throws(DropError) in try subject.explain(wanted, in: store) }
        guard !found.isEmpty else {
            let named = pointer ?? wanted.map(GraphSubject.shown)
            let what = named.map { "has no property \(Escaping.visible($0))" } ?? "has no properties"
            throw CommandFailure(
                .negative, "\(Escaping.visible(subject.name)) \(what).",
                "`twindrop history \(Escaping.visible(subject.name))` shows what it had when.")
        }
        for one in found { if home.json { Terminal.print(Self.json(subject, one)) } else { Self.print(one) } }
        if !home.json, let end = found[0].deletedBy { Terminal.print("DELETED by \(Self.words(end))") }
    }

    private static func print(_ one: Explanation) {
        Terminal.print("\(GraphSubject.shown(one.pointer)) \(one.deletedBy == nil ? "=" : "was") \(one.value.text())")
        Terminal.print("  set by   \(Self.words(one.setBy))")
        if let before = one.before {
            Terminal.print("  before   \(before.text())\(one.beforeSetBy.map { ", set by " + Self.words($0) } ?? "")")
        }
    }

    static func words(_ provenance: Provenance) -> String {
        let moment = " at \(Times.shown(provenance.time)), commit #\(provenance.sequence)"
        switch provenance.origin {
        case .record(let origin):
            let place =
                if origin.record == 0 {
                    "\(origin.fileName), which no longer lists it"
                } else if let corrected = origin.corrects {
                    "record \(origin.record) of \(corrected), corrected by \(origin.fileName)"
                } else {
                    "record \(origin.record) of \(origin.fileName)"
                }
            let plugin = origin.plugin.map { ", plugin \($0)" } ?? ""
            return "\(place) (source \(origin.source), drop \(origin.drop)\(plugin))" + moment
        case .call(let origin):
            return "the caller \(Escaping.visible(origin.caller.name)) (\(origin.what))" + moment
        }
    }

    private static func json(_ subject: GraphSubject, _ one: Explanation) -> JSON {
        var members: [JSON.Member] = [.init("twin", .string(subject.twin))]
        if let relationship = subject.relationship { members.append(.init("relationship", .string(relationship))) }
        members += [.init("pointer", .string(one.pointer)), .init("value", one.value), .init("setBy", json(one.setBy))]
        if let before = one.before { members.append(.init("before", before)) }
        if let origin = one.beforeSetBy { members.append(.init("beforeSetBy", json(origin))) }
        if let end = one.deletedBy { members.append(.init("deletedBy", json(end))) }
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
            if let corrected = origin.corrects { members.append(.init("corrects", .string(corrected.description))) }
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
        commandName: "history",
        abstract: "Shows the life of a twin or relationship, the newest change first; also of deleted ones.",
        discussion: """
            Of a relationship, TWIN/RELATIONSHIP, it also shows how its target changed.

            Example:
              twindrop history asset-FL-1001 --limit 5
            """)

    @OptionGroup var home: HomeOptions
    @Argument(help: "The twin's id ($dtId), or TWIN/RELATIONSHIP by their ids.") var id: String
    @Option(help: "At most so many changes.") var limit = 100

    mutating func validate() throws { try LimitCheck.check(limit) }

    mutating func run() throws {
        let store = try home.open().openGraph()
        let steps = try reporting { [id, limit] () throws(DropError) in
            let subject = try GraphSubject(id, in: store)
            guard let subject, subject.pointer == nil else { return [HistoryStep]() }
            return try subject.history(limit: limit + 1, in: store)
        }
        guard !steps.isEmpty else {
            try GraphSubject.refuseWaiting(id, in: store)
            try GraphSubject.refuseSlash(id, in: store)
            throw CommandFailure(
                .negative, "There never was a twin \(Escaping.visible(id)).",
                "A relationship is TWIN/RELATIONSHIP, by their ids; of one property, `twindrop explain TWIN.PROPERTY` tells.")
        }
        for step in steps.prefix(limit) { if home.json { Terminal.print(Self.json(step)) } else { Self.print(step) } }
        if steps.count > limit { Terminal.error("twindrop: there are older changes; --limit shows more.") }
    }

    private static func print(_ step: HistoryStep) {
        Terminal.print("\(step.kind.rawValue) by \(ExplainCommand.words(step.provenance))")
        for change in step.changes {
            Terminal.print(
                "  \(GraphSubject.shown(change.pointer)): \(change.before?.text() ?? "-") → \(change.after?.text() ?? "-")")
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

/// The twin or relationship that a text names: one that is there, or was.
struct GraphSubject {
    let twin: String
    /// The relationship's id; nil where the twin itself is meant.
    let relationship: String?
    /// The property that was named behind a dot.
    let pointer: String?

    var name: String { relationship.map { "\(twin)/\($0)" } ?? twin }

    /// The JSON Pointer to a property that is given as one, or by its name: `status`, `size.width`.
    static func pointer(_ text: String) -> String {
        guard !text.isEmpty, !text.hasPrefix("/") else { return text }
        return "/" + text.split(separator: ".").joined(separator: "/")
    }

    /// How people are shown a JSON Pointer: as it can be typed behind the twin, `.status`, `.size.width`; a name that has a
    /// dot, an escaped sign or a `$` of its own as the pointer it is.
    static func shown(_ pointer: String) -> String {
        pointer.hasPrefix("/") && !pointer.contains("//") && !pointer.contains(where: ".~$".contains)
            ? pointer.replacing("/", with: ".") : pointer
    }

    /// Nil where nothing fits. The longest id of a twin wins; then a relationship goes before a property.
    init?(_ text: String, in store: TwinStore) throws(DropError) {
        func cuts(_ mark: Character) -> [String.Index] { text.indices.filter { text[$0] == mark }.reversed() }
        let slashes = cuts("/")
        let dots = cuts(".")
        let known = try store.history.known([text] + (slashes + dots).map { String(text[..<$0]) })
        if known.contains(text) {
            self.init(twin: text, relationship: nil, pointer: nil)
            return
        }
        for slash in slashes {
            let (twin, rest) = (String(text[..<slash]), String(text[text.index(after: slash)...]))
            if known.contains(twin), try !store.history.history(ofRelationship: rest, of: twin, limit: 1).isEmpty {
                self.init(twin: twin, relationship: rest, pointer: nil)
                return
            }
        }
        for dot in dots where known.contains(String(text[..<dot])) {
            let path = String(text[text.index(after: dot)...])
            self.init(twin: String(text[..<dot]), relationship: nil, pointer: Self.pointer(path))
            return
        }
        return nil
    }

    /// Says of a text that names a relationship that waits, and so is not there yet, where more is told of it.
    static func refuseWaiting(_ text: String, in store: TwinStore) throws(CommandFailure) {
        let slashes = text.indices.filter { text[$0] == "/" }
        let waits = try reporting { () throws(DropError) in
            for slash in slashes
            where try store.waiting.waits(String(text[text.index(after: slash)...]), of: String(text[..<slash])) { return true }
            return false
        }
        guard waits else { return }
        throw CommandFailure(
            .negative, "The relationship \(Escaping.visible(text)) is not there yet: it waits.",
            "`twindrop waiting` says for which twin, and until when.")
    }

    /// Says of a text that names a property behind a slash, where only relationships are, how it is written.
    static func refuseSlash(_ text: String, in store: TwinStore) throws(CommandFailure) {
        let slashes = text.indices.filter { text[$0] == "/" }.reversed()
        let known = try reporting { () throws(DropError) in try store.history.known(slashes.map { String(text[..<$0]) }) }
        guard let slash = slashes.first(where: { known.contains(String(text[..<$0])) }) else { return }
        let twin = String(text[..<slash])
        let path = text[text.index(after: slash)...].replacing("/", with: ".")
        let property = Escaping.visible("\(twin).\(path)")
        throw CommandFailure(
            .negative,
            "There is no twin \(Escaping.visible(text)), and the twin \(Escaping.visible(twin)) has no relationship of that id.",
            "A property is TWIN.PROPERTY: `twindrop explain \(property)`. TWIN/RELATIONSHIP is a relationship, by its id.")
    }

    private init(twin: String, relationship: String?, pointer: String?) {
        (self.twin, self.relationship, self.pointer) = (twin, relationship, pointer)
    }

    func explain(_ pointer: String?, in store: TwinStore) throws(DropError) -> [Explanation] {
        guard let relationship else { return try store.history.explain(twin, pointer) }
        return try store.history.explain(relationship: relationship, of: twin, pointer)
    }

    func history(limit: Int, in store: TwinStore) throws(DropError) -> [HistoryStep] {
        guard let relationship else { return try store.history.history(twin, limit: limit) }
        return try store.history.history(ofRelationship: relationship, of: twin, limit: limit)
    }
}
