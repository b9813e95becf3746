import DropCore
import Pipeline
import ReferenceStore
import ThreadKit
import TwinModel

/// One life of a home, by a seed: senders deliver, people act, ports fail, the machine goes off and is started again. At its end
/// everything is put in order, and nothing may be lost, doubled or half done (docs/simulation.md).
final class Simulation: Sendable {
    let seed: UInt64
    let world: World
    /// What senders and people do, drawn apart from what goes wrong.
    private let random: Box<SeededNumbers>
    /// Files that the flow has, by inode.
    private let submitted = Box<Set<UInt64>>([])
    private let inodes = Box<UInt64>(0)

    static let sources = [
        PipelineSource(name: SourceName("steps")!, policy: policy(.incremental)),
        PipelineSource(name: SourceName("lists")!, policy: policy(.snapshot)),
        // Each delete is past its limit: many of its drops are held, and others wait behind them.
        PipelineSource(
            name: SourceName("arrival")!, policy: policy(.incremental, deletes: 0), duplicates: .process, order: .arrival),
        PipelineSource(name: SourceName("names")!, policy: policy(.incremental), duplicates: .skipAny, order: .name),
    ]

    private static func policy(_ mode: ApplyPolicy.Mode, deletes free: UInt64 = 2) -> ApplyPolicy {
        var policy = ApplyPolicy()
        policy.mode = mode
        (policy.deletesShareMax, policy.deletesFree) = (free == 0 ? 0.01 : 0.5, free)
        return policy
    }

    init(seed: UInt64, _ world: World) {
        (self.seed, self.world) = (seed, world)
        random = Box(SeededNumbers(seed: seed &* 5 &+ 2))
    }

    /// Runs one seed; what it found, and the last calls of ports.
    static func findings(
        seed: UInt64, turnsMax: Int = 400_000, _ body: (Simulation) -> Void
    ) -> (findings: [String], trace: [String]) {
        let world = Box<World?>(nil)
        let conductor = Conductor(seed: seed, turnsMax: turnsMax) { why in
            Report.stop(seed, ["the threads are stuck: \(why)"], trace: world.value?.trace ?? [])
        }
        let simulation = Simulation(seed: seed, World(seed: seed, conductor))
        world.value = simulation.world
        conductor.run { body(simulation) }
        return (simulation.world.outside { $0.findings }, simulation.world.trace)
    }

    // MARK: - The program

    func makePipeline() -> DropPipeline {
        let world = world
        let ordered = Set(Self.sources.filter { $0.order != .none }.map(\.name))
        let ports = PipelinePorts(
            register: SimulatedRegister(world: world), graph: SimulatedGraph(world: world),
            transformer: SimulatedTransformer(world: world), claimer: SimulatedClaimer(world: world, ordered: ordered),
            spool: SimulatedSpool(world: world), receipts: SimulatedReceipts(world: world),
            amendments: SimulatedAmendments(world: world),
            makeArchive: { () throws(DropError) in
                try world.call("open archive", [World.noRoom]) { _ in }
                return SimulatedArchive(world)
            },
            fetch: { (drop, descriptor) throws(DropError) in
                try world.call("fetch from archive") { (disk) throws(DropError) in
                    guard let bytes = disk.archived(drop) else { throw ByteLoss.missing("the archive") }
                    disk.open[descriptor] = bytes
                }
            }, clock: { world.now })
        var limits = PipelineLimits()
        limits.transformThreads = 2
        limits.batchDrops = 4
        return DropPipeline(
            ports: ports, sources: Self.sources, limits: limits, notBefore: world.now,
            afterClaim: { [submitted] results in
                for (file, result) in results {
                    if case .claimed = result { continue }
                    submitted.value.remove(file.identity.inode)  // It is looked at again.
                }
            }, emit: { _ in })
    }

    /// A run of the program, from its start until `body` has returned, the program has failed or the machine is off.
    func run(patience: Duration = .seconds(20), _ body: (DropPipeline) -> Void) {
        submitted.value = []
        let pipeline = makePipeline()
        do throws(DropError) {
            try pipeline.start()
            body(pipeline)
        } catch {}  // It cannot start now: the next start can.
        pipeline.stop(patience: world.isOff ? .zero : patience)
        world.restart()
    }

    /// Hands over what lies in the landing folders and the flow does not have, in the order in which it came.
    func look(_ pipeline: DropPipeline) {
        let files = world.outside { disk in disk.landing.values.sorted { $0.identity.inode < $1.identity.inode } }
            .filter { !submitted.value.contains($0.identity.inode) }
        guard !files.isEmpty else { return }
        for file in files { submitted.value.insert(file.identity.inode) }
        pipeline.submit(
            files.map { file in
                SettledFile(
                    source: file.source, folder: "landing", name: file.name, bytes: UInt64(file.bytes.count),
                    identity: file.identity)
            })
    }

    // MARK: - A life

