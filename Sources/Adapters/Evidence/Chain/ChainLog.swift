import CodecKit
import DropCore
import TwinModel

/// The writer's end of `chain.log`: knows the tree, the last leaf and the last label, and appends durably. One thread at a time.
final class ChainLog {
    private let places: ArchivePlaces
    private let file: StorageFile
    private(set) var head: ChainHead
    /// Label of the oldest record that no seal covers.
    private var unsealedSince: UInt64?
    /// When the chain ends within the records of a container: that container, and those of its drops that the chain has.
    private(set) var unfinished: (record: ChainRecord, drops: Set<DropID>)?
    /// Bytes of a torn end that opening cut off.
    private(set) var cutBytes: UInt64 = 0

    /// Opens the chain, makes one if there is none, and cuts off a torn end.
    ///
    /// - Parameter now: milliseconds since 1970.
    /// - Throws: `unsound` if the chain is shorter than a seal or the head says, or damaged before its end.
    init(_ places: ArchivePlaces, now: UInt64) throws(DropError) {
        self.places = places
        try Storage.makeFolder(places.seals)
        let isNew = try !Storage.exists(places.chain)
        file = try StorageFile(places.chain, .append)
        file.markWritten()
        if isNew { try Storage.syncFolder(places.root) }
        head = ChainHead()
        let seal = try Seal.newest(in: places)
        if let known = try ChainHead.read(places), try holds(known) { head = known }
        try readOn(seal: seal)
        if let seal {
            guard head.tree.size >= seal.size else { throw shorter(than: "seal \(seal.name)", bytes: seal.bytes) }
            // If the folder lacks a seal that the head knows, the next seal still names it as its predecessor. So `verify`
            // reports it missing.
            if seal.size >= head.sealed { head.seal = seal.digest }
            head.sealed = max(head.sealed, seal.size)
            head.lastLabel = max(head.lastLabel, seal.time.milliseconds)
        }
        if head.tree.size == 0 {
            var record = record(.archive, at: now)
            record.extra = .object([.init("format", 1)])
            try append([record])
        } else {
            unsealedSince = head.tree.size > head.sealed ? unsealedSince ?? head.lastLabel : nil
            try publishWhereRoom()
        }
    }

    /// The label for something that happens now: labels never run backwards (docs/failure-model.md, "Time").
    func label(_ now: UInt64) -> UInt64 { max(now, head.lastLabel) }

    /// A record with its label; `append` gives it its place.
    func record(_ kind: ChainRecord.Kind, at now: UInt64) -> ChainRecord {
        ChainRecord(index: 0, at: UTCTime(milliseconds: label(now)), kind: kind, previous: ChainRecord.origin)
    }

    /// Sets `index` and `previous` of records, appends them and makes them durable.
    ///
    /// After `retry` nothing was appended, and the log can be used. After any other error it must not be used again: only a
    /// restart can find out what is on the medium.
    @discardableResult
    func append(_ records: [ChainRecord]) throws(DropError) -> ClosedRange<UInt64> {
        var lines: [UInt8] = []
        lines.reserveCapacity(records.count * 640)
        let first = head.tree.size
        var grown = head
        for var record in records {
            record.index = grown.tree.size
            record.previous = grown.lastLeaf
            let text = record.text
            lines += ChainRecord.line(text)
            grown.lastLeaf = MerkleTree.leaf(text[...])
            grown.tree.append(leaf: grown.lastLeaf)
            grown.lastLabel = record.at.milliseconds
            if record.kind == .container { grown.container = record.container }
        }
        try write(lines)
        grown.bytes += UInt64(lines.count)
        grown.pending = nil
        head = grown
        unsealedSince = unsealedSince ?? records.first?.at.milliseconds
        unfinished = nil
        try publishWhereRoom()
        return first...(head.tree.size - 1)
    }

    /// Writes durably after the last record. If the disk has no room for all of it, the written part is removed again, because
    /// nobody relied on it.
    private func write(_ lines: [UInt8]) throws(DropError) {
        do throws(DropError) { try file.write(lines, at: head.bytes) } catch {
            guard case .retry = error.remedy else { throw error }
            do throws(DropError) { try file.truncate(to: head.bytes) } catch { throw error.final }
            throw error
        }
        // After a failure the kernel may have dropped the data, even if only room was missing.
        do throws(DropError) { try file.sync() } catch { throw error.final }
    }

    /// Announces the container that will be renamed next, so that a reader does not report it as unknown.
    func announce(_ container: String) throws(DropError) {
        head.pending = container
        try publish()
    }

    /// Whether a seal is due: a UTC day ended, 1000 records or an hour since the oldest unsealed record.
    func isSealDue(_ now: UInt64) -> Bool {
        guard let unsealedSince, head.tree.size > head.sealed else { return false }
        let label = label(now)
        return head.tree.size - head.sealed >= 1000 || label - min(label, unsealedSince) >= 3_600_000
            || label / 86_400_000 != unsealedSince / 86_400_000
    }

