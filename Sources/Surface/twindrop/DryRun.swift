import CodecKit
import Daemon
import HomeConfiguration
import DropCore
import DropSpooling
import Evidence
import Foundation
import HomeReports
import Pipeline
import PluginHost
import TwinModel
import TwinStore

/// A dry run of one file, or of the bytes of a drop: the real plugin in its sandbox, the real comparison, and no commit.
struct DryRun {
    /// What the file would do.
    struct Plan {
        let books: DropBooks
        let rejections: [Rejection]
        /// All of them; for a file that would be held: what its release would do.
        let changes: [PlannedChange]
        /// What would not stand of it, of one that is applied or released.
        var reason: DropReason?
        /// Why the drop would be held, if it would.
        let hold: DropError?
        /// Why the changes of one that would be held cannot be told.
        var untold: DropError?
        /// The drop that it would repeat: nothing would be applied.
        var repeats: DropRecord?
        /// It is about corrected rejects.
        var isOfCorrections = false
        /// The lines that the refused records begin in, by the offsets of these; empty where the file does not tell lines, and of
        /// corrected rejects, whose places are in the file that they correct.
        var lines: [UInt64: Int] = [:]
        /// Where it would come; nil for the bytes of a drop.
        var place: PlannedPlace?
    }

    /// Of how many refused records the line is told.
    private static let linesMax = 10_000

    /// What is rehearsed.
    private struct Subject {
        let name: FileName
        /// Where the bytes are.
        let path: String
        let input: FileCalls.Opened
        /// Of a file that would be delivered; nil of a drop's bytes, about which a person asks again.
        var digest: ContentDigest?
        /// The drop whose place it would keep when a person lets it go on.
        var origin: DropID?
        let drop = DropID(high: WallClock.milliseconds() << 16, low: 0)
    }

    private let home: Home
    private let source: Source

    init(_ home: Home, source: Source) {
        self.home = home
        self.source = source
    }

    /// Of a file anywhere.
    func run(_ file: String) throws(CommandFailure) -> Plan {
        guard FileCalls.isFile(file) else {
            throw CommandFailure(
                .usage, "There is no file \(Escaping.visible(file)).",
                "Name a file, or a drop with --drop; no folder, FIFO or device.")
        }
        let input = try FileCalls.open(file)
        defer { input.close() }
        let name = FileName(URL(fileURLWithPath: file).lastPathComponent)
        var hash = StreamHash()
        try input.forEachBlock { hash.update($0) }
        return try run(Subject(name: name, path: file, input: input, digest: hash.digest))
    }

    /// Of a drop's bytes, against the graph as it is now.
    func run(_ record: DropRecord) throws(CommandFailure) -> Plan {
        let bytes = DropBytes(record, in: home)
        let input = try bytes.open()
        defer { input.close() }
        // A list needs force behind a newer one, and is the newest then.
        let keepsPlace = record.state.needsPerson && (source.policy.mode == .incremental || source.sequence != nil)
        let origin = keepsPlace ? record.id : nil
        if let path = bytes.path { return try run(Subject(name: record.fileName, path: path, input: input, origin: origin)) }
        let copy = try FileCalls.named(input)
        defer { FileCalls.remove(copy) }
        return try run(Subject(name: record.fileName, path: copy, input: input, origin: origin))
    }

    private func run(_ subject: Subject) throws(CommandFailure) -> Plan {
        let store = try reporting { () throws(DropError) in
            try ArchiveConsistency.checkForDatabase(state: home.paths.state, archive: home.paths.archive)
            try Folders.make([home.paths.state])
            return try TwinStore.openForDryRun(folder: home.paths.state)
        }
        // Those of the folder that no daemon has seen yet hold for the next drop, too.
        try reporting { () throws(StartError) in
            _ = try ModelFolder.adopt([home.paths.models], into: store, by: Caller(name: "plan"), isDryRun: true)
        }
        do throws(DropError) {
            var plan = try plan(subject, store)
            if !plan.isOfCorrections {
                let offsets = Array(Set(plan.rejections.prefix(Self.linesMax).map(\.offset)))
                let lines = offsets.isEmpty ? nil : subject.input.lines(at: offsets)
                plan.lines = Dictionary(uniqueKeysWithValues: zip(offsets, lines ?? []))
            }
            if subject.digest != nil { plan.place = try PlannedPlace(of: subject.name, source, store) }
            return plan
        } catch {
            guard error.remedy == .quarantine, subject.digest != nil else { throw CommandFailure(error) }
            // There is no drop yet that could be retried, as the hint of the error may say.
            throw CommandFailure(
                .negative, "\(error.message) [\(error.code)]",
                "It would be quarantined. Correct the file, or the mapping or settings of source \(source.name), and plan again.")
        }
    }

