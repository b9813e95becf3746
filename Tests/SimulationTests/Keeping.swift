import DropCore
import TwinModel

/// The spool and the quarantine of a simulated disk. Descriptors are numbers of open files in it.
struct SimulatedSpool: DropSpool {
    let world: World

    func path(of drop: DropID) -> String { "spool/\(drop)" }
    func contains(_ drop: DropID) -> Bool { world.outside { $0.spool[drop] != nil } }

    func attachDescriptor(_ descriptor: CInt, as drop: DropID) throws(DropError) {
        world.outside { disk in disk.attached[drop] = disk.open[descriptor] }
    }

    func detachDescriptor(of drop: DropID) { world.outside { $0.attached[drop] = nil } }

    private func bytes(of drop: DropID, _ disk: Disk) throws(DropError) -> [UInt8] {
        guard let bytes = disk.bytes(of: drop) else { throw ByteLoss.missing(path(of: drop)) }
        return bytes
    }

    func withDescriptor<T>(
        of drop: DropID, _ body: (_ descriptor: CInt, _ bytes: UInt64) throws(DropError) -> T
    ) throws(DropError) -> T {
        let (descriptor, count) = try world.call("open spooled") { (disk) throws(DropError) in
            let bytes = try bytes(of: drop, disk)
            return (disk.opened(bytes), UInt64(bytes.count))
        }
        defer { world.outside { $0.open[descriptor] = nil } }
        return try body(descriptor, count)
    }

    func digest(of drop: DropID, isCancelled: () -> Bool) throws(DropError) -> ContentDigest {
        try world.call("read spooled", [World.unreadable]) { (disk) throws(DropError) in
            Disk.digest(try bytes(of: drop, disk))
        }
    }

    func quarantinedDigest(of drop: DropID, on day: UTCDay) throws(DropError) -> (bytes: UInt64, digest: ContentDigest) {
        try world.call("read quarantined") { (disk) throws(DropError) in
            guard let bytes = disk.quarantine[drop] else { throw ByteLoss.missing(quarantinedPath(of: drop, on: day)) }
            return (UInt64(bytes.count), Disk.digest(bytes))
        }
    }

    func fill(_ drop: DropID, _ body: (_ descriptor: CInt) throws(DropError) -> Void) throws(DropError) {
        let descriptor = try world.call("make spooled", [World.noRoom]) { $0.opened([]) }
        defer { world.outside { $0.open[descriptor] = nil } }
        try body(descriptor)
        try world.call("fill spooled") { disk in disk.spool[drop] = disk.open[descriptor] }
    }

    func remove(_ drops: [DropID]) throws(DropError) {
        try world.call("remove spooled", [World.noRoom, World.brokenDisk]) { disk in
            for drop in drops {
                if let bytes = disk.spool[drop], disk.archived(drop) != bytes {
                    disk.findings.append("the drop \(drop) left the spool, and the archive does not have its bytes")
                }
                disk.spool[drop] = nil
            }
        }
    }

    func quarantine(_ drop: DropID, on day: UTCDay, reason: JSON) throws(DropError) {
        try world.call("quarantine", [World.noRoom]) { disk in
            guard let bytes = disk.spool[drop] else { return }
            disk.quarantine[drop] = bytes
            disk.spool[drop] = nil
        }
    }

    func isQuarantined(_ drop: DropID, on day: UTCDay) -> Bool { world.outside { $0.quarantine[drop] != nil } }
    func quarantinedPath(of drop: DropID, on day: UTCDay) -> String { "quarantine/\(drop)" }

    func requeueFromQuarantine(_ drop: DropID, on day: UTCDay, as copy: DropID) throws(DropError) {
        try world.call("respool", [World.noRoom]) { (disk) throws(DropError) in
            guard let bytes = disk.quarantine[drop] else { throw ByteLoss.missing(quarantinedPath(of: drop, on: day)) }
            disk.spool[copy] = bytes
            if copy == drop { disk.quarantine[drop] = nil }
        }
    }

    func quarantinedDrops() throws(DropError) -> [DropID] {
        try world.call("list quarantine") { $0.quarantine.keys.sorted() }
    }

    func deleteQuarantined(_ drop: DropID, on day: UTCDay) throws(DropError) {
        try world.call("forget quarantined", [World.noRoom]) { disk in
            if let bytes = disk.quarantine[drop], disk.archived(drop) != bytes {
                disk.findings.append("the drop \(drop) left the quarantine, and the archive does not have its bytes")
            }
            disk.quarantine[drop] = nil
        }
    }

    func freeSpace() throws(DropError) -> FreeSpace {
        let isFull = world.happens(oneIn: 60)
        return FreeSpace(bytesFree: isFull ? 0 : 1 << 40, bytesTotal: 1 << 40)
    }
}

/// The archive, as one run of the program has it: its open container goes with the run.
final class SimulatedArchive: DropArchive {
    private let world: World
    private let container = Box<[Disk.Member]>([])

    init(_ world: World) { self.world = world }

    func append(_ item: ArchiveItem) throws(DropError) {
        let open = container.value
        let member = try world.call("append to container", [World.noRoom]) { (disk) throws(DropError) in
            let drop = item.record.id
            if let same = item.sameBytesAs {
                if disk.chain[same] == nil, !open.contains(where: { $0.drop == same }) {
                    disk.findings.append("the drop \(drop) is to be archived with the bytes of one that is not")
                }
                return Disk.Member(drop: drop, kind: item.kind, bytes: [], same: same)
            }
            let stored = item.record.state.isQuarantined ? disk.quarantine[drop] : disk.spool[drop]
            guard let bytes = stored else { throw ByteLoss.missing(item.path) }
            if let known = item.record.digest, known != Disk.digest(bytes) {
                throw ByteLoss.changed(item.path, known: known, found: Disk.digest(bytes))
            }
            return Disk.Member(drop: drop, kind: item.kind, bytes: bytes, same: nil)
        }
        container.value.append(member)
    }