    /// Writes a seal over all records so far; nil when the newest seal covers them already.
    func seal(_ now: UInt64) throws(DropError) -> Seal? {
        guard head.tree.size > head.sealed else { return nil }
        let seal = Seal(
            bytes: head.bytes, size: head.tree.size, root: head.tree.root, time: UTCTime(milliseconds: label(now)),
            previous: head.seal ?? ChainRecord.origin)
        let path = places.path(of: seal.name)
        try Storage.makeFolder(Storage.parent(of: path))
        try Storage.replace(path, with: seal.file, durable: true)
        head.seal = seal.digest
        head.sealed = seal.size
        head.lastLabel = max(head.lastLabel, seal.time.milliseconds)
        unsealedSince = nil
        try publishWhereRoom()
        return seal
    }

    /// The head is only a hint. If the disk has no room for it, the next head says the same and more, and until then readers stop
    /// at the one before.
    private func publishWhereRoom() throws(DropError) {
        do throws(DropError) { try publish() } catch {
            guard case .retry = error.remedy else { throw error }
        }
    }

    private func publish() throws(DropError) { try Storage.replace(places.head, with: head.file, durable: false) }

    /// Whether the chain has the record that `known` calls its last. A chain that is shorter was cut: the head is written only
    /// after the chain is durable.
    private func holds(_ known: ChainHead) throws(DropError) -> Bool {
        guard try file.size() >= known.bytes else { throw shorter(than: places.head, bytes: known.bytes) }
        return try ChainLine.leaf(endingAt: known.bytes, in: file) == known.lastLeaf
    }

    /// Reads what follows the head, and cuts off a torn end.
    private func readOn(seal: Seal?) throws(DropError) {
        var reader = try ChainReader(file, from: head.bytes)
        while let line = try reader.next() {
            guard let text = line.text, let record = ChainRecord(parsing: text) else {
                return try cut(at: line, rest: &reader, seal: seal)
            }
            guard record.index == head.tree.size, record.previous == head.lastLeaf else {
                throw damaged(line.offset, "record \(record.index) does not continue the one before it")
            }
            take(record, text, end: line.end)
            if let seal, seal.size == head.tree.size, seal.root != head.tree.root {
                throw damaged(line.offset, "the tree's root is not the one that \(seal.name) states")
            }
        }
    }

    private func take(_ record: ChainRecord, _ text: ArraySlice<UInt8>, end: UInt64) {
        head.lastLeaf = MerkleTree.leaf(text)
        head.tree.append(leaf: head.lastLeaf)
        head.bytes = end
        head.lastLabel = record.at.milliseconds
        if head.tree.size > head.sealed { unsealedSince = unsealedSince ?? head.lastLabel }
        if record.kind == .container {
            head.container = record.container
            unfinished = (record, [])
        } else if let drop = record.drop, record.kind.closesDrop {
            unfinished?.drops.insert(drop)
        }
        if let part = unfinished, UInt64(part.drops.count) >= part.record.drops ?? 0 { unfinished = nil }
    }

    /// A torn end is the rest of an append that was never acknowledged. No whole record follows it, or the gap has NUL bytes,
    /// which are pages that did not reach the medium. An attacker who can write such bytes could also cut the file; seals and the
    /// database show that.
    private func cut(at torn: ChainReader.Line, rest: inout ChainReader, seal: Seal?) throws(DropError) {
        if let seal, torn.offset < seal.bytes { throw damaged(torn.offset, "the line is damaged, and \(seal.name) covers it") }
        var sawNUL = torn.hasNUL
        while let line = try rest.next() {
            sawNUL = sawNUL || line.hasNUL
            guard line.text == nil || sawNUL else {
                throw damaged(torn.offset, "the line is damaged, and whole records follow it")
            }
        }
        cutBytes = try file.size() - torn.offset
        try file.truncate(to: torn.offset)
        try file.sync()
    }

    private func damaged(_ offset: UInt64, _ what: String) -> DropError {
        DropError(
            .unsound, "\(file.path) byte \(offset): \(what).",
            hint: "Run `twindrop verify`, keep the archive as it is, and restore chain.log from a backup.", remedy: .stop,
            offset: offset)
    }

    private func shorter(than what: String, bytes: UInt64) -> DropError {
        DropError(
            .unsound, "\(file.path) is shorter than the \(bytes) bytes that \(what) states: its end was cut off or rolled back.",
            hint: "Restore the archive folder from a backup, all of it.", remedy: .stop)
    }
}

extension DropError {
    /// Temporary trouble whose effect on the medium only a restart can find out.
    fileprivate var final: DropError {
        guard case .retry = remedy else { return self }
        return DropError(code, message, hint: "Free space there, then start again.", remedy: .stop)
    }
}
