import CodecKit
import Daemon
import HomeConfiguration
import DropCore
import DropSpooling
import Evidence
import Foundation
import HomeReports
import PluginHost
import SystemKit
import TwinModel
import TwinStore

/// The checks of `doctor`.
struct Doctor {
    struct Check {
        let name: String
        let findings: [String]
    }

    private let home: Home
    private let asked: PluginCheck.Findings
    /// What a running daemon says of itself. One that does not answer is asked once only.
    private let look: ControlClient.Look

    init(_ home: Home) {
        self.home = home
        asked = PluginCheck.run(home.configuration)
        look = ControlClient.look(home, ["do": "status"])
    }

    private var told: JSON? { if case .answer(let told) = look { told } else { nil } }

    /// Asks the daemon something else, if it answers at all.
    private func ask(_ request: JSON) -> ControlClient.Look {
        if case .answer = look { ControlClient.look(home, request) } else { look }
    }

    func run() throws(CommandFailure) -> [Check] {
        do throws(DropError) {
            try ArchiveConsistency.checkForDatabase(state: home.paths.state, archive: home.paths.archive)
        } catch {
            return [
                Check(name: "configuration", findings: configuration()),
                Check(name: "database", findings: [error.message + " " + error.hint]),
            ]
        }
        let store = try home.openGraph(withModels: false)
        let found = try found()
        return try reporting { () throws(DropError) in
            [
                Check(name: "configuration", findings: configuration()),
                Check(name: "plugins", findings: plugins()),
                Check(name: "tokens and models", findings: StartCheck(home: home).findings()),
                Check(name: "programs", findings: programs()),
                Check(name: "sandbox", findings: sandbox(store)),
                Check(name: "database", findings: try store.maintenance.quickCheck()),
                Check(name: "archive", findings: try archive(store)),
                Check(name: "drops", findings: try drops(store)),
                Check(name: "expected deliveries", findings: try late(store)),
                Check(name: "spool", findings: try strangers(store)),
                Check(name: "receipts", findings: try receipts() + lostRejects(store)),
                Check(name: "open files", findings: openFiles()),
                Check(name: "sources and files", findings: found.words),
                Check(name: "space", findings: try space() + found.space),
            ]
        }
    }

    /// False where one is missing beside an archive: nothing else can be asked then.
    var hasDatabase: Bool {
        (try? ArchiveConsistency.checkForDatabase(state: home.paths.state, archive: home.paths.archive)) != nil
    }

    /// What waits, as a running daemon knows it, or as the folders and the database tell.
    func waiting() throws(CommandFailure) -> JSON {
        var silence: [JSON] = []
        switch ask(["do": "waiting"]) {
        case .answer(let told): return ["json": told, "findings": told["findings"] ?? .null]
        case .none: break
        case .silent(let why): silence = [.string("the daemon: \(why.joined(separator: " "))")]
        }
        let store = try home.openGraph(withModels: false)
        let report = try reporting { () throws(DropError) in try WaitingReport.atRest(home, store) }
        // What is ready does not wait for want of a daemon where one is silent.
        let found = silence.isEmpty ? report.findings : report.findings.filter { !$0.contains("[ready]") }
        return ["json": report.answer, "findings": .array(silence + found.map { .string($0) })]
    }

    private func found() throws(CommandFailure) -> (words: [String], space: [String]) {
        let waiting = try waiting()
        let words = (waiting["findings"]?.elements ?? []).compactMap(\.string)
        let room = (waiting["json"]?["files"]?.elements ?? []).filter { group in
            [WaitingReason.Code.noRoom, .diskFull].map(\.rawValue).contains(group["code"]?.string ?? "")
        }
        return (words, room.compactMap { $0["sentence"]?.string })
    }

    private func configuration() -> [String] {
        ((home.configuration.allMistakes?.errors ?? []) + asked.mistakes).map(\.description)
    }

    private func plugins() -> [String] {
        home.configuration.sources.compactMap { source in
            let asked = asked.defects.first { $0.source == source.name }?.error
            return (PluginDefect.of(source) ?? asked.map { "\($0.message) \($0.hint)" }).map { "source \(source.name): \($0)" }
        }
    }

    private func programs() -> [String] {
        ["twindrop-worker", "twindrop-watch"].map(Installation.current.path)
            .filter { !FileManager.default.isExecutableFile(atPath: $0) }.map { "\($0) is missing or not executable" }
            + Self.notifiers(home.configuration) + (told.map(StatusReport.untold) ?? [])
    }

