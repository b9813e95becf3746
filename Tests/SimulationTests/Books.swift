import DropCore
import Pipeline
import ReferenceStore
import TwinModel

/// The list of drops, on the simulated disk.
struct SimulatedRegister: DropRegister {
    let world: World

    private func read<T>(_ what: String, _ body: (Disk) -> T) throws(DropError) -> T {
        try world.call(what) { body($0) }
    }

    func recordIntents(_ drops: [DropRecord]) throws(DropError) {
        try world.call("write intents", [World.noRoom, World.brokenDisk]) { disk in for drop in drops { disk.write(drop) } }
    }

    func withdraw(_ drops: [DropID]) throws(DropError) {
        try world.call("withdraw intents", [World.noRoom]) { disk in
            for drop in drops {
                if let row = disk.rows[drop], row.state != .claimed {
                    disk.findings.append("the drop \(drop) was withdrawn as \(row.state)")
                }
                disk.rows[drop] = nil
            }
        }
    }

    func update(_ drops: [DropRecord], by act: Act?) throws(DropError) {
        try world.call("write rows", [World.noRoom, World.brokenDisk]) { disk in
            for drop in drops { disk.write(drop) }
            if let act { disk.acts.append(act) }
        }
    }

    func noteArchived(_ drops: [DropRecord], done: [DropID], head: ArchiveHead?) throws(DropError) {
        try world.call("note archived", [World.noRoom]) { disk in
            for drop in drops {
                guard var row = disk.rows[drop.id] else { continue }
                (row.container, row.member) = (drop.container, drop.member)
                if row.state == .applied { (row.state, row.changedAt) = (.archived, drop.changedAt) }
                disk.write(row)
            }
            for drop in done {
                guard var row = disk.rows[drop], row.state == .archived else { continue }
                row.state = .done
                disk.write(row)
            }
        }
    }

    func close(_ drops: [DropID], by closing: DropClosing, at milliseconds: UInt64) throws(DropError) -> [DropRecord] {
        try world.call("close drops", [World.noRoom]) { disk in
            var closed: [DropRecord] = []
            for id in drops {
                guard var row = disk.rows[id] else { continue }
                let isOpen = row.state == .quarantined || row.state == .retried
                guard isOpen || row.state.isApplied && row.closedBy == nil else { continue }
                row.closedBy = closing
                if isOpen { (row.state, row.changedAt) = (.resolved, max(row.changedAt, milliseconds)) }
                disk.write(row)
                closed.append(row)
            }
            return closed
        }
    }

    func unrecordedActs() throws(DropError) -> [Act] {
        try read("read acts") { disk in disk.acts.filter { !disk.recordedActs.contains($0.id) } }
    }

    func noteRecorded(_ acts: [(act: DropID, leaf: UInt64)]) throws(DropError) {
        try world.call("note acts", [World.noRoom]) { disk in for act in acts { disk.recordedActs.insert(act.act) } }
    }

    func drop(_ id: DropID) throws(DropError) -> DropRecord? { try read("read row") { $0.rows[id] } }

    func drops(in states: Set<DropState>) throws(DropError) -> [DropRecord] {
        try read("list rows") { $0.sorted.filter { states.contains($0.state) } }
    }

    func unfinished() throws(DropError) -> [DropRecord] {
        let open: Set<DropState> = [.claimed, .registered, .applied, .archived, .held]
        return try read("list unfinished") { disk in
            disk.sorted.filter { open.contains($0.state) || $0.state != .done && $0.container == nil }
        }
    }

    func blocking(_ source: SourceName, _ order: DropOrder) throws(DropError) -> [DropRecord] {
        guard order != .none else { return [] }
        return try read("list blocking") { disk in
            let applied = disk.applied(of: source)
            return disk.sorted.filter { row in
                row.state == .quarantined && row.source == source && row.link?.kind != .amends
                    && !applied.contains { $0.id > row.id && (order == .arrival || !($0.fileName < row.fileName)) }
            }
        }
    }

    func page(source: SourceName?, states: Set<DropState>?, before: DropID?, limit: Int) throws(DropError) -> [DropRecord] { [] }
    func find(_ prefix: String, limit: Int) throws(DropError) -> [DropRecord] { [] }

    func newestApplied(of source: SourceName) throws(DropError) -> DropRecord? {
        try read("read newest") { $0.applied(of: source).last }
    }