    var drops: [DropID] { container.value.map(\.drop) }
    var isFull: Bool { container.value.count >= 3 }
    var head: ArchiveHead {
        let none = ContentDigest(bytes: [UInt8](repeating: 0, count: 32))
        return ArchiveHead(bytes: 0, records: world.outside { $0.leaves }, leaf: none, root: none)
    }

    func close() throws(DropError) -> [ArchivedItem] {
        let members = container.value
        guard !members.isEmpty else { return [] }
        try world.call("finish container", [World.noRoom, World.brokenDisk]) { $0.containers.append(members) }
        do throws(DropError) { try world.call("write chain", [World.noRoom]) { Self.chain(&$0) } } catch {
            // Its records did not fit: it loses its name again. Where the machine went off, it keeps it.
            if case .retry = error.remedy { world.outside { disk in _ = disk.containers.removeLast() } }
            throw error
        }
        container.value = []
        return world.outside { disk in members.compactMap { disk.chain[$0.drop] } }
    }

    /// Records of the containers that have none.
    private static func chain(_ disk: inout Disk) {
        while disk.chained < disk.containers.count {
            let name = "c\(disk.chained)"
            for member in disk.containers[disk.chained] {
                if disk.chain[member.drop] != nil { disk.findings.append("the drop \(member.drop) has two closing records") }
                disk.chain[member.drop] = ArchivedItem(
                    drop: member.drop, container: name, member: "m\(disk.leaves)", leaf: disk.leaves,
                    content: disk.rows[member.drop]?.digest, kind: member.kind)
                disk.leaves += 1
            }
            disk.chained += 1
        }
    }

    func recover(_ drops: [DropRecord]) throws(DropError) -> [ArchivedItem] {
        try world.call("recover archive", [World.noRoom]) { disk in
            Self.chain(&disk)
            return drops.compactMap { disk.chain[$0.id] }
        }
    }

    func note(_ acts: [Act]) throws(DropError) -> [UInt64] {
        try world.call("write acts", [World.noRoom]) { disk in
            acts.map { act in
                if let leaf = disk.actLeaves[act.id] { return leaf }
                disk.actLeaves[act.id] = disk.leaves
                disk.leaves += 1
                return disk.leaves - 1
            }
        }
    }

    func seal(stopping: Bool) throws(DropError) {}
    func compressAhead(_ record: DropRecord, path: String, until isOver: () -> Bool) {}
    func forgetAhead(_ drop: DropID) {}
}

/// Receipts and refused records.
struct SimulatedReceipts: ReceiptStore {
    let world: World

    func write(_ record: DropRecord, leaf: UInt64?) throws(DropError) {
        try world.call("write receipt", [World.noReceipts]) { disk in
            disk.receipts[record.id] = record
            disk.unsyncedReceipts.insert(record.id)
        }
    }

    func sync(_ records: [DropRecord]) throws(DropError) {
        try world.call("sync receipts", [World.noReceipts]) { disk in
            for record in records where disk.unsyncedReceipts.remove(record.id) != nil {
                disk.syncedReceipts[record.id] = disk.receipts[record.id]
            }
        }
    }

    func writeRejects(
        _ rejections: [Rejection], spans: [FileSpan], of record: DropRecord, marking drop: DropID, dialect: TextDialect?,
        spooledAt path: String
    ) throws(DropError) {
        try world.call("write rejects", [World.noRoom]) { $0.rejects[record.id] = rejections.count }
    }

    func receipt(of record: DropRecord) throws(DropError) -> JSON? { nil }
}

/// Recognises corrected rows by the first line, `amends ID`, and applies them as they stand: the reference store knows no
/// amendments, so what the rows were put into is not made.
struct SimulatedAmendments: AmendmentStore {
    let world: World

    func amendedDrop(by name: FileName, descriptor: CInt, bytes: UInt64) throws(DropError) -> DropID? {
        Delivery(bytes: world.outside { $0.open[descriptor] ?? [] }).amends
    }

    func amended(
        _ original: DropRecord, _ refusals: Refusals, by record: DropRecord, at path: String, spooledAt: String?,
        dialect: TextDialect?
    ) throws(DropError) -> AmendedFile {
        try world.call("put amendment together", [World.noRoom]) { _ in }
        let amendment = Amendment(drop: original.id, rows: [:], refused: [:], open: [])
        return AmendedFile(amendment: amendment, path: path, bytes: record.bytes)
    }

    func withDescriptor<T>(of file: AmendedFile, _ body: (CInt) throws(DropError) -> T) throws(DropError) -> T {
        let descriptor = try world.call("open amended") { (disk) throws(DropError) in
            guard let drop = DropID(file.path.dropFirst("spool/".count)), let bytes = disk.bytes(of: drop) else {
                throw ByteLoss.missing(file.path)
            }
            return disk.opened(bytes)
        }
        defer { world.outside { $0.open[descriptor] = nil } }
        return try body(descriptor)
    }

    func remove(_ file: AmendedFile) {}
}

/// A value that one thread at a time uses: whoever has the turn.
final class Box<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
}