    /// Programs of channels that would not be told: a daemon finds out with the first notice.
    static func notifiers(_ configuration: Configuration) -> [String] {
        configuration.notify.compactMap { channel in
            guard case .command(let words) = channel.way, !FileManager.default.isExecutableFile(atPath: words[0]) else {
                return nil
            }
            return
                "notify.\(channel.name): \(Escaping.visible(words[0])) is missing or not executable. Correct `command`, or its rights."
        }
    }

    private func sandbox(_ store: TwinStore) -> [String] {
        let host = SourcePlugins.host(of: home.configuration.sources, in: home.configuration, keys: store.sourceKeys)
        guard let missing = host.sandboxMissing() else { return ["no worker can be started: reinstall twindrop-worker"] }
        let isRequired = home.configuration.sources.contains { $0.worker.sandbox == .required }
        return missing.isEmpty
            ? []
            : [
                "this kernel lacks \(missing.joined(separator: ", ")): "
                    + (isRequired
                        ? "no plugin runs, because limits.worker.sandbox is required"
                        : "plugins run without; a newer kernel has them")
            ]
    }

    private func archive(_ store: TwinStore) throws(DropError) -> [String] {
        let root = home.paths.archive
        let consistency = try ArchiveConsistency(store, root: root)
        let forgotten = try consistency.forgotten(exactly: true)
        let inconsistencies =
            [try consistency.missing()?.message, forgotten?.isOpen == true ? forgotten?.message : nil].compactMap { $0 }
            + (try listed(try consistency.missed(), consistency))
        guard Folders.exists(root + "/chain.log") else { return inconsistencies }
        let found = try ArchiveVerifier(root: root).verify(register: consistency.register()).findings.map(\.message)
        return found + inconsistencies.filter { !found.contains($0) }
    }

    /// How many forgotten drops are named.
    private static let forgottenMax = 10

    private func listed(_ forgotten: [ArchivedDrop], _ consistency: ArchiveConsistency) throws(DropError) -> [String] {
        var lines: [String] = []
        for drop in forgotten.prefix(Self.forgottenMax) {
            var line =
                "forgotten: \(drop.file) of source \(drop.source), drop \(drop.drop), archived \(Times.shown(drop.archivedAt))"
            if let original = try consistency.unknownOriginal(of: drop) {
                line +=
                    ". It corrects drop \(original.drop) (\(original.file)), which is forgotten, too, so it cannot be delivered again "
                    + "as it is: deliver that one again, then correct its refused records in the new file of rejects beside its "
                    + "receipt; `twindrop archive cat \(drop.drop)` shows what had been corrected"
            }
            lines.append(line)
        }
        let rest = forgotten.count - Self.forgottenMax
        return lines + (rest > 0 ? ["… and \(rest) more: `twindrop archive list` marks them"] : [])
    }

    private func late(_ store: TwinStore) throws(DropError) -> [String] {
        if let told { return StatusReport.late(told) }
        let now = WallClock.milliseconds()
        return try Lateness(resting: home.configuration, store, at: now).standings(at: now).filter(\.standing.isLate).map {
            "source \($0.source) is late. \($0.standing.sentence)"
        }
    }

    private func drops(_ store: TwinStore) throws(DropError) -> [String] {
        try OpenDrops(in: home, store).findings + discards(store) + uncorrected(store)
            + withoutEvidence(store)
    }

    private func receipts() -> [String] {
        let book = home.receipts()
        return home.configuration.sources.compactMap { source in
            book.defect(of: source.name).map { "the receipts of source \(source.name) cannot be written: \($0)" }
        }
    }

    /// How many drops are named whose file of rejects is gone.
    private static let lostMax = 5

    private func lostRejects(_ store: TwinStore) throws(DropError) -> [String] {
        let lost = try LostRejects.all(home, store)
        let rest = lost.count - Self.lostMax
        return lost.prefix(Self.lostMax).map {
            "the file of rejects of \($0.fileName) (\($0.source)) is gone, and its refused records are not corrected: "
                + "`\(LostRejects.command(for: $0))` makes it anew"
        } + (rest > 0 ? ["… and \(rest) more: `twindrop drops --open-rejects`"] : [])
    }

    /// What a person gave up after the backup that was restored.
    private func discards(_ store: TwinStore) throws(DropError) -> [String] {
        // What the archive closed as discarded is discarded again by the next start.
        let open = try ArchiveConsistency(store, root: home.paths.archive).forgottenDiscards()
            .filter { $0.drop.judged(in: home).state == $0.drop.state }
        return open.map { act, drop in
            "\(drop.fileName) is \(drop.state.rawValue) again: the archive has that \(act.by.description) discarded it at "
                + "\(Times.shown(act.at)), and the database has forgotten it. `twindrop discard \(drop.id)` gives it up once more"
        }
    }