    /// Some runs in which anything may go wrong, then one in which nothing does.
    func live(runs: Int? = nil) {
        for _ in 0..<(runs ?? draw(1...3)) {
            if draw(0...3) > 0 { world.goOff(after: draw(1...(draw(0...2) == 0 ? 40 : 300))) }
            run(patience: draw(0...1) == 0 ? .zero : .seconds(20)) { pipeline in
                for _ in 0..<draw(3...12) {
                    guard !world.isOff, pipeline.failure == nil else { return }
                    act(on: pipeline)
                    look(pipeline)
                    Conductor.pause(.milliseconds(draw(0...150)))
                }
            }
        }
        world.calmDown()
        run { pipeline in
            look(pipeline)
            rest(pipeline)
            check(atRest: pipeline)
            putInOrder(pipeline)
            checkEnd()
        }
        checkThatAStartChangesNothing()
    }

    /// Goes on until nothing is left that can.
    func rest(_ pipeline: DropPipeline, mayFail: Bool = false) {
        for source in pipeline.suspended.sorted() { pipeline.resume(source) }
        if let failure = pipeline.waitUntilIdle(), !mayFail { note("the flow failed: \(failure)") }
    }

    /// People look after everything that waits for one.
    private func putInOrder(_ pipeline: DropPipeline) {
        for round in 0..<100 {
            let waiting = world.outside { $0.sorted.filter(\.state.needsPerson) }
            if waiting.isEmpty { return }
            for row in waiting {
                attempt { () throws(DropError) in
                    if round > 4 || draw(0...2) == 0 {
                        _ = try pipeline.discard(row.id, by: .token("p"), reason: nil)
                    } else if row.state == .held {
                        _ = try pipeline.release(row.id, force: true, by: .token("p"), reason: nil)
                    } else {
                        _ = try pipeline.retry(row.id, force: true, by: .token("p"), reason: nil)
                    }
                }
            }
            rest(pipeline)
        }
    }

    private func act(on pipeline: DropPipeline) {
        switch draw(0...9) {
        case 0: actOnDrop(pipeline)
        case 1: for source in pipeline.suspended.sorted() { pipeline.resume(source) }
        default: for _ in 0..<draw(1...2) { deliver() }
        }
    }

    private func actOnDrop(_ pipeline: DropPipeline) {
        let rows = world.outside { $0.sorted.filter { $0.state.needsPerson || $0.state == .claimed } }
        guard let row = rows.randomElement(using: &random.value) else { return }
        let isForced = draw(0...1) == 0
        attempt { () throws(DropError) in
            switch draw(0...2) {
            case 0: _ = try pipeline.discard(row.id, by: .token("p"), reason: nil)
            case 1: _ = try pipeline.release(row.id, force: isForced, by: .token("p"), reason: nil)
            default: _ = try pipeline.retry(row.id, force: isForced, by: .token("p"), reason: nil)
            }
        }
    }

    /// What a person is refused is no finding: the drop is in another state by then, or storage has no room.
    private func attempt(_ body: () throws(DropError) -> Void) { do throws(DropError) { try body() } catch {} }

    // MARK: - Deliveries

    /// A sender puts a file into its source's folder.
    func deliver() {
        let source = Self.sources[draw(0...Self.sources.count - 1)]
        inodes.value += 1
        let number = inodes.value
        let earlier = world.outside { disk in disk.sent.values.filter { $0.source == source.name } }
            .sorted { $0.identity.inode < $1.identity.inode }
        var name = draw(0...4) == 0 ? "again" : "f\(1000 + number)"
        if source.order == .name { name = "n\(draw(0...5) == 0 ? draw(1000...1000 + Int(number)) : 1000 + Int(number))" }
        var bytes = content(of: source).bytes
        if draw(0...5) == 0, let other = earlier.randomElement(using: &random.value) { bytes = other.bytes }
        put(
            Disk.Landed(
                source: source.name, name: FileName(name), bytes: bytes,
                identity: FileIdentity(device: 1, inode: number, changeTime: Int64(number))))
    }

    private func put(_ file: Disk.Landed) {
        world.outside { disk in
            disk.landing[file.identity.inode] = file
            disk.sent[file.identity.inode] = file
        }
    }

    private func content(of source: PipelineSource) -> Delivery {
        switch draw(0...19) {
        case 0: return Delivery(["bad"])
        case 1: return Delivery([])
        case 2:
            let refused = world.outside { disk in
                disk.sorted.filter { row in
                    row.source == source.name && disk.sequences[row.id] != nil && (row.books?.recordsRejected ?? 0) > 0
                }
            }
            guard let row = refused.randomElement(using: &random.value) else { break }
            return Delivery(["amends \(row.id)", "set \(twin(source)) \(draw(0...99))"])
        default: break
        }
        var lines: [String] = []
        for index in 0..<6 where draw(0...2) > 0 { lines.append("set \(source.name)-\(index) \(draw(0...99))") }
        if draw(0...3) == 0 { lines.append("del \(twin(source))") }
        if draw(0...4) == 0 { lines.append("rej") }
        return Delivery(lines)
    }

    private func twin(_ source: PipelineSource) -> String { "\(source.name)-\(draw(0...5))" }

    func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random.value) }

    func note(_ finding: String) { world.outside { $0.findings.append(finding) } }
}
