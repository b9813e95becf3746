import DropCore

/// Takes files out of the landing folders of the simulated disk.
final class SimulatedClaimer: FileClaimer {
    private let world: World
    private let register: SimulatedRegister
    private let ordered: Set<SourceName>
    /// Intents that came to nothing and are in the register still.
    private let void = Box<[DropID]>([])

    init(_ world: World, ordered: Set<SourceName>) {
        (self.world, self.ordered) = (world, ordered)
        register = SimulatedRegister(world: world)
    }

    func claim(
        _ files: [(file: SettledFile, id: DropID)], at milliseconds: UInt64,
        whenHeld: (_ descriptor: CInt, _ bytes: UInt64) -> Void, whenMoved: ([ClaimResult?]) -> Void
    ) throws(DropError) -> [ClaimResult] {
        var stopped: Set<SourceName> = []
        let isOpenElsewhere = files.map { _ in world.happens(oneIn: 20) }
        var results = try world.call("open files") { disk in
            zip(files, isOpenElsewhere).map { pair, isOpen -> ClaimResult? in
                let file = pair.file
                if stopped.contains(file.source) { return .behind }
                if disk.landing[file.identity.inode] != nil, !isOpen { return nil }
                if ordered.contains(file.source) { stopped.insert(file.source) }
                return .notYet(WaitingReason(isOpen ? .writer : .changed))
            }
        }
        let ready = files.indices.filter { results[$0] == nil }
        guard !ready.isEmpty else { return results.compactMap(\.self) }
        if files.count == 1 { lend(files[0].file, whenHeld) }
        try register.intend(ready.map { files[$0].file.claimed(as: files[$0].id, bytes: files[$0].file.bytes, at: milliseconds) })

        let isWritten = files.map { _ in world.happens(oneIn: 20) }
        results = try world.call("move files", [World.brokenDisk]) { disk in
            var results = results
            for index in ready {
                let (file, id) = files[index]
                guard !stopped.contains(file.source), !isWritten[index], let landed = disk.landing[file.identity.inode] else {
                    results[index] = stopped.contains(file.source) ? .behind : .notYet(WaitingReason(.writer))
                    if ordered.contains(file.source) { stopped.insert(file.source) }
                    continue
                }
                disk.landing[file.identity.inode] = nil
                disk.spool[id] = landed.bytes
                disk.moving[id] = landed
                results[index] = .claimed(id, bytes: UInt64(landed.bytes.count))
            }
            return results
        }
        whenMoved(results)
        try world.call("sync folders", [World.brokenDisk]) { disk in for (_, id) in files { disk.moving[id] = nil } }
        try withdraw(ready.filter { if case .claimed = results[$0] { false } else { true } }.map { files[$0].id })
        return results.compactMap(\.self)
    }

    /// Nobody writes to the file until it is moved.
    private func lend(_ file: SettledFile, _ body: (_ descriptor: CInt, _ bytes: UInt64) -> Void) {
        let descriptor = world.outside { disk in disk.opened(disk.landing[file.identity.inode]?.bytes ?? []) }
        body(descriptor, file.bytes)
        world.outside { $0.open[descriptor] = nil }
    }

    private func withdraw(_ drops: [DropID]) throws(DropError) {
        void.value += drops
        guard !void.value.isEmpty else { return }
        do throws(DropError) { try register.withdraw(void.value) } catch {
            guard case .retry = error.remedy else { throw error }
            return
        }
        void.value = []
    }

    func recover(_ intents: [DropRecord]) throws(DropError) -> [RecoveredClaim] {
        try world.call("recover claims", [World.brokenDisk]) { disk in
            intents.map { intent in
                disk.moving[intent.id] = nil
                if let bytes = disk.spool[intent.id] { return .adopted(intent.id, bytes: UInt64(bytes.count)) }
                return disk.landing[intent.intake.inode] != nil ? .withdrawn(intent.id) : .missing(intent.id)
            }
        }
    }
}

/// The plugins of all sources: they read what `Delivery` says, and crash or are out of order now and then.
struct SimulatedTransformer: Transformer {
    let world: World
    static let epoch = ContentDigest(bytes: [UInt8](repeating: 7, count: 32))

    func transform(
        _ job: TransformJob, into sink: any OperationSink, ran: inout TransformSummary?
    ) throws(DropError) {
        let delivery = Delivery(bytes: world.outside { $0.open[job.descriptor] ?? [] })
        ran = TransformSummary(
            pluginID: "simulated", pluginVersion: "1", pluginDigest: Self.epoch, epoch: Self.epoch, log: [])
        try world.call("transform", [World.pluginCrash, World.noWorker]) { _ in }
        if job.isCancelled() {
            throw DropError(.cancelled, "It was cancelled.", hint: "", remedy: .retry(after: .zero))
        }
        if delivery.isBad { throw DropError(.refused, "The file is bad.", hint: "Send another.", remedy: .quarantine) }
        try unsafe sink.absorb(delivery.stream.span.bytes)
    }

    func epoch(of source: SourceName) throws(DropError) -> ContentDigest {
        try world.call("ask for epoch", [World.wrongSettings]) { _ in Self.epoch }
    }
}
