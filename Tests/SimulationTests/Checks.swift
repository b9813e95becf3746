import DropCore
import Pipeline
import ThreadKit
import TwinModel

@testable import ReferenceStore

/// What must be true whatever happened.
extension Simulation {
    private static let ends: Set<DropState> = [.done, .held, .quarantined, .retried, .resolved, .discarded, .duplicate]

    /// Nothing goes on by itself: each drop is at an end, or says what it waits for.
    func check(atRest pipeline: DropPipeline) {
        let waiting = Set(pipeline.waitingDrops().map(\.record.id))
        for row in world.outside({ $0.sorted }) {
            if !Self.ends.contains(row.state), !waiting.contains(row.id) {
                note("the drop \(row.id) is \(row.state), and nobody says why")
            }
            if row.state.needsPerson, row.reason == nil { note("the drop \(row.id) is \(row.state) without a reason") }
        }
        checkFiles()
        checkGraph()
    }

    /// People have looked after everything.
    func checkEnd() {
        let disk = world.outside { $0 }
        for row in disk.sorted where !Self.ends.contains(row.state) || row.state.needsPerson {
            note("the drop \(row.id) ended as \(row.state)")
        }
        for row in disk.sorted where row.state == .done {
            if disk.receipts[row.id]?.state.isApplied != true { note("the drop \(row.id) is done, and no receipt says so") }
            if disk.spool[row.id] != nil { note("the drop \(row.id) is done, and still in the spool") }
            if disk.chain[row.id] == nil { note("the drop \(row.id) is done, and in no container") }
        }
        for row in disk.sorted where row.state == .retried {
            if row.closedBy.flatMap({ disk.rows[$0.drop] }) == nil {
                note("the drop \(row.id) runs again as one that is not there")
            }
        }
        if !disk.landing.isEmpty { note("\(disk.landing.count) files were never claimed") }
        checkFiles()
        checkGraph()
    }

    /// Another start finds nothing to do.
    func checkThatAStartChangesNothing() {
        for act in world.outside({ disk in disk.acts.filter { disk.actLeaves[$0.id] == nil } }) {
            note("the act \(act.kind) has no record in the chain")
        }
        let before = world.outside { ($0.rows, $0.sequences.count, $0.containers.count) }
        run { pipeline in rest(pipeline) }
        let after = world.outside { ($0.rows, $0.sequences.count, $0.containers.count) }
        for (id, row) in before.0 where after.0[id] != row { note("another start changed the drop \(id)") }
        if before.1 != after.1 || before.2 != after.2 { note("another start committed or archived something") }
    }

    /// Each file that was sent is one drop, or still in its folder; its bytes are somewhere, and it was applied once at most.
    private func checkFiles() {
        let disk = world.outside { $0 }
        let rows = Dictionary(grouping: disk.sorted, by: \.intake.inode)
        for (inode, file) in disk.sent.sorted(by: { $0.key < $1.key }) {
            let mine = rows[inode] ?? []
            let deliveries = mine.filter { $0.link?.kind != .retries }
            let isThere = disk.landing[inode] != nil
            if deliveries.count != (isThere ? 0 : 1) {
                note("the file \(file.name) of \(file.source) is \(deliveries.count) drops, and in its folder: \(isThere)")
            }
            let applied = mine.count { disk.sequences[$0.id] != nil }
            if applied > 1 { note("the file \(file.name) of \(file.source) was applied \(applied) times") }
            for row in mine {
                let places = [disk.spool[row.id], disk.quarantine[row.id], disk.archived(row.id)]
                let isRetried = row.link?.kind == .retries && row.state == .claimed
                if !places.contains(file.bytes), !isRetried { note("the bytes of the drop \(row.id) (\(row.state)) are gone") }
            }
        }
        for row in disk.sorted where row.state.isApplied != (disk.sequences[row.id] != nil) {
            if row.state != .discarded { note("the drop \(row.id) is \(row.state), and its commit says otherwise") }
        }
    }

    /// The graph is what the applied files make of nothing, one after the other; drops of an ordered source were applied in its
    /// order.
    private func checkGraph() {
        let disk = world.outside { $0 }
        let inOrder = disk.sequences.sorted { $0.value < $1.value }.compactMap { disk.rows[$0.key] }
        var expected: [String: Int64] = [:]
        for source in Self.sources {
            var twins: [String: Int64] = [:]
            for row in inOrder where row.source == source.name {
                guard let file = disk.sent[row.intake.inode] else { continue }
                Delivery(bytes: file.bytes).fold(into: &twins, isList: source.policy.mode == .snapshot)
            }
            expected.merge(twins) { first, _ in first }
            checkOrder(of: source, inOrder.filter { $0.source == source.name })
        }
        let found = world.store.state.with { state in
            Dictionary(uniqueKeysWithValues: state.present.twins.map { ($0.key.text, $0.value.properties[Name("v")]?.value) })
        }
        for id in Set(expected.keys).union(found.keys).sorted() {
            let (wanted, got) = (expected[id].map { PropertyValue.integer($0) }, found[id] ?? nil)
            if wanted != got { note("the twin \(id) is \(text(got)), and should be \(text(wanted))") }
        }
    }

    private func text(_ value: PropertyValue?) -> String { value.map { "\($0)" } ?? "not there" }

    private func checkOrder(of source: PipelineSource, _ applied: [DropRecord]) {
        let usual = applied.filter { !$0.released && $0.link == nil && $0.bytes > 0 }
        for (one, next) in zip(usual, usual.dropFirst()) {
            let isInOrder =
                switch source.order {
                case .none: true
                case .arrival: one.id < next.id
                case .name: !(next.fileName < one.fileName)
                }
            if !isInOrder { note("the drop \(next.id) of \(source.name) was applied behind \(one.id)") }
        }
    }
}
