import CodecKit
package import DropCore
package import TwinModel
import ThreadKit

/// Writes the archive: containers, chain, seals (docs/archive-format.md). The one writer of its folder.
///
///     let writer = try ArchiveWriter(root: "/var/lib/twindrop/archive", now: label)
///     let recovery = try writer.recover(expecting: register.drops(in: [.applied]), now: label)
///     try writer.append(item, now: label)          // streams, hashes, compresses: on the caller's thread
///     if writer.isFull { let places = try writer.close(now: label) }
///     try writer.stop(now: label)
///
/// **Time**: `now` is milliseconds since 1970; labels never run backwards, whatever it says.
/// **Threading**: blocking; calls from several threads wait for each other, except `verifiedBytes`, which does not wait long, and
/// `compressAhead`.
/// **Errors** of `append`: that drop is not in the container (`drops` says which are). `quarantine`: its bytes are not those that
/// were registered. `retry`: temporary trouble, such as a full disk. `retry` of `close`: nothing was archived; append the same
/// items again later. `stop` of any call: only a restart can find out what is on the medium, and the writer refuses all further
/// work.
package final class ArchiveWriter: Sendable {
    /// When a container is full, and how it is compressed.
    package struct Limits: Sendable, Equatable {
        /// zstd's level, 1 … 19. Level 1 is on row data about as small as level 3, in half the time (decision 0016).
        package var level = 1
        /// A container is full from this many drops, or this many bytes before compression (docs/failure-model.md, "Archive and
        /// chain").
        package var drops = 256
        package var bytes: UInt64 = 64 << 20

        package init() {}

        package init(level: Int, drops: Int, bytes: UInt64) {
            self.level = level
            self.drops = drops
            self.bytes = bytes
        }
    }

    let limits: Limits
    let places: ArchivePlaces
    private let state: Monitor<State>
    private let published: Monitor<UInt64>
    /// Nil while nothing is compressed ahead.
    let ahead = Monitor<ContentAhead?>(nil)

    struct State {
        let chain: ChainLog
        var container: Container?
        var items: [ArchiveItem] = []
        /// Bytes of the items, without those that are stored elsewhere.
        var bytes: UInt64 = 0
        var day = ""
        var lastNumber = 0
        var temporaries = 0
        var failure: DropError?
        var clockWarned = false
        /// Acts that this writer has put into the chain, or found there.
        var acts: [DropID: UInt64] = [:]
        /// The label at which this writer began. Older acts may already be in the chain.
        let begun: UInt64
    }

    /// Opens the archive at `root` (absolute), makes it if there is none, empties its temporary folder, and cuts off what an
    /// interrupted append left at the end of the chain.
    ///
    /// - Throws: `unsound` (remedy stop) if the chain is damaged or shorter than before; storage errors.
    package init(root: String, limits: Limits = Limits(), now: UInt64) throws(DropError) {
        self.limits = limits
        places = ArchivePlaces(root: root)
        try Storage.makeFolder(places.root)
        try Storage.makeFolder(places.temporary)
        for name in try Storage.names(in: places.temporary) { try Storage.remove(places.temporary + "/" + name) }
        let chain = try ChainLog(places, now: now)
        published = Monitor(chain.head.bytes)
        state = Monitor(State(chain: chain, begun: now))
    }

    /// Bytes of `chain.log` that are durable: a reader of the running archive goes no further.
    package var verifiedBytes: UInt64 { published.with { $0 } }

    /// What is durable of the chain.
    package var head: ArchiveHead { state.with { ArchiveHead($0.chain.head) } }

    /// True when the open container should be closed.
    package var isFull: Bool {
        state.with { state in
            state.items.count >= limits.drops || state.bytes >= limits.bytes || state.container?.isComplete ?? false
        }
    }

    /// Drops in the open container. After an error of `append` the others are still in it, unless it had to be given up.
    package var drops: [DropID] { state.with { $0.items.map(\.record.id) } }

    /// Writes one drop into the open container, or into a new one.
    package func append(_ item: ArchiveItem, now: UInt64) throws(DropError) {
        precondition(ChainRecord.Kind.closing.contains(item.kind), "a drop is closed as one of \(ChainRecord.Kind.closing)")
        try use { (state) throws(DropError) in
            do throws(DropError) {
                try self.write(item, now: now, &state)
                state.items.append(item)
                if item.sameBytesAs == nil { state.bytes += item.record.bytes }
            } catch {
                // A half-written member makes the container useless, so the others go into a new one.
                try self.rebuild(now: now, &state)
                throw error
            }
        }
    }

    /// Makes the open container durable, checks it, names it by its date, and appends its records to the chain.
    ///
    /// - Returns: where each drop is, in the order appended; empty when there was none.
    package func close(now: UInt64) throws(DropError) -> [ArchivedItem] {
        try use { (state) throws(DropError) in
            guard !state.items.isEmpty else { return [] }
            let finished: (bytes: UInt64, sha256: ContentDigest)
            let name: String
            do throws(DropError) {
                finished = try self.finish(now: now, &state)
                // A day's seal covers that day and no more.
                if state.chain.isSealDue(now) { _ = try self.sealing(now, &state) }
                name = try self.nameContainer(now: now, &state)
            } catch {
                self.forget(&state)
                throw error
            }
            return try self.chain(name, finished, state.container!.entries, now: now, &state)
        }
    }

    /// Gives the open container up: its drops are not archived.
    package func abandon() { state.with { self.forget(&$0) } }

    /// Appends a record that closes no drop: a change of plugin or configuration, a read of content.
    ///
    /// - Parameters:
    ///   - kind: lower-case-with-hyphens, none of TwinDrop's own.
    ///   - extra: an object of at most 32 KiB as text; hostile texts escaped before.
    /// - Returns: the record's leaf.
    @discardableResult
    package func note(_ kind: String, extra: JSON, now: UInt64) throws(DropError) -> UInt64 {
        let reserved: Set = ["archive", "container", "clock", "removed", "act"]
        precondition(!reserved.contains(kind) && !ChainRecord.Kind.closing.contains(kind), "\(kind) is a kind of TwinDrop's own")
        return try use { (state) throws(DropError) in
            var record = state.chain.record(.init(text: kind), at: now)
            record.extra = extra
            return try self.appending([record], &state).lowerBound
        }
    }

    /// Writes a seal when a UTC day has ended, 1000 records were added, or the oldest unsealed one is an hour old. Call it about
    /// once a minute; `close` does, too.
    ///
    /// - Returns: the seal's path relative to the archive, for anchoring elsewhere; nil when none was due.
    @discardableResult
    package func sealIfDue(now: UInt64) throws(DropError) -> String? {
        try use { (state) throws(DropError) in state.chain.isSealDue(now) ? try self.sealing(now, &state) : nil }
    }

    /// Seals what no seal covers. The open container, if any, is given up: close it before.
    ///
    /// - Returns: as `sealIfDue`.
    @discardableResult
    package func stop(now: UInt64) throws(DropError) -> String? {
        try use { (state) throws(DropError) in
            self.forget(&state)
            return try self.sealing(now, &state)
        }
    }
}

