import CodecKit
import DropCore
import Foundation
import ProgramKit
import TwinModel

@testable import Evidence

/// An archive in a folder of its own, with what the pipeline would hand over. Everything goes when it goes.
final class Fixture {
    /// 2026-11-21T09:00:00Z
    static let morning: UInt64 = 1_795_251_600_000
    static let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    let folder: String
    let source = SourceName("erp")!
    private var random = SystemRandomNumberGenerator()
    private var ids = DropIDGenerator()

    init() throws {
        folder = NSTemporaryDirectory() + "evidence-" + UUID().uuidString
        for name in ["/archive", "/spool", "/receipts/erp"] {
            try FileManager.default.createDirectory(atPath: folder + name, withIntermediateDirectories: true)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var archive: String { folder + "/archive" }

    func writer(now: UInt64 = morning) throws -> ArchiveWriter { try ArchiveWriter(root: archive, now: now) }

    /// A drop with its bytes in the spool.
    func item(
        _ content: [UInt8], name: FileName = FileName("orders.csv"), kind: String = "applied", now: UInt64 = morning,
        same: DropID? = nil
    ) throws -> ArchiveItem {
        let id = ids.next(milliseconds: now, using: &random)
        let path = folder + "/spool/\(id)"
        try Data(content).write(to: URL(fileURLWithPath: path))
        var books = DropBooks()
        books.recordsRead = 3
        books.recordsUsed = 3
        books.created = 3
        books.bytesAccounted = UInt64(content.count)
        let record = DropRecord(
            id: id, source: source, fileName: name, bytes: UInt64(content.count), digest: StreamHash.digest(of: content),
            state: .applied, claimedAt: now, changedAt: now, intake: FileIdentity(device: 1, inode: 2, changeTime: 3),
            books: books,
            plugin: TransformSummary(
                pluginID: "org.example.csv", pluginVersion: "1.0", pluginDigest: StreamHash.digest(of: [1]), log: []))
        return ArchiveItem(record: record, path: path, kind: kind, lineage: ["mapping": "none"], sameBytesAs: same)
    }

    func item(_ text: String, now: UInt64 = morning) throws -> ArchiveItem { try item(Array(text.utf8), now: now) }

    /// The row that the database has of a drop of the chain.
    func row(of record: ChainRecord) throws -> DropRecord {
        var row = DropRecord(
            id: record.drop!, source: source, fileName: FileName(record.file!), bytes: record.bytes!, digest: record.content,
            state: .archived, claimedAt: record.at.milliseconds, changedAt: record.at.milliseconds,
            intake: FileIdentity(device: 1, inode: 2, changeTime: 3))
        row.container = record.container
        return row
    }

    /// A good archive: two days, three containers, seven drops, sealed.
    @discardableResult
    func fill() throws -> [ArchivedItem] {
        let writer = try writer()
        var places: [ArchivedItem] = []
        for (batch, count) in [3, 2, 2].enumerated() {
            let now = Self.morning + UInt64(batch) * 50_000_000
            for number in 0..<count { try writer.append(item("id;n\n\(batch);\(number)\n", now: now), now: now) }
            places += try writer.close(now: now)
        }
        try writer.stop(now: Self.morning + 101_000_000)
        return places
    }

    func verify(full: Bool = false, prove: DropID? = nil, anchor: String? = nil) throws -> VerifyResult {
        try ArchiveVerifier(root: archive).verify(full: full, prove: prove, anchor: anchor.map { try Anchor(file: $0) })
    }

    /// Runs a script in the archive folder; its output, and whether it succeeded.
    func run(_ script: String) throws -> (output: String, succeeded: Bool) {
        let ended = try Child.run("/bin/bash", ["-c", "set -euo pipefail\n" + script], in: archive, merging: true)
        return (ended.text, ended.code == 0)
    }

    func read(_ name: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))) }

    func write(_ name: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name)) }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: folder + "/" + name) }

    /// The chain's records, as texts without the line around them.
    func records() throws -> [[UInt8]] {
        try read("archive/chain.log").split(separator: 10).map { Array($0.dropFirst(ChainLine.prefixBytes)) }
    }

    /// Replaces the chain by these records, with lines that fit them.
    func writeChain(_ records: [[UInt8]]) throws { try write("archive/chain.log", records.flatMap { ChainRecord.line($0) }) }

    /// The seals, by size.
    func seals() throws -> [String] { try Seal.names(in: ArchivePlaces(root: archive)).map { "archive/" + $0.name } }

    /// Names below a folder, files only.
    func files(_ name: String) -> [String] {
        let root = folder + "/" + name
        return (FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []).filter {
            let attributes = try? FileManager.default.attributesOfItem(atPath: root + "/" + $0)
            return attributes?[.type] as? FileAttributeType != .typeDirectory
        }.sorted()
    }
}