    private func plan(_ subject: Subject, _ store: TwinStore) throws(DropError) -> Plan {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("twindrop-plan-\(FileCalls.process)").path
        try Folders.make([scratch])
        defer { try? FileManager.default.removeItem(atPath: scratch) }  // A leftover in the temporary folder harms nobody.
        let host = SourcePlugins.host(of: [source], in: home.configuration, keys: store.sourceKeys)
        defer { host.close() }
        let plan = try onceMore(subject, store, host, scratch, released: false)
        guard let hold = plan.hold else { return plan }
        // What a person decides about: everything that a release would do.
        do throws(DropError) {
            let released = try onceMore(subject, store, host, scratch, released: true)
            return Plan(
                books: released.books, rejections: released.rejections, changes: released.changes, reason: released.reason,
                hold: hold, untold: released.hold, isOfCorrections: released.isOfCorrections)
        } catch {
            return Plan(
                books: plan.books, rejections: plan.rejections, changes: [], hold: hold, untold: error,
                isOfCorrections: plan.isOfCorrections)
        }
    }

    /// A large file that deletes twins and states relationships of them is read a second time, and kept then, as that of a drop
    /// is.
    private func onceMore(
        _ subject: Subject, _ store: TwinStore, _ host: PluginHost, _ scratch: String, released: Bool
    ) throws(DropError) -> Plan {
        func once() throws(DropError) -> Plan { try rehearse(subject, store, host, scratch, released: released) }
        switch Result(catching: once) {
        case .success(let plan): return plan
        case .failure(let error):
            guard error.code == .conflict, case .retry = error.remedy else { throw error }
            return try once()
        }
    }

    /// A file that would be held at the door (an amendment of a held drop) has no books; one that a guard stops has its own.
    private func rehearse(
        _ subject: Subject, _ store: TwinStore, _ host: PluginHost, _ scratch: String, released: Bool
    ) throws(DropError) -> Plan {
        let record = record(of: subject, released: released)
        let judgement = DropJudgement(record, of: PipelineSource(source))
        if let first = try repeated(judgement, store, host) {
            return Plan(books: DropBooks(), rejections: [], changes: [], hold: nil, repeats: first)
        }
        var builder: (any ChangeSetBuilder)?
        var isOfCorrections = false
        do throws(DropError) {
            if let error = judgement.emptiness { throw error }
            let whole = try subject.input.bytes == 0 ? nil : amended(subject, record, store, host, scratch)
            defer { if let whole, let file = whole.file { whole.reader.remove(file) } }
            if whole?.file != nil, let first = try judgement.sameAmendment(register: store.register) {
                return Plan(books: DropBooks(), rejections: [], changes: [], hold: nil, repeats: first)
            }
            isOfCorrections = whole?.file != nil
            if let whole {
                if whole.drop == nil, let late = judgement.lateness(behind: try store.register.highestName(of: source.name)) {
                    throw late
                }
                let transformDigest = try host.transformDigest(of: source.name)
                let made = try store.graph.changeSet(
                    for: try job(subject, whole, judgement, transformDigest, scratch, released: released))
                builder = made
                try transform(subject, whole, store, host, into: made)
            } else {
                builder = try store.graph.changeSet(for: judgement.emptyJob(scratchFolder: scratch))
            }
            guard let made = builder else { preconditionFailure("a change set was made either way") }
            let changes = try made.finish()
            defer { changes.abandon() }
            var planned: [PlannedChange] = []
            try (changes as? DropChanges)?.forEachChange { planned.append($0) }
            return Plan(
                books: changes.books, rejections: changes.rejections, changes: planned, reason: (changes as? DropChanges)?.reason,
                hold: nil, isOfCorrections: isOfCorrections)
        } catch {
            defer { builder?.abandon() }
            guard error.remedy == .hold else { throw error }
            return Plan(
                books: builder?.books ?? DropBooks(), rejections: builder?.rejections ?? [], changes: [], hold: error,
                isOfCorrections: isOfCorrections)
        }
    }

