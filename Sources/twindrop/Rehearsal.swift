import HomeConfiguration
import DropCore
import DropSpooling
import Evidence
import Foundation
import Pipeline
import PluginHost
import TwinModel
import TwinStore

/// A dry run of one file: the real plugin in its sandbox, the real comparison, and no commit.
struct Rehearsal {
    /// What the file would do.
    struct Plan {
        let books: DropBooks
        let rejections: [Rejection]
        let changes: [PlannedChange]
        /// Why the drop would be held, if it would.
        let hold: DropError?
    }

    private let home: Home
    private let source: Source

    init(_ home: Home, source: Source) {
        self.home = home
        self.source = source
    }

    func run(_ file: String) throws(CommandFailure) -> Plan {
        let input = try FileCalls.open(file)
        defer { input.close() }
        return try reporting { () throws(DropError) in
            try Folders.make([home.paths.state])
            let store = try TwinStore.openRehearsal(folder: home.paths.state)
            // Those of the folder that no daemon has seen yet hold for the next drop, too.
            _ = try ModelFolder.adopt([home.paths.models], into: store, by: Caller(name: "plan"), isRehearsal: true)
            let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("twindrop-plan-\(FileCalls.process)").path
            try Folders.make([scratch])
            defer { try? FileManager.default.removeItem(atPath: scratch) }  // A leftover in the temporary folder harms nobody.
            let host = Assembly.host(of: [source], in: home.configuration, keys: store)
            defer { host.close() }
            return try rehearse(file, input, store, host, scratch)
        }
    }

    private func rehearse(
        _ file: String, _ input: FileCalls.Opened, _ store: TwinStore, _ host: PluginHost, _ scratch: String
    ) throws(DropError) -> Plan {
        let name = FileName(URL(fileURLWithPath: file).lastPathComponent)
        let drop = DropID(high: WallClock.milliseconds() << 16, low: 0)
        let bytes = input.bytes
        let record = DropRecord(
            id: drop, source: source.name, fileName: name, bytes: bytes, state: .registered, claimedAt: drop.milliseconds,
            changedAt: drop.milliseconds, intake: FileIdentity(device: 0, inode: 0, changeTime: 0))
        let reader = AmendmentReader(archive: home.paths.archive, scratch: scratch)
        var amended: DropID?
        let verdict = try AmendmentJudge(register: store, graph: store, book: reader).judge(
            record, descriptor: input.descriptor, bytes: bytes, at: file, amended: &amended, spooled: spooled)
        var whole: AmendedFile?
        if case .amends(_, let file) = verdict { whole = file }
        defer { if let whole { reader.remove(whole) } }
        let builder = try store.changeSet(
            for: ApplyJob(
                drop: drop, source: source.name, policy: source.policy, bytes: whole?.bytes ?? bytes,
                epoch: try host.epoch(of: source.name), amends: amended, amendment: whole?.amendment,
                place: amended == nil ? source.sequence?.place(of: name) : nil, fileBytes: bytes, released: false,
                scratchFolder: scratch))
        if let whole {
            let original = try store.drop(whole.amendment.drop)?.fileName ?? name
            try reader.withDescriptor(of: whole) { (descriptor) throws(DropError) in
                _ = try host.transform(
                    TransformJob(
                        drop: drop, source: source.name, fileName: original, descriptor: descriptor, bytes: whole.bytes),
                    into: builder)
            }
        } else {
            _ = try host.transform(
                TransformJob(drop: drop, source: source.name, fileName: name, descriptor: input.descriptor, bytes: bytes),
                into: builder)
        }
        do throws(DropError) {
            let changes = try builder.finish()
            defer { changes.abandon() }
            var planned: [PlannedChange] = []
            try (changes as? DropChanges)?.forEachChange { planned.append($0) }
            return Plan(books: changes.books, rejections: changes.rejections, changes: planned, hold: nil)
        } catch {
            guard error.remedy == .hold else { throw error }
            defer { builder.abandon() }
            return Plan(books: builder.books, rejections: builder.rejections, changes: [], hold: error)
        }
    }
}

extension Rehearsal {
    /// Where the spool has a drop's bytes, of a daemon that runs or was stopped.
    private func spooled(_ drop: DropID) -> String? {
        let path = home.paths.state + "/spool/in/\(drop)"
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }
}

extension Rehearsal.Plan {
    func print(limit: Int, json asJSON: Bool) {
        guard !asJSON else { return Terminal.print(json) }
        for change in changes.prefix(limit) {
            Terminal.print("\(change.outcome.rawValue) \(change.kind.rawValue) \(Escaping.visible(change.id))")
            for line in differences(change) { Terminal.print("  \(line)") }
        }
        if changes.count > limit { Terminal.print("… and \(changes.count - limit) more (--limit).") }
        for rejection in rejections.prefix(limit) {
            Terminal.print(
                "rejected record \(rejection.record) (byte \(rejection.offset)): \(rejection.message) [\(rejection.code)]")
        }
        let records = "\(books.recordsRead) records read, \(books.recordsFiltered) filtered, \(books.recordsRejected) rejected"
        Terminal.print(
            "\(records): \(books.created) created, \(books.updated) updated, \(books.unchanged) unchanged, \(books.deleted + books.deletedByAbsence) deleted."
        )
        if !books.skipped.isEmpty { Terminal.print("Skipped: \(books.skipped.sentence).") }
        if let withheld = books.withheld { Terminal.print("Withheld: \(withheld)") }
        if let hold { Terminal.print("It would be held: \(hold.message)") }
        Terminal.print("Nothing was changed.")
    }

    private var json: JSON {
        [
            "books": DropReport.json(books), "held": hold.map { .string($0.message) } ?? .null,
            "changes": .array(
                changes.map {
                    [
                        "kind": .string($0.kind.rawValue), "id": .string($0.id), "outcome": .string($0.outcome.rawValue),
                        "before": $0.before ?? .null, "after": $0.after ?? .null,
                    ]
                }),
            "rejections": .array(
                rejections.map {
                    [
                        "record": .int(Int64(clamping: $0.record)), "offset": .int(Int64(clamping: $0.offset)),
                        "code": .string($0.code.text), "message": .string($0.message),
                    ]
                }),
        ]
    }

    private func differences(_ change: PlannedChange) -> [String] {
        let before = change.before?.members ?? []
        let after = change.after?.members ?? []
        var lines: [String] = []
        for member in after where !member.name.hasPrefix("$") {
            let old = before.first { $0.name == member.name }?.value
            if old != member.value { lines.append("\(member.name): \(old?.text() ?? "-") → \(member.value.text())") }
        }
        for member in before where !member.name.hasPrefix("$") && !after.contains(where: { $0.name == member.name }) {
            lines.append("\(member.name): \(member.value.text()) → -")
        }
        return lines
    }
}