extension ArchiveWriter {
    /// Runs `body` while no other call runs, unless the writer has failed for ever.
    func use<T>(_ body: (inout State) throws(DropError) -> T) throws(DropError) -> T {
        try state.with { (state) throws(DropError) in
            if let failure = state.failure { throw failure }
            return try body(&state)
        }
    }

    private func write(_ item: ArchiveItem, now: UInt64, _ state: inout State) throws(DropError) {
        if state.container == nil {
            if let container = containerAhead(item, at: state.chain.label(now)) {
                state.container = container
                return
            }
            state.temporaries += 1
            state.container = try Container(path: places.temporary + "/\(state.temporaries).tar.zst", level: limits.level)
        }
        try state.container!.append(item, at: state.chain.label(now))
    }

    /// A new temporary container with the items so far. An item that fails now is dropped with its container: the caller's error
    /// is then a `retry` for all.
    private func rebuild(now: UInt64, _ state: inout State) throws(DropError) {
        state.container = nil
        do throws(DropError) {
            for item in state.items { try write(item, now: now, &state) }
        } catch {
            forget(&state)
            throw error
        }
    }

    /// Ends and checks the container. After a failure it is written again from the spool, three times at most
    /// (docs/failure-model.md, "Errors from storage").
    private func finish(now: UInt64, _ state: inout State) throws(DropError) -> (bytes: UInt64, sha256: ContentDigest) {
        var attempt = 1
        while true {
            do throws(DropError) { return try state.container!.finish() } catch {
                if case .retry = error.remedy { throw error }
                guard attempt < 3 else { throw error }
                attempt += 1
                try rebuild(now: now, &state)
            }
        }
    }

    /// Moves the finished container to its final name, durably.
    private func nameContainer(now: UInt64, _ state: inout State) throws(DropError) -> String {
        let day = UTCTime(milliseconds: state.chain.label(now)).folder
        if state.day != day {
            let numbers = try Storage.names(in: places.path(of: day)).compactMap {
                ArchivePlaces.parts(ofContainer: day + "/" + $0)?.number
            }
            state.lastNumber = numbers.max() ?? 0
            if let last = state.chain.head.container.flatMap({ ArchivePlaces.parts(ofContainer: $0) }), last.day == day {
                // A container that was lost keeps its number.
                state.lastNumber = max(state.lastNumber, last.number)
            }
            try Storage.makeFolder(places.path(of: day))
            state.day = day
        }
        let name = ArchivePlaces.container(day: day, number: state.lastNumber + 1)
        let path = places.path(of: name)
        guard try !Storage.exists(path) else {
            state.day = ""
            throw DropError(
                .storage, "\(path) exists already, and TwinDrop did not make it.",
                hint: "Move it out of the archive; work then continues by itself.", remedy: .retry(after: .seconds(10)))
        }
        try state.chain.announce(name)
        try Storage.rename(state.container!.path, to: path)
        do throws(DropError) { try Storage.syncFolder(Storage.parent(of: path)) } catch {
            state.failure = DropError(error.code, error.message, hint: error.hint, remedy: .stop)
            throw state.failure!
        }
        state.lastNumber += 1
        return name
    }

