import Daemon
import HomeConfiguration
import DropCore
import DropWatch
import Foundation
import HomeReports
import Logging
import ThreadKit
import TwinModel
import TwinStore

/// Waits for the end of a drop that was just handed over: the daemon's, or this process's own work.
struct DropWait {
    private let home: Home
    private let placed: Delivery.Placed

    init(_ home: Home, _ placed: Delivery.Placed) {
        self.home = home
        self.placed = placed
    }

    func result() throws(CommandFailure) -> DropRecord {
        let patience = ContinuousClock.now.advanced(by: .seconds(30))
        while true {
            if try ControlClient.ask(home.controlSocket, ["do": "rescan"]) != nil { return try watched() }
            do throws(CommandFailure) {
                return try alone()
            } catch {
                // Whoever holds the lock is a daemon that starts or stops, or a command that is done in a moment.
                guard error.code == .locked, ContinuousClock.now < patience else { throw error }
            }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    /// No daemon runs: this process takes the lock and processes what is in the drop zone, this file among it.
    private func alone() throws(CommandFailure) -> DropRecord {
        let engine = try Engine(home, intake: .once)
        defer { engine.stop() }
        try reporting { () throws(DropError) in try engine.start() }
        try engine.finish(
            complete: .init(folder: placed.source.watched.folder, name: placed.name, inode: placed.inode))
        guard let record = try find(in: engine.register) else {
            let answer = engine.why(placed.path)
            throw CommandFailure(
                .negative,
                lines: ["\(placed.path) was not taken [\(answer["code"]?.string ?? "")]."]
                    + (answer["sentences"]?.elements ?? []).compactMap(\.string),
                answer: answer)
        }
        return record
    }

    /// Looks until the daemon is done with the drop: ten times a second, as a person would with `show`.
    private func watched() throws(CommandFailure) -> DropRecord {
        let graph = try home.openGraph(withModels: false)
        let said = Monitor<[ProgressLine]>([])
        let display = ProgressDisplay()
        let log = Logger(label: "twindrop") { LogLines(label: $0, format: .auto, level: .info) }
        display.start(log: log) { said.with { $0 } }
        defer { display.stop() }
        var patience = Patience(of: placed.source.watched.readiness)
        var looks = 0
        while true {
            if let record = try find(in: graph.register), isOver(record), try hasReceipt(record) {
                // `done` is a moment off; where it does not come, what there is is said.
                looks += 1
                if record.state != .archived || looks > 50 { return record }
            }
            try check(&patience)
            Thread.sleep(forTimeInterval: 0.1)
            let id = try find(in: graph.register)?.id.description
            if let told = try ControlClient.ask(home.controlSocket, ["do": "progress"]) {
                said.with { $0 = (told.elements ?? []).compactMap { ProgressLine($0) }.filter { $0.drop == id } }
            } else {
                throw CommandFailure(
                    .storage, "The daemon ended while the drop was waited for.", "The next run takes the work up.")
            }
        }
    }

    /// How long a file or drop may wait for the same thing before it is no use to wait along.
    private struct Patience {
        /// What needs a person may pass in the next moment, as a full disk does.
        static let urgent = Duration.seconds(2)
        /// What passes by itself has the source's own time, and this.
        static let slack = Duration.seconds(60)

        let settle: Duration
        var code = ""
        var since = ContinuousClock.now
        var next = ContinuousClock.now + .milliseconds(500)

        init(of rule: ReadinessRule) { settle = rule.settle }
    }

    /// Ends the wait where the daemon says that nothing will come of it by itself: 1, with the reason.
    private func check(_ patience: inout Patience) throws(CommandFailure) {
        let now = ContinuousClock.now
        guard now >= patience.next else { return }
        patience.next = now + .milliseconds(500)
        guard let answer = try ControlClient.ask(home.controlSocket, ["do": "why", "file": .string(placed.path)]),
            let code = answer["code"]?.string, let reason = WaitingReason.Code(rawValue: code)
        else { return }
        if code != patience.code { (patience.code, patience.since) = (code, now) }
        let isUrgent = answer["needsPerson"] == .bool(true)
        // What waits for its turn is in good hands.
        guard isUrgent || reason.attention != .never else { return }
        guard now - patience.since >= (isUrgent ? Patience.urgent : patience.settle + Patience.slack) else { return }
        let sentences = WhyReport.sentences(besidesDrop: answer)
        let what = answer["drop"]?.string.map { "\(placed.name) is drop \($0) and waits" } ?? "\(placed.path) waits"
        throw CommandFailure(.negative, lines: ["\(what) [\(code)]."] + sentences, answer: answer)
    }

    private func find(in register: any DropRegister) throws(CommandFailure) -> DropRecord? {
        let found = try reporting { () throws(DropError) in
            try register.page(source: placed.source.name, states: nil, before: nil, limit: 1000)
        }
        return found.first { record in
            record.intake.inode == placed.inode && record.intake.changeTime >= placed.changeTime && record.fileName == placed.name
                && record.link?.kind != .retries
        }
    }

    /// The receipt is written after the row: a sender who was told the end can read it.
    private func hasReceipt(_ record: DropRecord) throws(CommandFailure) -> Bool {
        let receipt = try reporting { () throws(DropError) in try home.receipts().receipt(of: record) }
        return receipt.map { record.state == .held || record.isNeverArchived || $0["archive"] != nil } ?? false
    }

    private func isOver(_ record: DropRecord) -> Bool {
        switch record.state {
        case .claimed, .registered, .applied: false
        case .archived, .done, .held: true
        case .quarantined, .retried, .resolved, .duplicate, .discarded: record.container != nil || record.isNeverArchived
        }
    }
}
