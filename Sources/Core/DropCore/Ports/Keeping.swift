import CodecKit
package import TwinModel

/// Takes settled files out of the drop zone. The flow leads, and nobody is called back: it has files opened (`prepare`), writes
/// their intents, has the files moved (`commit`), and goes on with them while `finish` waits for the disk (docs/failure-model.md,
/// "Life cycle", S1; docs/decisions/0043-claims-in-two-calls.md). Blocking; one caller at a time.
package protocol FileClaimer: Sendable {
    /// Opens the files, each of which is to be claimed under the id beside it, and starts to make their bytes durable. Nothing is
    /// moved, and nothing is written down.
    func prepare(_ files: [(file: SettledFile, id: DropID)]) throws(DropError) -> any PreparedClaim

    /// After a crash: what became of each intent whose drop is still `claimed`. The register is left as it is.
    func recover(_ intents: [DropRecord]) throws(DropError) -> [RecoveredClaim]
}

/// Open files on their way into the spool. For the thread that prepared them: `commit`, then `finish`, and `close` in any case.
package protocol PreparedClaim: AnyObject {
    /// Which files can be moved, in their order. The intents of those must be durable before `commit`.
    var openings: [ClaimOpening] { get }

    /// The descriptor of a lone file that nobody can write to until it is in the spool; nil where there is none. What is read of
    /// it (by another descriptor, since this one is closed) is what the drop will hold, if `commit` calls the file claimed;
    /// otherwise nothing of it counts.
    var leasedDescriptor: CInt? { get }

    /// Moves the files that are ready, once their bytes are durable, and starts to sync the folders. What is known then, in the
    /// order of the files; nil: not yet. A file that it calls claimed lies in the spool and may be read, but until `finish`
    /// returns a power cut can put it back where it was: nothing may be written down about it before.
    func commit() throws(DropError) -> [ClaimResult?]

    /// Waits until all of it is durable. Its errors are those that stop. The intents of files that are not claimed came to
    /// nothing.
    func finish() throws(DropError) -> [ClaimResult]

    /// Lets the files go. Those that were not moved stay where they are.
    func close()
}

/// Whether a file can be claimed, as far as an open file tells.
package enum ClaimOpening: Sendable, Equatable {
    /// `bytes` is its size.
    case ready(bytes: UInt64)
    case not(ClaimResult)
}

/// How a claim ended that was running at a crash.
package enum RecoveredClaim: Sendable, Equatable {
    /// The bytes are in the spool.
    case adopted(DropID, bytes: UInt64)
    /// The file was never moved: the intent is void, the file is found again in its folder.
    case withdrawn(DropID)
    /// Neither in the spool nor in its folder.
    case missing(DropID)
}

/// Where claimed bytes live until they are archived. Blocking; safe from any thread.
package protocol DropSpool: Sendable {
    /// The spooled file, absolute.
    func path(of drop: DropID) -> String
    func contains(_ drop: DropID) -> Bool
    /// Until `detachDescriptor` the drop, which is not in the spool yet, is read from the open file.
    func attachDescriptor(_ descriptor: CInt, as drop: DropID) throws(DropError)
    func detachDescriptor(of drop: DropID)
    /// Runs `body` with a read-only descriptor at offset 0 and the size in bytes.
    func withDescriptor<T>(
        of drop: DropID, _ body: (_ descriptor: CInt, _ bytes: UInt64) throws(DropError) -> T
    ) throws(DropError) -> T
    /// Reads the whole file once. Errors: `unreadable` (quarantine), after two retries; `bytes-missing` (quarantine); `cancelled`
    /// (retry) soon after `isCancelled` is true.
    func digest(of drop: DropID, isCancelled: () -> Bool) throws(DropError) -> ContentDigest
    /// The bytes that a quarantined drop has now: their number and SHA-256. Errors as `digest(of:)`.
    func quarantinedDigest(of drop: DropID, on day: UTCDay) throws(DropError) -> (bytes: UInt64, digest: ContentDigest)
    /// Puts a file into the spool; `body` writes it to the descriptor it gets. Durable on return. After an error there is no
    /// file.
    func fill(_ drop: DropID, _ body: (_ descriptor: CInt) throws(DropError) -> Void) throws(DropError)
    /// Removes files whose bytes are durable elsewhere; missing ones are not an error. One fsync of the folder.
    func remove(_ drops: [DropID]) throws(DropError)
    /// Moves the bytes into quarantine beside `reason`; durable on return.
    func quarantine(_ drop: DropID, on day: UTCDay, reason: JSON) throws(DropError)
    /// Whether the quarantine holds the drop's bytes.
    func isQuarantined(_ drop: DropID, on day: UTCDay) -> Bool
    /// The quarantined bytes, absolute.
    func quarantinedPath(of drop: DropID, on day: UTCDay) -> String
    /// Copies quarantined bytes back into the spool as a new drop; moves them when `copy` is the drop itself. Durable on return.
    func requeueFromQuarantine(_ drop: DropID, on day: UTCDay, as copy: DropID) throws(DropError)
    /// The drops whose bytes the quarantine holds.
    func quarantinedDrops() throws(DropError) -> [DropID]
    /// Removes the quarantined bytes of a drop that is closed; they are in the archive.
    func deleteQuarantined(_ drop: DropID, on day: UTCDay) throws(DropError)
    /// Free space of the state folder.
    func freeSpace() throws(DropError) -> FreeSpace
}

