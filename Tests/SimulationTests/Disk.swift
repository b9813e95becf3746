import DropCore
import TwinModel

/// What outlives the program: files, rows, containers, receipts. What is not synced yet may not outlive a power cut.
struct Disk: Sendable {
    /// A file that a sender put into a landing folder.
    struct Landed: Sendable {
        let source: SourceName
        let name: FileName
        let bytes: [UInt8]
        let identity: FileIdentity
    }

    /// A drop in a container.
    struct Member: Sendable {
        let drop: DropID
        let kind: String
        let bytes: [UInt8]
        /// The archived drop that has the bytes.
        let same: DropID?
    }

    /// By inode.
    var landing: [UInt64: Landed] = [:]
    /// Everything that was ever delivered.
    var sent: [UInt64: Landed] = [:]

    var spool: [DropID: [UInt8]] = [:]
    /// Files whose way into the spool is not durable.
    var moving: [DropID: Landed] = [:]
    /// Open files of drops that are not in the spool yet.
    var attached: [DropID: [UInt8]] = [:]
    var quarantine: [DropID: [UInt8]] = [:]
    var open: [CInt: [UInt8]] = [:]
    private var nextDescriptor: CInt = 1_000_000

    var containers: [[Member]] = []
    /// How many of the containers the chain has.
    var chained = 0
    var chain: [DropID: ArchivedItem] = [:]
    var actLeaves: [DropID: UInt64] = [:]
    var leaves: UInt64 = 0

    var receipts: [DropID: DropRecord] = [:]
    /// As a power cut leaves them.
    var syncedReceipts: [DropID: DropRecord] = [:]
    var unsyncedReceipts: Set<DropID> = []
    var rejects: [DropID: Int] = [:]

    var rows: [DropID: DropRecord] = [:]
    var sequences: [DropID: UInt64] = [:]
    var acts: [Act] = []
    var recordedActs: Set<DropID> = []

    /// Broken promises.
    var findings: [String] = []

    func bytes(of drop: DropID) -> [UInt8]? { attached[drop] ?? spool[drop] }

    mutating func opened(_ bytes: [UInt8]) -> CInt {
        nextDescriptor += 1
        open[nextDescriptor] = bytes
        return nextDescriptor
    }

    /// The bytes that the archive has of a drop.
    func archived(_ drop: DropID) -> [UInt8]? {
        guard chain[drop] != nil else { return nil }
        for container in containers.prefix(chained) {
            guard let member = container.first(where: { $0.drop == drop }) else { continue }
            return member.same.map { archived($0) } ?? member.bytes
        }
        return nil
    }

    /// The machine went off: memory is gone, and of what was not synced some is.
    mutating func powerCut(_ random: inout some RandomNumberGenerator) {
        (attached, open) = ([:], [:])
        // The journal of a file system keeps the order of renames.
        let kept = Int.random(in: 0...moving.count, using: &random)
        for (drop, file) in moving.sorted(by: { $0.key < $1.key }).dropFirst(kept) {
            spool[drop] = nil
            landing[file.identity.inode] = file
        }
        moving = [:]
        for drop in unsyncedReceipts.sorted() where Bool.random(using: &random) { receipts[drop] = syncedReceipts[drop] }
        unsyncedReceipts = []
    }

    /// 32 bytes that differ where the bytes do.
    static func digest(_ bytes: [UInt8]) -> ContentDigest {
        var out: [UInt8] = []
        for salt in 0..<4 as Range<UInt64> {
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325 &+ salt &* 0x9E37_79B9
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash ^= UInt64(bytes.count)
            for index in 0..<8 { out.append(UInt8(truncatingIfNeeded: hash >> UInt64(8 * index))) }
        }
        return ContentDigest(bytes: out)
    }
}

// MARK: - Rows

extension Disk {
    /// Where a row may go from each state (docs/failure-model.md, "Life cycle"; docs/glossary.md, "States of a drop: where it
    /// is"). `registered` and `claimed` are the same to a start: both are read again.
    private static let legal: [DropState: Set<DropState>] = [
        .claimed: [.claimed, .registered, .applied, .held, .quarantined, .discarded, .duplicate],
        .registered: [.registered, .applied, .held, .quarantined, .discarded, .duplicate],
        .held: [.held, .registered, .discarded, .quarantined],
        .quarantined: [.quarantined, .claimed, .registered, .retried, .resolved, .discarded],
        .retried: [.retried, .quarantined, .resolved],
        .applied: [.applied, .archived, .done, .discarded],
        .archived: [.archived, .done],
        .done: [.done],
        .resolved: [.resolved],
        .discarded: [.discarded],
        .duplicate: [.duplicate],
    ]

    /// Writes a row; what no life of a drop allows is a finding.
    mutating func write(_ row: DropRecord) {
        if let old = rows[row.id] {
            if Self.legal[old.state]?.contains(row.state) != true {
                findings.append("the drop \(row.id) went from \(old.state) to \(row.state)")
            }
        } else if row.state != .claimed {
            findings.append("the drop \(row.id) came into being as \(row.state)")
        }
        rows[row.id] = row
    }

    /// Rows that were applied, in the order of their commits, amendments left out.
    func applied(of source: SourceName) -> [DropRecord] {
        sequences.sorted { $0.value < $1.value }.compactMap { rows[$0.key] }
            .filter { $0.source == source && $0.link?.kind != .amends }
    }
}
