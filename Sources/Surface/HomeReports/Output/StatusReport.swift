import CodecKit
package import DropCore
import DropSpooling
import DropWatch
package import HomeConfiguration
import Pipeline
import PluginHost
package import TwinModel
package import TwinStore

/// What `status` shows: of a running daemon, or of a home at rest.
package enum StatusReport {
    /// What is said where a running daemon goes by an older `twindrop.yaml` than the one that is there.
    package static func changed(_ home: Home) -> String? {
        guard home.configuration.isOutOfDate else { return nil }
        let changes = home.configuration.changes()
        let isMistaken = !mistakes(home).isEmpty
        guard isMistaken || !changes.isEmpty else { return nil }  // Other words for the same.
        let next =
            if isMistaken {
                " and has a mistake: the daemon goes on with the configuration it started with. Correct the mistake, then reload it."
            } else if changes.contains(where: needsRestart) {
                ": restart it, then the change counts. Another archive or state folder is not taken over by a reload."
            } else {
                ": reload it (SIGHUP, `systemctl reload twindrop`), then the change counts."
            }
        return "twindrop.yaml was changed since the daemon started\(next)"
            + (changes.isEmpty ? "" : " Changed: \(changes.map { Escaping.visible($0) }.joined(separator: ", ")).")
    }

    /// Whether a key of `Configuration.changes` is one that a reload does not take over (decision 0050).
    package static func needsRestart(_ change: String) -> Bool {
        ["paths.archive", "paths.state"].contains { change == $0 || change.hasPrefix("\($0) ") }
            || ["paths (new)", "paths (gone)"].contains(change)
    }

    /// `changed`, with the first mistake in the file as it is now, for an answer that has no list of them.
    package static func changedAndMistaken(_ home: Home) -> String? {
        changed(home).map { said in mistakes(home).first.map { "\(said) The mistake: \($0)" } ?? said }
    }

    /// What is said of an answer that no daemon gave although one runs: it goes by the file as it is now.
    package static func doubt(_ home: Home) -> String? {
        home.configuration.allMistakes?.errors.first.map {
            "This goes by twindrop.yaml as it is now, which has a mistake: \($0) What the daemon started with is not known, "
                + "because it cannot be asked."
        }
    }

    /// What is said where no daemon runs, and the next one cannot serve all of the home.
    package static func cannotStart(_ home: Home) -> String? {
        guard let mistake = home.configuration.allMistakes?.errors.first else { return nil }
        let isRefused = (try? home.checkServable()) == nil
        return
            "\(isRefused ? "`twindrop run` does not start" : "`twindrop run` does not serve all sources"), because of a mistake: "
            + "\(mistake) `twindrop source check` names every mistake."
    }

    /// What is wrong with the files of the configuration as they are now, which a running daemon has not taken.
    private static func mistakes(_ home: Home) -> [String] {
        do throws(CommandFailure) {
            return try Home(home.paths.home).configuration.allMistakes?.errors.map(\.description) ?? []
        } catch { return error.lines }
    }

    package static func atRest(_ home: Home) throws(CommandFailure) -> JSON {
        let store = try home.openGraph(withModels: false)
        return try reporting { () throws(DropError) in
            let lateness = try Lateness(resting: home.configuration, store, at: WallClock.milliseconds())
            return try report(home, store, WaitingReport.atRest(home, store), lateness, daemon: .null) { _ in [] }
        }
    }

    private static func json(_ standing: Punctuality) -> JSON {
        [
            "due": .string(Times.text(standing.due)), "lateFrom": .string(Times.text(standing.lateFrom)),
            "late": .bool(standing.isLate),
        ]
    }

    /// The sources that are late, by the report of a running daemon: it alone knows what it has taken since its start.
    package static func late(_ facts: JSON) -> [String] {
        (facts["sources"]?.elements ?? []).filter { $0["expected"]?["late"] == .bool(true) }.map { source in
            let last = source["lastDelivery"]?.string.map { "the last came at \($0)" } ?? "none ever came"
            return
                "source \(source["source"]?.string ?? "") is late. A delivery was expected by "
                + "\(source["expected"]?["due"]?.string ?? ""); \(last)."
        }
    }

    /// Why a running daemon cannot tell people of what happens; empty where it can.
    package static func untold(_ facts: JSON) -> [String] {
        (facts["daemon"]?["notify"]?.elements ?? []).compactMap(untold(channel:))
    }

    private static func untold(channel: JSON) -> String? {
        guard let error = channel["error"]?.string else { return nil }
        let name = channel["channel"]?.string ?? ""
        let end = error.hasSuffix(".") ? "" : "."
        return "notify  \(name): NOT TOLD \(counted(channel["waiting"]?.int ?? 0, "notice")); tried again. \(error)\(end) "
            + "Correct notify.\(name), or what it leads to."
    }

    /// The facts of a home.
    ///
    /// - Parameter live: what a running daemon knows of a source.
    package static func report(
        _ home: Home, _ store: TwinStore, _ left: WaitingReport, _ lateness: Lateness, daemon: JSON,
        _ live: (Source) -> [JSON.Member]
    ) throws(DropError) -> JSON {
        let counts = try store.history.counts()
        let waiting = try store.waiting.counts()
        let statistics = Dictionary(try store.lists.statistics().map { ($0.source, $0) }) { first, _ in first }
        let closed = try closedByTheArchive(home, store)
        let last = lateness.last
        let standings = Dictionary(
            lateness.standings(at: WallClock.milliseconds()).map { ($0.source, $0.standing) }
        ) { first, _ in first }
        let rejects = try store.lists.openRejects()
        let lost = rejects.isEmpty ? [] : try LostRejects.all(home, store)
        let sources = try home.configuration.sources.map { (source) throws(DropError) -> JSON in
            var members: [JSON.Member] = [
                .init("source", .string(source.name.text)), .init("folder", .string(source.watched.folder)),
            ]
            members += live(source)
            if let known = statistics[source.name] {
                members.append(
                    .init(
                        "drops",
                        .object(
                            states(known.drops, closed.filter { $0.source == source.name }).map { one in
                                JSON.Member(one.state.rawValue, .int(Int64(one.count)))
                            })))
                if let drop = try store.lists.newest(of: source.name), let withheld = drop.books.flatMap(DropReport.withheld) {
                    members.append(.init("withheld", withheld.adding("drop", .string(drop.id.description))))
                }
                if let count = waiting[source.name] { members.append(.init("waitingRelationships", .int(Int64(count)))) }
                if let newest = known.newestCommit { members.append(.init("newestCommit", .string(Times.text(newest)))) }
            }
            if let time = last[source.name] { members.append(.init("lastDelivery", .string(Times.text(time)))) }
            if let standing = standings[source.name] { members.append(.init("expected", json(standing))) }
            if let count = rejects[source.name] { members.append(.init("openRejects", .int(Int64(count)))) }
            let gone = lost.count { $0.source == source.name }
            if gone > 0 { members.append(.init("lostRejects", .int(Int64(gone)))) }
            if let defect = PluginDefect.of(source) { members.append(.init("defect", .string(defect))) }
            return .object(members)
        }
        return [
            "home": .string(home.paths.home), "running": .bool(daemon != .null), "daemon": daemon,
            "graph": [
                "twins": .int(Int64(counts.twins)), "relationships": .int(Int64(counts.relationships)),
                "waitingRelationships": .int(Int64(counts.pending)), "revisions": .int(Int64(counts.revisions)),
                "commits": .int(Int64(clamping: counts.commits)),
            ],
            "sources": .array(sources + home.configuration.broken.map(json)), "waiting": left.shown(home),
            "openDrops": try OpenDrops(in: home, store).json,
            "mistakes": .array(
                (daemon == .null ? home.configuration.mistakes.map(\.description) : mistakes(home)).map { .string($0) }),
            "unknown": .array(try unknown(home, store).map { .string($0) }),
        ]
    }

    /// Drops that the database takes for unfinished and the archive has closed, as after a restore: the next start has them as
    /// here.
    private static func closedByTheArchive(_ home: Home, _ store: TwinStore) throws(DropError) -> [Moved] {
        guard !HomeLock.isHeld(state: home.paths.state) else { return [] }
        return try store.register.drops(in: [.held, .claimed, .registered]).compactMap { record in
            let state = record.judged(in: home).state
            return state == record.state ? nil : Moved(source: record.source, from: record.state, to: state)
        }
    }

    private struct Moved {
        let source: SourceName
        let from: DropState
        let to: DropState
    }

    /// How many drops are in each state, in the order of a life; those without are left out.
    private static func states(_ known: [DropState: Int], _ moved: [Moved]) -> [(state: DropState, count: Int)] {
        var counts = known
        for one in moved {
            counts[one.from, default: 0] -= 1
            counts[one.to, default: 0] += 1
        }
        return DropState.allCases.compactMap { state in counts[state].flatMap { $0 > 0 ? (state, $0) : nil } }
    }

    /// What the database does not know, as after a restore: `doctor` names it.
    private static func unknown(_ home: Home, _ store: TwinStore) throws(DropError) -> [String] {
        var found: [String] = []
        if let forgotten = try ArchiveConsistency(store, root: home.paths.archive).forgotten(exactly: true), forgotten.isOpen {
            found.append(forgotten.message)
        }
        // Who may not look into the spool is told by `doctor`.
        let files = (try? Strangers.all(home, store).count) ?? 0
        if files > 0 {
            found.append("\(counted(files, "file")) in state/spool that no drop accounts for: `twindrop doctor` says what to do.")
        }
        return found
    }

    /// A time of the facts, in the clock that was asked for.
    private static func shown(_ time: JSON?) -> String? {
        time?.string.map { text in Times.read(text).map { Times.shown($0.first) } ?? text }
    }

    /// A source that is not served.
    private static func json(_ broken: BrokenSource) -> JSON {
        .object(
            [.init("source", .string(broken.name))]
                + (broken.watched.map { [.init("folder", .string($0.folder))] } ?? [])
                + [.init("mistakes", .array(broken.mistakes.map { .string($0.description) }))])
    }

    /// For people.
    package static func print(_ facts: JSON) {
        let isRunning = facts["running"] == .bool(true)
        Terminal.print("home    \(facts["home"]?.string ?? "")")
        let isSilent = facts["silent"] != nil
        Terminal.print("daemon  \(isRunning ? "running" : isSilent ? "NOT ANSWERING: see below" : "not running")")
        if let daemon = facts["daemon"], isRunning {
            let flying = daemon["inFlight"]?.elements?.count ?? 0
            Terminal.print("        \(flying) drops in hand, \(daemon["waiting"]?.int ?? 0) files wait to be claimed")
            if let text = daemon["changed"]?.string { Terminal.print("        CHANGED: \(text)") }
            if daemon["diskIsFull"] == .bool(true) { Terminal.print("        DISK FULL: files wait in their folders") }
        }
        if let missing = facts["daemon"]?["sandboxMissing"]?.elements?.compactMap(\.string), !missing.isEmpty {
            Terminal.print("        SANDBOX: this kernel lacks \(missing.joined(separator: ", ")); plugins run without")
        }
        for times in facts["daemon"]?["doubted"]?.elements ?? [] {
            Terminal.print(
                "        files last changed from \(shown(times["from"]) ?? "") until \(shown(times["until"]) ?? "") are doubted: the machine went down"
            )
        }
        for channel in facts["daemon"]?["notify"]?.elements ?? [] { printChannel(channel) }
        if let graph = facts["graph"] {
            Terminal.print(
                "graph   "
                    + [("twins", "twin"), ("relationships", "relationship"), ("commits", "commit")].map {
                        counted(graph[$0]?.int ?? 0, $1)
                    }
                    .joined(separator: ", ")
            )
            if let waiting = graph["waitingRelationships"]?.int, waiting > 0 {
                let verb = waiting == 1 ? "waits" : "wait"
                Terminal.print("        \(counted(waiting, "relationship")) \(verb) for a twin: twindrop waiting")
            }
        }
        for mistake in facts["mistakes"]?.elements ?? [] { Terminal.print("MISTAKE \(mistake.string ?? "")") }
        for unknown in (facts["unknown"]?.elements ?? []).compactMap(\.string) {
            let word = unknown.contains(ArchiveConsistency.Forgotten.words) ? "FORGOTTEN" : "UNKNOWN"
            Terminal.print("\(word) \(unknown)")
        }
        if let open = facts["openDrops"] { for line in OpenDrops.lines(of: open) { Terminal.print("        \(line)") } }
        let lines = facts["waiting"]?["lines"]
        for line in lines?[""]?.elements ?? [] { Terminal.print("        \(line.string ?? "")") }
        for source in facts["sources"]?.elements ?? [] {
            printSource(source)
            for line in lines?[source["source"]?.string ?? ""]?.elements ?? [] { Terminal.print("        \(line.string ?? "")") }
        }
    }

    private static func printChannel(_ channel: JSON) {
        let name = channel["channel"]?.string ?? ""
        if let untold = untold(channel: channel) {
            Terminal.print(untold)
        } else {
            let last = shown(channel["lastSentAt"]).map { "; the last at \($0)" } ?? ""
            Terminal.print("notify  \(name): \(counted(channel["sent"]?.int ?? 0, "notice")) sent since the start\(last)")
        }
    }

    /// Of a source that is not late.
    private static func expectation(_ expected: JSON?) -> String {
        guard let due = shown(expected?["due"]) else { return "" }
        guard let from = shown(expected?["lateFrom"]), from != due else { return "; the next is expected by \(due)" }
        return "; the next was expected by \(due), and is late from \(from) on: the daemon first takes what came before its start"
    }

    private static func printSource(_ source: JSON) {
        let drops = (source["drops"]?.members ?? []).map { "\($0.value.int ?? 0) \($0.name)" }.joined(separator: ", ")
        Terminal.print("")
        Terminal.print("source  \(source["source"]?.string ?? ""): \(drops.isEmpty ? "no drops yet" : drops)")
        Terminal.print("        \(source["folder"]?.string ?? "")")
        if let newest = source["newestCommit"]?.string, let time = Times.read(newest)?.first {
            Terminal.print("        newest commit \(Times.shownWithAge(time))")
        }
        if let waiting = source["waitingRelationships"]?.int {
            let name = source["source"]?.string ?? ""
            let verb = waiting == 1 ? "waits" : "wait"
            Terminal.print(
                "        \(counted(waiting, "relationship")) \(verb) for a twin: twindrop waiting --source \(name)")
        }
        if let watch = source["watch"]?.string {
            let words =
                watch.hasPrefix("not watched") ? watch : watch == "starting" ? "the watcher starts" : "watched by " + watch
            Terminal.print("        \(words); worker \(source["worker"]?.string ?? "none")")
        }
        if source["expected"]?["late"] == .bool(true) {
            let last = shown(source["lastDelivery"]).map { "the last came at \($0)" } ?? "none ever came"
            Terminal.print("        LATE: a delivery was expected by \(shown(source["expected"]?["due"]) ?? ""); \(last)")
        } else if let last = shown(source["lastDelivery"]) {
            Terminal.print("        last delivery \(last)\(expectation(source["expected"]))")
        }
        if let count = source["openRejects"]?.int, count > 0 {
            let list = "`twindrop drops --source \(source["source"]?.string ?? "") --open-rejects`"
            Terminal.print("        \(counted(count, "drop")) with rejects that nobody corrected: \(list)")
        }
        if let gone = source["lostRejects"]?.int, gone > 0 {
            Terminal.print(
                "        the files of rejects of \(counted(gone, "drop")) of these are gone: `twindrop show DROP` says how they are made anew"
            )
        }
        if let text = source["defect"]?.string { Terminal.print("        DEFECT: \(text)") }
        if let withheld = source["withheld"], let why = withheld["why"]?.string {
            Terminal.print("        WITHHELD: \(why) `twindrop show \(withheld["drop"]?.string ?? "")` says how to correct it")
        }
        for alarm in source["alarms"]?.elements ?? [] { Terminal.print("        ALARM: \(alarm.string ?? "")") }
    }
}