extension DropSpool {
    package func digest(of drop: DropID) throws(DropError) -> ContentDigest { try digest(of: drop) { false } }
}

/// Room left on a file system.
package struct FreeSpace: Sendable, Equatable {
    package let bytesFree: UInt64
    package let bytesTotal: UInt64

    package init(bytesFree: UInt64, bytesTotal: UInt64) {
        self.bytesFree = bytesFree
        self.bytesTotal = bytesTotal
    }
}

/// Room that must stay free on a file system: the smaller of a share and a size.
package struct SpaceReserve: Sendable, Equatable {
    package let share: Double
    package let bytes: UInt64

    package init(share: Double, bytes: UInt64) {
        self.share = share
        self.bytes = bytes
    }

    /// The free bytes below which the reserve begins.
    package func floor(of space: FreeSpace) -> UInt64 { min(bytes, UInt64(Double(space.bytesTotal) * share)) }
}

/// Sizes as people read them.
package enum ByteCount {
    /// `512 bytes`, `3.4 KiB`, `4 MiB`: one decimal at most.
    package static func text(_ bytes: UInt64) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB"]
        guard bytes >= 1024 else { return "\(bytes) bytes" }
        var (value, unit) = (Double(bytes) / 1024, 0)
        while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        let tenths = UInt64(value * 10)
        return tenths % 10 == 0 ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}

/// A day of the UTC calendar (proleptic Gregorian), as folders are named by.
package struct UTCDay: Sendable, Hashable, CustomStringConvertible {
    package let year: Int
    package let month: Int
    package let day: Int

    /// The day that holds the instant, in milliseconds since 1970-01-01T00:00:00Z.
    package init(milliseconds: UInt64) {
        let date = UTCTime(milliseconds: milliseconds).day
        (year, month, day) = (date.year, date.month, date.day)
    }

    /// `2026/11/21`.
    package var description: String { "\(year)/\(Self.two(month))/\(Self.two(day))" }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

/// The dated archive, used by the one archiving thread of the pipeline. Only `compressAhead` and `forgetAhead` are for another
/// thread.
package protocol DropArchive: AnyObject, Sendable {
    /// Writes one drop into the open container, opening one where none is. The file is read and hashed; other bytes than the
    /// record's digest are an error.
    func append(_ item: ArchiveItem) throws(DropError)
    /// Drops in the open container, in order. After an error of `append` the earlier ones are still in it, unless the container
    /// had to be given up.
    var drops: [DropID] { get }
    /// True when the open container has reached a limit and should be closed.
    var isFull: Bool { get }
    /// What is durable of the chain.
    var head: ArchiveHead { get }
    /// Closes the open container and makes it and its chain records durable: after this the bytes may leave the spool.
    /// The items are in the order they were appended; none when no container is open. After a `retry` nothing was archived.
    func close() throws(DropError) -> [ArchivedItem]
    /// Writes a seal when one is due, or always when `stopping`.
    func seal(stopping: Bool) throws(DropError)
    /// Begins to compress a large drop that has not ended. The result is a file that does not count until `append` uses it.
    /// Returns when it is complete, when `append` needs the rest, or soon after `isOver` is true. One drop at a time: an earlier
    /// result is thrown away. If something fails here, `append` does it again and reports it.
    func compressAhead(_ record: DropRecord, path: String, until isOver: () -> Bool)
    /// Throws away the early compression of a drop that was not used.
    func forgetAhead(_ drop: DropID)
    /// After a crash: the places of those of `drops` that the archive already holds. It also asks the chain about drops that have
    /// not ended by the register, as after the restore of a backup.
    func recover(_ drops: [DropRecord]) throws(DropError) -> [ArchivedItem]
    /// Writes acts of people into the chain, in order and durably, and returns the leaf of each. An act that is already there
    /// keeps its leaf, as after a crash between the chain and the register.
    func note(_ acts: [Act]) throws(DropError) -> [UInt64]
}

/// What the sender gets back.
package protocol ReceiptStore: Sendable {
    /// Writes (or replaces) the drop's receipt. It is whole for every reader at once, and survives a power cut after `sync`.
    func write(_ record: DropRecord, leaf: UInt64?) throws(DropError)
    /// Makes the receipts of these drops durable, under all their names.
    func sync(_ records: [DropRecord]) throws(DropError)
    /// Writes the refused records in the file's own dialect, with reasons beside them; nothing when there are none.
    ///
    /// - Parameters:
    ///   - drop: whose records they are: the drop itself, or the one it amends.
    ///   - dialect: how the file is written; nil: find it from the file.
    ///   - path: of the bytes that were transformed.
    func writeRejects(
        _ rejections: [Rejection], spans: [FileSpan], of record: DropRecord, marking drop: DropID, dialect: TextDialect?,
        spooledAt path: String
    ) throws(DropError)
    /// The receipt as it was written; nil when there is none.
    func receipt(of record: DropRecord) throws(DropError) -> JSON?
}
