import ArchiveKit
import CodecKit
package import DropCore
package import TwinModel

/// One container, as the chain tells.
package struct BatchFacts: Sendable, Equatable {
    /// `2026/11/21/000001.tar.zst`
    package let container: String
    /// Milliseconds since 1970 at which it was archived.
    package let archivedAt: UInt64
    package var drops: UInt64
    /// Bytes of its drops as they were dropped, and of the container.
    package var bytes: UInt64
    package let compressedBytes: UInt64
    /// SHA-256 of the container.
    package let sha256: ContentDigest
    /// Index of its record in the chain.
    package let leaf: UInt64

    /// The form that docs/schemas/batch.schema.json describes.
    package var json: JSON {
        .object([
            .init("container", .string(container)),
            .init("archivedAt", .string(UTCTime(milliseconds: archivedAt).description)),
            .init("drops", .int(Int64(clamping: drops))), .init("bytes", .int(Int64(clamping: bytes))),
            .init("compressedBytes", .int(Int64(clamping: compressedBytes))), .init("sha256", .string(sha256.description)),
            .init("leaf", .int(Int64(clamping: leaf))),
        ])
    }
}

/// One archived drop, by the chain.
package struct ArchivedDrop: Sendable, Equatable {
    package let drop: DropID
    package let source: SourceName
    /// The sender's name for the file, escaped.
    package let file: String
    package let bytes: UInt64
    package let content: ContentDigest
    /// `applied`, `duplicate`, `quarantined` or `discarded`.
    package let kind: String
    package let archivedAt: UInt64
    package let container: String
    package let member: String
    package let leaf: UInt64
    /// The earlier drop that holds the bytes, if they are not stored again.
    package let sameBytesAs: DropID?

    package var json: JSON {
        var members: [JSON.Member] = [
            .init("drop", .string(drop.description)), .init("source", .string(source.text)), .init("file", .string(file)),
            .init("bytes", .int(Int64(clamping: bytes))), .init("content", .string(content.description)),
            .init("kind", .string(kind)),
            .init("archivedAt", .string(UTCTime(milliseconds: archivedAt).description)), .init("container", .string(container)),
            .init("member", .string(member)), .init("leaf", .int(Int64(clamping: leaf))),
        ]
        if let sameBytesAs { members.append(.init("sameBytesAs", .string(sameBytesAs.description))) }
        return .object(members)
    }
}

