import ArgumentParser
import CodecKit
import HomeConfiguration
import DropCore
import HomeReports
import TwinModel
import TwinStore

/// `--as-of`, for commands that can look at any past state.
struct MomentOptions: ParsableArguments {
    @Option(
        name: .customLong("as-of"),
        help: ArgumentHelp(
            "The state at this time (UTC, such as 2026-11-21T08:30, or with an offset: 2026-11-21T09:30+01:00) or after this commit (#42).",
            valueName: "time"))
    var asOf: String?

    /// What is meant; only a moment that has been.
    func moment(in store: TwinStore) throws(CommandFailure) -> Moment {
        guard let asOf else { return .now }
        let newest = store.history.newestCommit
        if asOf.hasPrefix("#") {
            let digits = asOf.dropFirst()
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                throw CommandFailure(.usage, "\(Escaping.visible(asOf)) is no number of a commit.", "Write #42.")
            }
            guard let sequence = UInt64(digits), sequence <= newest.sequence else {
                throw CommandFailure(
                    .usage, "There is no commit \(asOf).",
                    newest.sequence == 0 ? "Nothing was committed yet." : "The newest is #\(newest.sequence).")
            }
            return .sequence(sequence)
        }
        guard let time = Times.read(asOf) else { throw Self.noTime(asOf, "or #42 for a commit") }
        guard time.first <= max(newest.time, WallClock.milliseconds()) else {
            throw CommandFailure(
                .usage, "\(Escaping.visible(asOf)) has not come yet.",
                "It is \(Times.shown(WallClock.milliseconds())); leave --as-of away to see what is now.")
        }
        return .time(time.first)
    }

    static func noTime(_ text: String, _ more: String) -> CommandFailure {
        CommandFailure(
            .usage, "\(Escaping.visible(text)) is no time.",
            "Write a whole date, with a time and an offset where you want: 2026-11-21, 2026-11-21T08:30, "
                + "2026-11-21T09:30:00.250+01:00, \(more). Without an offset it is UTC, with --local the machine's time.")
    }
}

/// `--limit`, for commands that print a list.
struct LimitCheck {
    static func check(_ limit: Int) throws {
        if limit < 1 { throw ValidationError("--limit asks for \(limit); it is a number from 1.") }
    }
}

struct TwinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "twin", abstract: "Shows a twin and its relationships, now or at any earlier moment.",
        discussion: """
            Examples:
              twindrop twin asset-FL-1001
              twindrop twin asset-FL-1001 --as-of '#2'
              twindrop twin --all --json
            """)

    @OptionGroup var home: HomeOptions
    @OptionGroup var moment: MomentOptions
    @Argument(help: "The twin's id ($dtId).") var id: String?
    @Flag(help: "Every twin, one JSON object a line.") var all = false

    mutating func validate() throws {
        if (id == nil) != all { throw ValidationError("Name one twin, or use --all.") }
    }

    mutating func run() throws {
        let store = try home.open().openGraph(forManyTwins: all)
        let when = try moment.moment(in: store)
        if let id {
            guard let twin = try Self.twin(id, when, store) else {
                if when == .now { try GraphSubject.refuseWaiting(id, in: store) }
                let sentence =
                    when == .now ? "There is no twin \(Escaping.visible(id))." : "There was no twin \(Escaping.visible(id)) then."
                throw CommandFailure(
                    .negative, sentence, "`twindrop history \(Escaping.visible(id))` shows whether there ever was one.")
            }
            Terminal.print(twin, home.json ? .compact : .pretty)
        } else {
            var ids: [String] = []
            try reporting { () throws(DropError) in
                try store.history.forEachTwin(asOf: when) { if let id = $0["$dtId"]?.string { ids.append(id) } }
            }
            for id in ids.sorted(by: { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }) {
                if let twin = try Self.twin(id, when, store) { Terminal.print(twin) }
            }
        }
    }

    /// The twin with its relationships as `$relationships`, where it has any.
    private static func twin(_ id: String, _ when: Moment, _ store: TwinStore) throws(CommandFailure) -> JSON? {
        try reporting { () throws(DropError) in
            guard case .object(var members)? = try store.history.twin(id, asOf: when) else { return nil }
            let relationships = try store.history.relationships(of: id, asOf: when)
            if !relationships.isEmpty { members.append(.init("$relationships", .array(relationships))) }
            return .object(members)
        }
    }
}
