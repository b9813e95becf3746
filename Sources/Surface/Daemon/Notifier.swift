import CodecKit
import CurlKit
import DropCore
import Foundation
import HomeConfiguration
import HomeReports
import Logging
import SystemKit
import ThreadKit
import TwinModel
import TwinStore

/// Tells people what needs them (decision 0036). Each channel has a thread of its own, which looks at what is open, tells what it
/// has not told yet, and writes down that it did. So nothing that is open is forgotten, by a failure or a restart, and nothing is
/// told twice but after a crash between the two. The flow never waits for it.
final class Notifier: Sendable {
    /// How a channel does.
    struct Standing: Sendable {
        let channel: String
        var sent = 0
        var failures = 0
        /// In a row, up to now.
        var failuresInARow = 0
        var lastSentAt: UInt64?
        var error: String?
        /// Conditions it has still to tell, as far as the last look goes.
        var waiting = 0
    }

    /// Open conditions of sources at this moment.
    typealias Conditions = @Sendable () -> [Notice]

    private struct State {
        var isOver = false
        /// Rises when something may have to be told.
        var changes = 0
        var standings: [String: Standing] = [:]
    }

    private let channels: [NotifyChannel]
    private let home: Home
    private let store: TwinStore
    private let log: Logger
    private let conditions: Conditions
    private let state = Monitor(State())
    private let threads = Monitor<[NamedThread]>([])

    /// Conditions told in one message by name; the others by number.
    static let listedMax = 50

    init(_ home: Home, _ store: TwinStore, log: Logger, conditions: @escaping Conditions) {
        channels = home.configuration.notify
        self.home = home
        self.store = store
        self.log = log
        self.conditions = conditions
        state.with { state in for channel in channels { state.standings[channel.name] = Standing(channel: channel.name) } }
    }

    var standings: [Standing] { state.withoutWaking { state in channels.compactMap { state.standings[$0.name] } } }

    /// Something happened that somebody may have to be told of. Never waits.
    func look() { state.with { $0.changes += 1 } }

    func start() throws(DropError) {
        try store.notices.tidyNotices(channels: channels.map(\.name))
        threads.with { [self] threads in
            threads = channels.map { channel in NamedThread("td-notify") { self.serve(channel) } }
        }
    }

    /// Tells what is open now, once, and ends; what cannot be told is told by the next run.
    func finish() {
        look()
        for channel in channels { _ = attempt(channel, Plan(channel, conditions(), store)) }
    }

    func stop() {
        state.with { $0.isOver = true }
        for thread in threads.with({ $0 }) { thread.join() }
    }

    // MARK: - One channel

    private func serve(_ channel: NotifyChannel) {
        var seen = -1
        var lookedAt = ContinuousClock.now
        var pause = Duration.seconds(1)
        while true {
            let changes = state.withoutWaking { $0.changes }
            // Drops are looked through when something happened, and now and then; sources every second.
            let isDue = changes != seen || ContinuousClock.now - lookedAt > .seconds(60)
            let plan = Plan(channel, conditions(), store, withDrops: isDue)
            if isDue { (seen, lookedAt) = (changes, .now) }
            if attempt(channel, plan) {
                pause = .seconds(1)
                if plan.hasMore { seen = -1 }
            } else {
                pause = min(pause * 2, .seconds(600))
                seen = -1
            }
            let isFailing = pause > .seconds(1)
            let isWanted = { (state: borrowing State) in state.isOver || !isFailing && state.changes != seen && seen >= 0 }
            if state.wait(until: isWanted, timeout: pause, { $0.isOver }) { return }
        }
    }

    /// Sends what the plan holds, and writes down that it was told. True where nothing is left to do.
    private func attempt(_ channel: NotifyChannel, _ plan: Plan) -> Bool {
        do {
            if let error = plan.error { throw error }
            state.with { $0.standings[channel.name]?.waiting = plan.count }
            try store.notices.forgetTold(channel.name, plan.over)
            guard plan.count > 0 else { return true }
            try send(plan.message(home), by: channel)
            try store.notices.noteTold(
                channel.name, plan.notices, others: plan.omitted > 0 ? (events: channel.events, before: plan.time) : nil)
            let was = note(channel) { standing in
                (standing.sent, standing.failuresInARow, standing.error) = (standing.sent + plan.count, 0, nil)
                (standing.lastSentAt, standing.waiting) = (WallClock.milliseconds(), 0)
            }
            log.info(
                "People were told.",
                metadata: ["channel": "\(channel.name)", "notices": .number(plan.count), "failures": .number(was.failuresInARow)])
            return true
        } catch {
            let text = (error as? DropError)?.message ?? "\(error)"
            let was = note(channel) { standing in
                standing.failures += 1
                standing.failuresInARow += 1
                standing.error = text
            }
            // The first failure, and then as often as the pauses are long.
            if was.failuresInARow < 3 || (was.failuresInARow + 1) % 10 == 0 {
                log.warning(
                    "People could not be told; it is tried again.",
                    metadata: [
                        "channel": "\(channel.name)", "notices": .number(plan.count), "error": "\(text)",
                        "failures": .number(was.failuresInARow + 1),
                    ])
            }
            return false
        }
    }