    private func chain(
        _ name: String, _ finished: (bytes: UInt64, sha256: ContentDigest), _ entries: [ContainerEntry], now: UInt64,
        _ state: inout State
    ) throws(DropError) -> [ArchivedItem] {
        var records = clockRecords(now, &state)
        records.append(Self.containerRecord(name, finished, drops: entries.count, state.chain.record(.container, at: now)))
        for entry in entries {
            let record = state.chain.record(.init(text: entry.kind), at: now)
            records.append(
                Self.dropRecord(
                    record, container: name, member: entry.member, id: entry.record.id, source: entry.record.source,
                    file: entry.record.fileName.description, bytes: entry.record.bytes, content: entry.digest,
                    header: entry.header.digest, same: entry.sameBytesAs))
        }
        let leaves: ClosedRange<UInt64>
        do throws(DropError) { leaves = try appending(records, &state) } catch {
            if state.failure == nil { try takeBack(name, &state) }
            forget(&state)
            throw error
        }
        forget(&state)
        // The records are in the chain, even if the seal cannot be written. The seal is then still due.
        if state.chain.isSealDue(now) {
            do throws(DropError) { _ = try sealing(now, &state) } catch {
                guard case .retry = error.remedy else { throw error }
            }
        }
        let first = leaves.upperBound + 1 - UInt64(entries.count)
        return entries.enumerated().map { index, entry in
            ArchivedItem(
                drop: entry.record.id, container: name, member: entry.member, leaf: first + UInt64(index), content: entry.digest,
                kind: entry.kind)
        }
    }

    /// Removes the final name of a container when the chain had no room for its records. Nobody relied on it, and its drops are
    /// appended again.
    private func takeBack(_ name: String, _ state: inout State) throws(DropError) {
        let path = places.path(of: name)
        do throws(DropError) {
            try Storage.rename(path, to: state.container!.path)
            try Storage.syncFolder(Storage.parent(of: path))
        } catch {
            state.failure = DropError(
                error.code, error.message, hint: "Free space there, then start again: the start puts \(name) into the chain.",
                remedy: .stop)
            throw state.failure!
        }
        state.lastNumber -= 1
    }

    /// The record that says that the clock was set back by more than five minutes; only once until it has caught up.
    private func clockRecords(_ now: UInt64, _ state: inout State) -> [ChainRecord] {
        let label = state.chain.label(now)
        guard label - now > 300_000 else {
            state.clockWarned = false
            return []
        }
        guard !state.clockWarned else { return [] }
        state.clockWarned = true
        var record = state.chain.record(.clock, at: now)
        record.extra = .object([.init("clock", .string(UTCTime(milliseconds: now).description))])
        return [record]
    }

    static func containerRecord(
        _ name: String, _ finished: (bytes: UInt64, sha256: ContentDigest), drops: Int, _ blank: ChainRecord
    ) -> ChainRecord {
        var record = blank
        record.container = name
        record.bytes = finished.bytes
        record.sha256 = finished.sha256
        record.drops = UInt64(drops)
        return record
    }

    static func dropRecord(
        _ blank: ChainRecord, container: String, member: String, id: DropID, source: SourceName, file: String, bytes: UInt64,
        content: ContentDigest, header: ContentDigest, same: DropID?
    ) -> ChainRecord {
        var record = blank
        record.container = container
        record.member = member
        record.drop = id
        record.source = source
        record.file = file
        record.bytes = bytes
        record.content = content
        record.header = header
        record.same = same
        return record
    }

    /// Appends durably. After `retry` nothing was appended. Any other failure is final: only a restart can tell what is on the
    /// medium.
    func appending(_ records: [ChainRecord], _ state: inout State) throws(DropError) -> ClosedRange<UInt64> {
        do throws(DropError) {
            let leaves = try state.chain.append(records)
            let bytes = state.chain.head.bytes
            published.with { $0 = bytes }
            return leaves
        } catch {
            if case .retry = error.remedy { throw error }
            state.failure = DropError(error.code, error.message, hint: error.hint, remedy: .stop)
            throw state.failure!
        }
    }

    private func sealing(_ now: UInt64, _ state: inout State) throws(DropError) -> String? { try state.chain.seal(now)?.name }

    private func forget(_ state: inout State) {
        state.container = nil
        state.items = []
        state.bytes = 0
    }
}
