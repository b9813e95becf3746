import DropCore

/// Takes files out of the landing folders of the simulated disk.
struct SimulatedClaimer: FileClaimer {
    let world: World
    /// Sources whose files must not overtake one another.
    let ordered: Set<SourceName>

    func prepare(_ files: [(file: SettledFile, id: DropID)]) throws(DropError) -> any PreparedClaim {
        let isOpenElsewhere = files.map { _ in world.happens(oneIn: 20) }
        var stopped: Set<SourceName> = []
        let openings = try world.call("open files") { disk in
            zip(files, isOpenElsewhere).map { pair, isOpen -> ClaimOpening in
                let file = pair.file
                if stopped.contains(file.source) { return .not(.behind) }
                if let landed = disk.landing[file.identity.inode], !isOpen { return .ready(bytes: UInt64(landed.bytes.count)) }
                if ordered.contains(file.source) { stopped.insert(file.source) }
                return .not(.notYet(WaitingReason(isOpen ? .writer : .changed)))
            }
        }
        return SimulatedClaim(world, ordered: ordered, files, openings, stopped)
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

/// Files on their way out of a landing folder. Now and then somebody writes to one, and it goes back.
final class SimulatedClaim: PreparedClaim {
    let openings: [ClaimOpening]
    private(set) var leasedDescriptor: CInt?
    private let world: World
    private let ordered: Set<SourceName>
    private let files: [(file: SettledFile, id: DropID)]
    private var stopped: Set<SourceName>
    private var results: [ClaimResult] = []

    init(
        _ world: World, ordered: Set<SourceName>, _ files: [(file: SettledFile, id: DropID)], _ openings: [ClaimOpening],
        _ stopped: Set<SourceName>
    ) {
        (self.world, self.ordered, self.files, self.openings, self.stopped) = (world, ordered, files, openings, stopped)
        guard files.count == 1, case .ready = openings[0] else { return }
        let inode = files[0].file.identity.inode
        leasedDescriptor = world.outside { disk in disk.opened(disk.landing[inode]?.bytes ?? []) }
    }

    func commit() throws(DropError) -> [ClaimResult?] {
        let isWritten = files.map { _ in world.happens(oneIn: 20) }
        results = try world.call("move files", [World.brokenDisk]) { disk in
            files.indices.map { index in
                if case .not(let result) = openings[index] { return result }
                let (file, id) = files[index]
                if stopped.contains(file.source) { return .behind }
                guard !isWritten[index], let landed = disk.landing[file.identity.inode] else {
                    if ordered.contains(file.source) { stopped.insert(file.source) }
                    return .notYet(WaitingReason(.writer))
                }
                disk.landing[file.identity.inode] = nil
                disk.spool[id] = landed.bytes
                disk.moving[id] = landed
                return .claimed(id, bytes: UInt64(landed.bytes.count))
            }
        }
        return results
    }

    func finish() throws(DropError) -> [ClaimResult] {
        try world.call("sync folders", [World.brokenDisk]) { disk in for (_, id) in files { disk.moving[id] = nil } }
        return results
    }

    func close() {
        if let descriptor = leasedDescriptor { world.outside { $0.open[descriptor] = nil } }
        leasedDescriptor = nil
    }
}

/// The plugins of all sources: they read what `Delivery` says, and crash or are out of order now and then.
struct SimulatedTransformer: Transformer {
    let world: World
    static let transformDigest = ContentDigest(bytes: [UInt8](repeating: 7, count: 32))

    func transform(
        _ job: TransformJob, into sink: any OperationSink, ran: inout TransformSummary?
    ) throws(DropError) {
        let delivery = Delivery(bytes: world.outside { $0.open[job.descriptor] ?? [] })
        ran = TransformSummary(
            pluginID: "simulated", pluginVersion: "1", pluginDigest: Self.transformDigest, transformDigest: Self.transformDigest,
            log: [])
        try world.call("transform", [World.pluginCrash, World.noWorker]) { _ in }
        if job.isCancelled() {
            throw DropError(.cancelled, "It was cancelled.", hint: "", remedy: .retry(after: .zero))
        }
        if delivery.isBad { throw DropError(.refused, "The file is bad.", hint: "Send another.", remedy: .quarantine) }
        try unsafe sink.absorb(delivery.stream.span.bytes)
    }

    func transformDigest(of source: SourceName) throws(DropError) -> ContentDigest {
        try world.call("ask for epoch", [World.wrongSettings]) { _ in Self.transformDigest }
    }
}