    /// Changes a channel's standing; what it was before.
    private func note(_ channel: NotifyChannel, _ change: (inout Standing) -> Void) -> Standing {
        state.with { state in
            let before = state.standings[channel.name] ?? Standing(channel: channel.name)
            var after = before
            change(&after)
            state.standings[channel.name] = after
            return before
        }
    }

    private func send(_ message: JSON, by channel: NotifyChannel) throws {
        let bytes = message.utf8() + [UInt8(ascii: "\n")]
        let isOver: () -> Bool = { [state] in state.withoutWaking { $0.isOver } }
        switch channel.way {
        case .command(let words):
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
            let ended: ProgramRun.Ended
            do throws(ProgramRun.Failure) {
                ended = try ProgramRun.run(
                    words, input: bytes, environment: ["PATH=\(path)", "TWINDROP_HOME=\(home.paths.home)", "LC_ALL=C.UTF-8"],
                    seconds: channel.timeout / .seconds(1), isCancelled: isOver)
            } catch { throw Failure(error.message) }
            guard ended.code == 0 else {
                let how = ended.code < 0 ? "was ended by signal \(-ended.code)" : "ended with code \(ended.code)"
                let said = Escaping.visible(ended.output, scalarsMax: 300)
                throw Failure("\(words[0]) \(how)\(said.isEmpty ? "." : ": \(said)")")
            }
        case .webhook(let address, let authorization):
            var headers = ["Content-Type: application/json"]
            if let authorization {
                headers.append("Authorization: \(try secret(in: authorization))")
            }
            // The configuration alone says where it is: a receiver within the plant is as good as one outside.
            var rules = home.configuration.outbound.rules(for: [address.origin], anyNetwork: true)
            rules.bytesMax = 1 << 20
            rules.stallTime = min(rules.stallTime, channel.timeout)
            do throws(TransferError) {
                try Upload.post(address, bytes, headers: headers, rules, isCancelled: isOver)
            } catch { throw Failure(error.message) }
        }
    }

    /// The first line of a small file.
    private func secret(in path: String) throws(Failure) -> String {
        guard let bytes = FileManager.default.contents(atPath: path), bytes.count <= 8192,
            let line = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).first
        else { throw Failure("The file \(path) of the channel's authorization cannot be read, or is empty.") }
        return line.trimmingCharacters(in: .whitespaces)
    }

    /// Why a message did not get through.
    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }
}

/// What one channel is to be told at one moment.
private struct Plan {
    let time = WallClock.milliseconds()
    let channel: String
    /// What is listed: first sources, then drops.
    var notices: [Notice] = []
    /// Drops that are counted only.
    var omitted = 0
    /// What it was told of, and is over.
    var over: [(event: NoticeEvent, subject: String)] = []
    var error: DropError?

    var count: Int { notices.count + omitted }
    /// Something may be left to tell.
    var hasMore: Bool { notices.count >= Notifier.listedMax }

    init(_ channel: NotifyChannel, _ open: [Notice], _ store: TwinStore, withDrops: Bool = true) {
        self.channel = channel.name
        do throws(DropError) {
            let told = try store.notices.told(channel.name)
            let wanted = open.filter { channel.events.contains($0.event) }
            notices = Array(wanted.filter { told[$0.event]?[$0.subject] == nil }.prefix(Notifier.listedMax))
            for (event, subjects) in told {
                for subject in subjects.keys where !wanted.contains(where: { $0.event == event && $0.subject == subject }) {
                    over.append((event, subject))
                }
            }
            guard withDrops else { return }
            let (drops, count) = try store.notices.untold(to: channel.name, channel.events, limit: Notifier.listedMax)
            notices += drops.compactMap(Self.notice)
            omitted = count - drops.count
        } catch { self.error = error }
    }

    /// docs/schemas/notice.schema.json
    func message(_ home: Home) -> JSON {
        [
            "format": 1, "home": .string(home.paths.home), "channel": .string(channel), "at": .string(Times.text(time)),
            "count": .int(Int64(count)), "notices": .array(notices.map(json)), "omitted": .int(Int64(omitted)),
        ]
    }

    private func json(_ notice: Notice) -> JSON {
        .object(
            [.init("event", .string(notice.event.rawValue)), .init("since", .string(Times.text(notice.since)))] + notice.facts)
    }

    private static func notice(_ record: DropRecord) -> Notice? {
        guard let event = NoticeEvent(record) else { return nil }
        var facts: [JSON.Member] = [
            .init("source", .string(record.source.text)), .init("drop", .string(record.id.description)),
            .init("file", .string(record.fileName.description)),
        ]
        if let reason = record.reason {
            facts += [
                .init("code", .string(reason.code.text)), .init("message", .string(reason.message)),
                .init("hint", .string(reason.hint)),
            ]
        }
        return Notice(event: event, subject: record.id.description, since: record.changedAt, facts: facts)
    }
}