    /// How many drops with open rejects are named, of each outcome.
    private static let openMax = 5

    /// Drops with refused records that nobody has corrected, and what their lists would have deleted; of nothing usable, they are
    /// done because their source holds no such drop, or because a person released them. Each drop is named once.
    private func uncorrected(_ store: TwinStore) throws(DropError) -> [String] {
        var withheld: [(drop: DropRecord, why: String)] = []
        for source in home.configuration.sources {
            guard let drop = try store.lists.newest(of: source.name), let why = drop.books?.withheld else { continue }
            withheld.append((drop, why))
        }
        var lines: [String] = []
        for outcome in [DropOutcome.nothingUsable, .appliedWithRejects] {
            let open = try store.register.page(
                source: nil, states: nil, outcomes: [outcome], openRejects: true, before: nil, limit: Self.openMax + 1)
            for drop in open.prefix(Self.openMax) {
                let index = withheld.firstIndex { $0.drop.id == drop.id }
                let why = index.map { " \(withheld.remove(at: $0).why)" } ?? ""
                let name = "\(drop.fileName) (\(drop.source))"
                let words =
                    outcome == .nothingUsable ? "nothing of \(name) could be used." : "\(name) has rejects that nobody corrected."
                lines.append("\(words)\(why) `twindrop show \(drop.id)` says how to correct it")
            }
            if open.count > Self.openMax {
                lines.append("… and more: `twindrop drops --outcome \(outcome.rawValue) --open-rejects`")
            }
        }
        return lines
            + withheld.map { drop, why in
                "\(drop.fileName) (\(drop.source)): \(why) `twindrop show \(drop.id)` says how to correct it"
            }
    }

    /// Applied drops that the archive could not take.
    private func withoutEvidence(_ store: TwinStore) throws(DropError) -> [String] {
        try store.register.drops(in: [.applied]).filter(\.hasLostBytes).map {
            "\($0.fileName) (\($0.id)) was applied and is not in the archive: \($0.reason?.message ?? "")"
        }
    }

    private func strangers(_ store: TwinStore) throws(DropError) -> [String] {
        try Strangers.all(home, store).map {
            "\($0) belongs to no drop that the database knows. \(Strangers.hint($0, home.paths))"
        }
    }

    /// Of the running daemon where there is one, else as this process would have it.
    private func openFiles() -> [String] {
        let remedy = "raise LimitNOFILE= in the unit, or ulimit -n in the shell, to 4096 or more"
        // A daemon that does not answer is none whose limit can be looked at.
        if case .answer(let told) = ask(["do": "open-files"]), let limit = told["limit"]?.int,
            let open = told["open"]?.int, let connections = told["connections"]?.int
        {
            let wanted = home.configuration.http.limits.connections
            guard open + 32 > limit || connections < min(wanted, 512) else { return [] }
            return [
                "the daemon may have \(limit) files open and has \(open); \(connections) of \(wanted) connections fit: \(remedy)"
            ]
        }
        let limit = System.raiseOpenFilesMax()
        return limit < 1024 ? ["the limit of open files is \(limit): \(remedy)"] : []
    }

    private func space() throws(DropError) -> [String] {
        let space = try SpoolFolder(state: home.paths.state).freeSpace()
        let limits = home.configuration.limits.space
        let mark = min(limits.softBytes, UInt64(Double(space.bytesTotal) * limits.softShare))
        return
            (space.bytesFree < mark
            ? ["only \(ByteCount.text(space.bytesFree)) are free; below \(ByteCount.text(mark)) nothing is claimed"] : [])
            + archiveSpace()
    }

    /// An archive on a disk of its own has no mark: what finds no room there waits.
    private func archiveSpace() -> [String] {
        let (root, state) = (home.paths.archive, home.paths.state)
        guard FileCalls.device(root) != FileCalls.device(state), let space = FileCalls.space(of: root) else { return [] }
        let wanted = min(home.configuration.archive.containerBytes, space.bytesTotal / 100)
        guard space.bytesFree < wanted else { return [] }
        return [
            "only \(ByteCount.text(space.bytesFree)) are free on the file system of the archive \(root): drops wait to be archived "
                + "once there is no room for a container. Free space there."
        ]
    }
}