/// Finds and reads drops in an archive, from its folder alone: the chain is the index. Changes nothing; also beside a running
/// writer. Blocking; safe from any thread.
package struct ArchiveCatalogue: Sendable {
    /// Which drops `list` gives; nil matches all.
    package struct Filter: Sendable {
        /// First and last day of archiving, UTC: `2026-11-21`.
        package var from: String?
        package var through: String?
        package var source: SourceName?
        /// A part of the escaped file name.
        package var file: String?
        package var content: ContentDigest?

        package init() {}
    }

    private let places: ArchivePlaces

    /// - Parameter root: the archive folder, absolute.
    package init(root: String) { places = ArchivePlaces(root: root) }

    /// Hands every container to `take`, oldest first, until it returns false.
    package func batches(_ take: (BatchFacts) -> Bool) throws(DropError) {
        var last: BatchFacts?
        var wantsMore = true
        try scan { record in
            if record.kind == .container, let name = record.container, let sha256 = record.sha256 {
                if let last { wantsMore = take(last) }
                last = BatchFacts(
                    container: name, archivedAt: record.at.milliseconds, drops: 0, bytes: 0, compressedBytes: record.bytes ?? 0,
                    sha256: sha256, leaf: record.index)
            } else if record.kind.closesDrop, record.container == last?.container {
                last?.drops += 1
                last?.bytes &+= record.bytes ?? 0
            }
            return wantsMore
        }
        if wantsMore, let last { _ = take(last) }
    }

    /// What people did, oldest first, as far as the chain can be read.
    package func acts() throws(DropError) -> [Act] {
        var acts: [Act] = []
        try scan(damaged: true) { record in
            guard let id = record.actID, let extra = record.extra, let by = extra["by"].flatMap(Person.init(json:)),
                let kind = extra["act"]?.string.flatMap(Act.Kind.init(rawValue:))
            else { return true }
            acts.append(
                Act(
                    id: id, kind: kind, at: record.at.milliseconds, by: by, reason: extra["reason"]?.string, drop: record.drop,
                    source: record.source, leaf: record.index))
            return true
        }
        return acts
    }

    /// Hands every drop that `filter` lets through to `take`, oldest first, until it returns false.
    ///
    /// - Parameter damaged: also continues after damaged records; the verifier reports what is wrong with them.
    package func list(
        _ filter: Filter = Filter(), damaged: Bool = false, _ take: (ArchivedDrop) -> Bool
    ) throws(DropError) {
        try scan(damaged: damaged) { record in
            guard let drop = ArchivedDrop(record) else { return true }
            let day = record.at.date
            guard filter.from.map({ $0 <= day }) ?? true, filter.through.map({ day <= $0 }) ?? true,
                filter.source.map({ $0 == drop.source }) ?? true, filter.content.map({ $0 == drop.content }) ?? true,
                filter.file.map({ Self.contains(drop.file, $0) }) ?? true
            else { return true }
            return take(drop)
        }
    }

    /// The drop with this id; nil if the archive has none.
    package func find(_ id: DropID) throws(DropError) -> ArchivedDrop? {
        var found: ArchivedDrop?
        try scan { record in
            if record.drop == id { found = ArchivedDrop(record) }
            return found == nil
        }
        return found
    }

    /// The drops whose records are in the last 64 KiB of the chain, or in a larger part if that has none, oldest first; none if
    /// there is no chain. The time does not grow with the archive.
    package func newest() throws(DropError) -> [ArchivedDrop] {
        guard try Storage.exists(places.chain) else { return [] }
        let file = try StorageFile(places.chain, .read)
        let end = try file.size()
        var window: UInt64 = 64 << 10
        while true {
            let start = end - min(end, window)
            var reader = try ChainReader(file, from: start, end: end)
            var drops: [ArchivedDrop] = []
            while let line = try reader.next() {
                // The first line is mostly cut. The verifier reports damaged lines.
                if let drop = line.text.flatMap({ ChainRecord(parsing: $0) }).flatMap({ ArchivedDrop($0) }) {
                    drops.append(drop)
                }
            }
            if !drops.isEmpty || start == 0 { return drops }
            window *= 8
        }
    }

    /// Whether everything before `head` is still in the chain, unchanged. One look at the record that ended there is enough,
    /// because its hash covers all records before it.
    package func has(_ head: ArchiveHead) throws(DropError) -> Bool {
        guard head.bytes > 0 else { return true }
        guard try Storage.exists(places.chain) else { return false }
        let file = try StorageFile(places.chain, .read)
        guard try file.size() >= head.bytes else { return false }
        return try ChainLine.leaf(endingAt: head.bytes, in: file) == head.leaf
    }

    /// Writes a drop's bytes, as they were dropped, to `descriptor` (a file, pipe or terminal; stays the caller's).
    ///
    /// The bytes are hashed while they are written. An error after the first byte means that the output is not the original.
    ///
    /// - Throws: `missing` if the archive has no such drop; `unsound` if its bytes are not those archived.
    package func cat(_ id: DropID, to descriptor: CInt) throws(DropError) {
        try read(id) { (block) throws(DropError) in try Output.write(block, to: descriptor) }
    }

    /// The file that `extract` makes.
    package func path(extracting id: DropID, into folder: String) throws(DropError) -> String {
        guard let drop = try find(id) else { throw unknown(id) }
        let original = try original(of: drop)
        return folder + "/" + String(id.description) + original.member.dropFirst(original.drop.description.utf8.count)
    }

    /// Writes a drop's bytes into a new file of `folder`, under a generated name (the member's): nothing of the sender's name is
    /// used. A file of that name stays, and is an error.
    ///
    /// - Returns: the file's path.
    package func extract(_ id: DropID, into folder: String) throws(DropError) -> String {
        let path = try path(extracting: id, into: folder)
        try Storage.makeFolder(folder)
        let file = try StorageFile(path, .create)
        do throws(DropError) {
            var position: UInt64 = 0
            try read(id) { (block) throws(DropError) in
                let bytes = Bytes.array(block)
                try file.write(bytes, at: position)
                position += UInt64(bytes.count)
            }
            try file.sync()
        } catch {
            try Storage.remove(path)
            throw error
        }
        return path
    }

    private func unknown(_ id: DropID) -> DropError {
        DropError(.missing, "The archive has no drop \(id).", hint: "See `twindrop archive list`.", remedy: .quarantine)
    }

    /// The drop that has the bytes: itself, or the one it repeats.
    private func original(of drop: ArchivedDrop) throws(DropError) -> ArchivedDrop {
        var drop = drop
        for _ in 0..<1000 {
            guard let same = drop.sameBytesAs else { return drop }
            guard let earlier = try find(same), earlier.content == drop.content, earlier.leaf < drop.leaf else { break }
            drop = earlier
        }
        throw .unsound("\(places.root): the drop that holds the bytes of drop \(drop.drop) is not in the archive.")
    }

    private func read(_ id: DropID, _ take: (RawSpan) throws(DropError) -> Void) throws(DropError) {
        guard let asked = try find(id) else { throw unknown(id) }
        let drop = try original(of: asked)
        let path = places.path(of: drop.container)
        let file = try StorageFile(path, .read)
        var limits = TarZstdReader.Limits()
        limits.ratioMax = 200_000
        limits.membersMax = 100_000
        var hash = StreamHash()
        let isWhole = try inContainer(path) {
            let reader = try TarZstdReader(descriptor: file.descriptor, limits: limits)
            while let member = try reader.nextMember() {
                guard member.name.utf8.elementsEqual(drop.member.utf8), member.bytes == drop.bytes else { continue }
                try reader.read { block in
                    hash.update(block)
                    try take(block)
                }
                return hash.digest == drop.content
            }
            return false
        }
        guard isWhole else { throw .unsound("\(path): the bytes of drop \(id) are missing, or not those that were archived.") }
    }

    /// Reads the chain as far as it is durable. A damaged record ends it with an error: run `verify`.
    private func scan(damaged: Bool = false, _ take: (ChainRecord) -> Bool) throws(DropError) {
        let end = try ChainHead.read(places)?.bytes
        let file = try StorageFile(places.chain, .read)
        var reader = try ChainReader(file, end: end)
        while let line = try reader.next() {
            guard let text = line.text, let record = ChainRecord(parsing: text) else {
                if damaged { continue }
                throw .unsound("\(places.chain) byte \(line.offset): the record is damaged.")
            }
            guard take(record) else { return }
        }
    }

    private static func contains(_ text: String, _ part: String) -> Bool {
        let text = Array(text.utf8)
        let part = Array(part.utf8)
        guard part.count <= text.count else { return false }
        return (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
    }
}

extension ArchivedDrop {
    init?(_ record: ChainRecord) {
        guard record.kind.closesDrop, let drop = record.drop, let source = record.source, let file = record.file,
            let bytes = record.bytes, let content = record.content, let container = record.container, let member = record.member
        else { return nil }
        self.init(
            drop: drop, source: source, file: file, bytes: bytes, content: content, kind: record.kind.text,
            archivedAt: record.at.milliseconds, container: container, member: member, leaf: record.index,
            sameBytesAs: record.same)
    }
}