    func highestName(of source: SourceName) throws(DropError) -> FileName? {
        try read("read highest name") { $0.applied(of: source).map(\.fileName).max() }
    }

    func commitSequence(of id: DropID) throws(DropError) -> UInt64? { try read("read sequence") { $0.sequences[id] } }

    func hasApplied(_ name: FileName, of source: SourceName, before id: DropID) throws(DropError) -> Bool {
        try read("look for name") { disk in
            disk.sorted.contains {
                $0.fileName == name && $0.source == source && $0.id < id && disk.sequences[$0.id] != nil
            }
        }
    }

    func applied(with digest: ContentDigest, of source: SourceName) throws(DropError) -> DropRecord? {
        try read("look for digest") { disk in
            disk.sorted.filter { $0.digest == digest && $0.source == source && disk.sequences[$0.id] != nil }
                .max { disk.sequences[$0.id]! < disk.sequences[$1.id]! }
        }
    }

    func archived(with digest: ContentDigest) throws(DropError) -> DropID? {
        try read("look for archived") { disk in
            disk.sorted.first { $0.digest == digest && $0.container != nil && $0.link?.kind != .duplicates }?.id
        }
    }

    func drop(withIntake identity: FileIdentity, of source: SourceName, before id: DropID) throws(DropError) -> DropRecord? {
        try read("look for intake") { disk in
            disk.sorted.last { $0.intake == identity && $0.source == source && $0.id < id }
        }
    }
}

extension Disk {
    /// In a source in the order of arrival nothing passes a drop that waits for a person, but what a person asked for and
    /// corrections. One that was passed before, while it was being tried again, stops nobody any more.
    mutating func checkPassing(_ row: DropRecord) {
        let isOrdered = Simulation.sources.contains { $0.name == row.source && $0.order == .arrival }
        guard isOrdered, row.link == nil, !row.released else { return }
        let newest = applied(of: row.source).map(\.id).max()
        let passed = sorted.first { one in
            one.source == row.source && one.id < row.id && one.state.needsPerson && one.link?.kind != .amends
                && newest.map { $0 < one.id } ?? true
        }
        if let passed { findings.append("the drop \(row.id) passed \(passed.id), which is \(passed.state)") }
    }

    /// All rows, oldest first.
    var sorted: [DropRecord] { rows.values.sorted { $0.id < $1.id } }
}

/// The reference store as the graph of the flow; a commit writes the rows of its drops, too. Now and then a drop meets others, or
/// storage has room for a part of the commits only.
struct SimulatedGraph: TwinGraph {
    let world: World

    func changeSet(for job: ApplyJob) throws(DropError) -> any ChangeSetBuilder {
        try world.call("begin to compare", [World.noRoom]) { _ in }
        return try world.store.changeSet(for: job)
    }

    func commit(
        _ batch: [(changes: any ChangeSet, record: DropRecord)]
    ) throws(DropError) -> [Result<CommitResult, DropError>] {
        let met = batch.map { _ in world.happens(oneIn: 25) }
        let isCut = batch.count > 1 && world.happens(oneIn: 15)
        return try world.call("commit", [World.noRoom, World.brokenDisk]) { (disk) throws(DropError) in
            var results: [Result<CommitResult, DropError>] = []
            for (pair, isMet) in zip(batch, met) {
                if isCut, results.count == batch.count / 2 { throw World.noRoom }
                guard !isMet || disk.sequences[pair.record.id] != nil else {
                    results.append(.failure(World.conflict))
                    continue
                }
                let result = try world.store.commit([pair])[0]
                if case .success(let done) = result {
                    var row = pair.record
                    row.books = done.books
                    if let reason = done.reason { row.reason = reason }
                    disk.checkPassing(row)
                    disk.write(row)
                    disk.sequences[row.id] = done.sequence
                }
                results.append(result)
            }
            return results
        }
    }

    func isUntouched(since drop: DropID, source: SourceName) throws(DropError) -> Bool {
        try world.call("ask whether untouched") { _ in }
        return try world.store.isUntouched(since: drop, source: source)
    }

    func refusals(of drop: DropID) throws(DropError) -> Refusals? {
        try world.call("read refusals") { _ in }
        return try world.store.refusals(of: drop)
    }
}
