import CodecKit
package import DropCore
import TwinModel

/// What recovery found and did (docs/failure-model.md, "Recovery", S5 and S6).
package struct ArchiveRecovery: Sendable, Equatable {
    /// Drops among the expected ones that are archived, durably and checked: set them `archived`, then remove their spool files.
    package var archived: [ArchivedItem] = []
    /// Containers that had no record in the chain and got one now.
    package var completed: [String] = []
    /// Unexplained containers, moved to `aside/` in the archive, with the reason.
    package var movedAside: [String] = []
    /// What a person should look at, escaped; empty when all is well.
    package var findings: [String] = []
    /// Bytes of a torn end of the chain that were cut off. They had never been acknowledged.
    package var cutBytes: UInt64 = 0
}

extension ArchiveWriter {
    /// Makes the archive and the database agree after a start. Safe to repeat, and to interrupt at any point.
    ///
    /// - Parameter expected: the drops that the database does not know as archived yet: applied, duplicate, quarantined or
    ///   discarded, with their digests. Other drops are looked for only in the chain.
    /// - Throws: storage errors; `unsound` if a container cannot be moved aside.
    package func recover(expecting expected: [DropRecord], now: UInt64) throws(DropError) -> ArchiveRecovery {
        try use { (state) throws(DropError) in
            var recovery = ArchiveRecovery()
            recovery.cutBytes = state.chain.cutBytes
            let byID = Dictionary(expected.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
            let ended = byID.filter { ChainRecord.Kind.closing.contains($0.value.closingKind) }
            try self.completeLast(ended, now: now, &state, &recovery)
            try self.adoptStrangers(ended, now: now, &state, &recovery)
            try self.findArchived(byID, &state, &recovery)
            return recovery
        }
    }

    /// The chain ended within the records of a container. The rest is appended from the headers in the container.
    private func completeLast(
        _ expected: [DropID: DropRecord], now: UInt64, _ state: inout State, _ recovery: inout ArchiveRecovery
    ) throws(DropError) {
        guard let part = state.chain.unfinished, let name = part.record.container else { return }
        let found: Found
        do throws(DropError) { found = try inspect(name, expected, known: part.drops) } catch {
            recovery.findings.append("\(name) cannot be completed in the chain: \(error.message)")
            return
        }
        guard found.sha256 == part.record.sha256 else {
            recovery.findings.append("\(name) is not the file that the chain names.")
            return
        }
        let missing = found.drops.filter { !part.drops.contains($0.record.id) }
        let records = missing.map { Self.record(of: $0, in: name, state.chain.record(.init(text: $0.kind), at: now)) }
        guard !records.isEmpty else { return }
        _ = try appending(records, &state)
        recovery.completed.append(name)
    }

    /// Containers after the last one that the chain knows.
    private func adoptStrangers(
        _ expected: [DropID: DropRecord], now: UInt64, _ state: inout State, _ recovery: inout ArchiveRecovery
    ) throws(DropError) {
        let last = state.chain.head.container
        let day = last.flatMap { ArchivePlaces.parts(ofContainer: $0)?.day } ?? ""
        for name in try places.files(from: day) where last.map({ name != $0 && !ArchivePlaces.isBefore(name, $0) }) ?? true {
            do throws(DropError) {
                let found = try inspect(name, expected, known: [])
                // The rename may not have reached the medium when the program stopped.
                try Storage.syncFolder(Storage.parent(of: places.path(of: name)))
                var records = [
                    Self.containerRecord(
                        name, (found.bytes, found.sha256), drops: found.drops.count, state.chain.record(.container, at: now))
                ]
                records += found.drops.map { Self.record(of: $0, in: name, state.chain.record(.init(text: $0.kind), at: now)) }
                _ = try appending(records, &state)
                recovery.completed.append(name)
            } catch {
                if state.failure != nil || error.code != .unsound { throw error }
                try moveAside(name)
                recovery.movedAside.append(name)
                recovery.findings.append("\(name) was moved to aside/: \(error.message)")
            }
        }
        state.day = ""
    }

    private func moveAside(_ name: String) throws(DropError) {
        try Storage.makeFolder(places.aside)
        let plain = String(name.map { $0 == "/" ? "-" : $0 })
        var target = places.aside + "/" + plain
        var copies = 1
        while try Storage.exists(target) {
            copies += 1
            target = places.aside + "/\(copies)-" + plain
        }
        try Storage.rename(places.path(of: name), to: target)
        try Storage.syncFolder(places.aside)
        try Storage.syncFolder(Storage.parent(of: places.path(of: name)))
    }

    /// A drop in a container, by its header.
    private struct FoundDrop {
        let record: DropRecord
        let kind: String
        let member: String
        let header: ContentDigest
        let same: DropID?
    }

    private struct Found {
        let bytes: UInt64
        let sha256: ContentDigest
        let drops: [FoundDrop]
    }

    private static func record(of found: FoundDrop, in container: String, _ blank: ChainRecord) -> ChainRecord {
        guard let digest = found.record.digest else { preconditionFailure("inspect lets only registered drops through") }
        return dropRecord(
            blank, container: container, member: found.member, id: found.record.id, source: found.record.source,
            file: found.record.fileName.description, bytes: found.record.bytes, content: digest, header: found.header,
            same: found.same)
    }

    /// Reads a container and matches its members with drops the database expects.
    ///
    /// - Parameter known: drops that are in the chain already; they need not be expected.
    /// - Throws: `unsound` if the container is damaged, or holds what nobody expects.
    private func inspect(_ name: String, _ expected: [DropID: DropRecord], known: Set<DropID>) throws(DropError) -> Found {
        guard ArchivePlaces.parts(ofContainer: name) != nil else {
            throw .unsound("\(Escaping.visible(name)) is no container's name.")
        }
        let allowed = expected.values.reduce(UInt64(known.count) * limits.bytes) { $0 + $1.bytes + 1 << 20 }
        let contents = try ContainerContents(
            path: places.path(of: name), expandedBytesMax: max(allowed, 1 << 30), membersMax: limits.drops * 8,
            keepsHeaders: true,
            fromMedium: true)
        var drops: [FoundDrop] = []
        var members = contents.members[...]
        while let header = members.popFirst() {
            guard let text = contents.headers[header.name] else { throw .unsound("\(name): \(header.name) is not expected.") }
            // Text that is not JSON gives no id, and the next line refuses it.
            let json = try? JSON(parsing: text)
            guard let id = json?["drop"]?.string.flatMap({ DropID($0) }), let kind = json?["kind"]?.string,
                ChainRecord.Kind.closing.contains(kind)
            else { throw .unsound("\(name): \(header.name) is no header.") }
            let same = json?["sameBytesAs"]?.string.flatMap { DropID($0) }
            let content = same == nil ? members.popFirst() : nil
            if known.contains(id) { continue }
            guard let record = expected[id], let digest = record.digest,
                header.name.utf8.elementsEqual(MemberName.header(id, record.source).utf8)
            else { throw .unsound("\(name): nobody expects drop \(id).") }
            if same == nil {
                let wanted = ContainerContents.Member(
                    name: MemberName.content(id, record.source, record.fileName), bytes: record.bytes, digest: digest)
                guard content == wanted else { throw .unsound("\(name): the bytes of drop \(id) are not those registered.") }
            }
            drops.append(
                FoundDrop(record: record, kind: kind, member: content?.name ?? header.name, header: header.digest, same: same))
        }
        return Found(bytes: contents.compressedBytes, sha256: contents.sha256, drops: drops)
    }

    /// Looks the expected drops up in the chain, from its end back to the time the oldest was claimed (less a day, for clocks).
    private func findArchived(
        _ expected: [DropID: DropRecord], _ state: inout State, _ recovery: inout ArchiveRecovery
    ) throws(DropError) {
        guard let oldest = expected.values.map(\.claimedAt).min() else { return }
        let end = state.chain.head.bytes
        let file = try StorageFile(places.chain, .read)
        var window: UInt64 = 1 << 20
        var containers: [String: ChainRecord] = [:]
        var found: [ChainRecord] = []
        while true {
            containers = [:]
            found = []
            let start = end > window ? end - window : 0
            var reader = try ChainReader(file, from: start, end: end)
            // Within the chain, the first line read is the rest of one.
            if start > 0 { _ = try reader.next() }
            var first: UInt64?
            while let line = try reader.next() {
                guard let text = line.text, let record = ChainRecord(parsing: text) else {
                    throw .unsound("\(places.chain) byte \(line.offset): the line is damaged.")
                }
                first = first ?? record.at.milliseconds
                if record.kind == .container, let name = record.container { containers[name] = record }
                if let drop = record.drop, record.kind.closesDrop, expected[drop] != nil { found.append(record) }
            }
            let reachesBack = (first ?? 0) + 86_400_000 < oldest && found.allSatisfy { containers[$0.container ?? ""] != nil }
            if start == 0 || reachesBack { break }
            window *= 4
        }
        try check(found, containers, expected, &recovery)
    }

    /// Counts a drop as archived only when its container is the file that the chain names.
    private func check(
        _ found: [ChainRecord], _ containers: [String: ChainRecord], _ expected: [DropID: DropRecord],
        _ recovery: inout ArchiveRecovery
    ) throws(DropError) {
        var sound: [String: Bool] = [:]
        for record in found {
            guard let drop = record.drop, let name = record.container, let member = record.member else { continue }
            guard expected[drop]?.digest.map({ $0 == record.content }) ?? true else {
                recovery.findings.append("Drop \(drop) is in the chain with other bytes than the database knows.")
                continue
            }
            if sound[name] == nil {
                let digest = try? StreamHash.digest(ofFile: places.path(of: name))  // A file that cannot be read is not sound.
                sound[name] = digest != nil && digest == containers[name]?.sha256
                if sound[name] == false { recovery.findings.append("\(name) is missing, or not the file that the chain names.") }
            }
            if sound[name] == true {
                recovery.archived.append(
                    ArchivedItem(
                        drop: drop, container: name, member: member, leaf: record.index, content: record.content,
                        kind: record.kind.text))
            }
        }
    }
}