    /// The drop as the pipeline would have it when its turn comes.
    private func record(of subject: Subject, released: Bool) -> DropRecord {
        DropRecord(
            id: subject.drop, source: source.name, fileName: subject.name, bytes: subject.input.bytes, digest: subject.digest,
            state: .registered, claimedAt: subject.drop.milliseconds, changedAt: subject.drop.milliseconds,
            intake: FileIdentity(device: 0, inode: 0, changeTime: 0), released: released)
    }

    private func repeated(
        _ judgement: DropJudgement, _ store: TwinStore, _ host: PluginHost
    ) throws(DropError) -> DropRecord? {
        let newest = try store.register.newestApplied(of: source.name)
        return try judgement.repeated(register: store.register, graph: store.graph, newest: newest) { () throws(DropError) in
            try host.transformDigest(of: source.name)
        }
    }

    /// What a file that amends an earlier drop comes to.
    private struct Amended {
        let reader: AmendmentReader
        var drop: DropID?
        var file: AmendedFile?
    }

    private func amended(
        _ subject: Subject, _ record: DropRecord, _ store: TwinStore, _ host: PluginHost, _ scratch: String
    ) throws(DropError) -> Amended {
        var result = Amended(reader: AmendmentReader(archive: home.paths.archive, scratch: scratch))
        subject.input.rewind()
        let verdict = try AmendmentJudge(register: store.register, graph: store.graph, book: result.reader).judge(
            record, descriptor: subject.input.descriptor, bytes: subject.input.bytes, at: subject.path, amended: &result.drop,
            dialect: { () throws(DropError) in
                _ = try host.transformDigest(of: source.name)
                return host.dialect(of: source.name)
            }, spooled: spooled)
        if case .amends(_, let file) = verdict { result.file = file }
        return result
    }

    private func job(
        _ subject: Subject, _ amended: Amended, _ judgement: DropJudgement, _ transformDigest: ContentDigest, _ scratch: String,
        released: Bool
    ) throws(DropError) -> ApplyJob {
        let bytes = subject.input.bytes
        return ApplyJob(
            drop: subject.drop, source: source.name, policy: source.policy, bytes: amended.file?.bytes ?? bytes,
            transformDigest: transformDigest,
            amends: amended.drop, amendment: amended.file?.amendment,
            place: amended.drop == nil ? try judgement.place() : nil, origin: amended.drop == nil ? subject.origin : nil,
            fileBytes: bytes, doubtsBytes: true, released: released, scratchFolder: scratch)
    }

    private func transform(
        _ subject: Subject, _ amended: Amended, _ store: TwinStore, _ host: PluginHost, into builder: any ChangeSetBuilder
    ) throws(DropError) {
        guard let file = amended.file else {
            subject.input.rewind()
            _ = try host.transform(
                TransformJob(
                    drop: subject.drop, source: source.name, fileName: subject.name, descriptor: subject.input.descriptor,
                    bytes: subject.input.bytes),
                into: builder)
            return
        }
        let original = try store.register.drop(file.amendment.drop)?.fileName ?? subject.name
        try amended.reader.withDescriptor(of: file) { (descriptor) throws(DropError) in
            _ = try host.transform(
                TransformJob(
                    drop: subject.drop, source: source.name, fileName: original, descriptor: descriptor, bytes: file.bytes),
                into: builder)
        }
    }

    /// Where the spool has a drop's bytes, of a daemon that runs or was stopped.
    private func spooled(_ drop: DropID) -> String? {
        let path = home.paths.state + "/spool/in/\(drop)"
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }
}
