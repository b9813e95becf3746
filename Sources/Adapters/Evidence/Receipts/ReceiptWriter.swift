package import DropCore
import TwinModel

/// Writes the receipts for senders: `SOURCE/ULID.receipt.json`, and `NAME.receipt.json`, a second name of the newest receipt for
/// that file name.
///
/// Receipts appear whole or not at all, and survive a power cut after `sync`, which covers many of them together. A drop has not
/// ended before that. Blocking; safe from any thread, one call at a time per drop.
///
/// The folder decides who may read a receipt: a file gets the reading rights of its folder, and a source's folder those of its
/// parent (docs/operations.md).
package struct ReceiptWriter: Sendable {
    private let root: String

    /// - Parameter root: the receipts folder, absolute.
    package init(root: String) { self.root = root }

    /// Makes the folder of a source, durably; `write` and `RejectsWriter.write` need it.
    package func prepare(_ source: SourceName) throws(DropError) { try Storage.makeSharedFolder(folder(of: source)) }

    /// Makes the receipts of these drops durable, under both their names; missing ones are not an error.
    package func sync(_ records: [DropRecord]) throws(DropError) {
        if records.count >= Self.syncTogetherMin { return try Storage.syncFileSystem(of: root) }
        for record in records { try Storage.syncFile(folder(of: record.source) + "/\(record.id).receipt.json") }
        for source in Set(records.map(\.source)) { try Storage.syncFolder(folder(of: source)) }
    }

    /// With this many files, one call for the whole file system costs less than one call for each.
    private static let syncTogetherMin = 8

    private func folder(of source: SourceName) -> String { root + "/" + source.text }

    /// Writes, or replaces, the receipt of a drop.
    ///
    /// - Parameters:
    ///   - archived: where its bytes are, once they are archived.
    ///   - rejects: what `RejectsWriter` wrote for it.
    /// - Returns: the receipt's path.
    @discardableResult
    package func write(
        _ record: DropRecord, archived: ArchivedItem? = nil, rejects: RejectsFile? = nil
    ) throws(DropError) -> String {
        let folder = folder(of: record.source) + "/"
        let name = "\(record.id).receipt.json"
        let text =
            Self.json(record, archived, rejects, kept: try rejects?.kept(in: folder) ?? []).utf8(.pretty) + [UInt8(ascii: "\n")]
        try Storage.replace(folder + name, with: text, durable: false, shared: true)
        let link = folder + Self.linkName(record.fileName)
        // A receipt that is written again does not replace the link of a newer drop.
        if Self.drop(ofReceiptAt: link).map({ $0 <= record.id }) ?? true { try Storage.link(link, to: folder + name) }
        return folder + name
    }

    /// The drop a receipt is of; nil if there is no receipt.
    package static func drop(ofReceiptAt path: String) -> DropID? {
        // {"format": 1, "drop": "ULID", … in that order.
        let parts = Storage.head(of: path, bytes: 96).split(separator: UInt8(ascii: "\""), maxSplits: 6)
        guard parts.count > 5, parts[3].elementsEqual("drop".utf8) else { return nil }
        return DropID(String(decoding: parts[5], as: UTF8.self))
    }

    /// The link's name: the file's, escaped and cut to 200 bytes, never that of a receipt, a hidden file or an option.
    package static func linkName(_ name: FileName) -> String {
        var text = name.description
        if [".", "_", "-"].contains(where: text.hasPrefix) || DropID(text) != nil { text = "_" + text }
        if text.utf8.count > 200 {
            let digest = StreamHash.digest(of: name.bytes).description.prefix(16)
            while text.utf8.count > 180 { text.unicodeScalars.removeLast() }
            text += "~" + digest
        }
        return text + ".receipt.json"
    }

    /// A name that fits the source's patterns as the original's name does.
    private static func amendingName(_ record: DropRecord) -> String {
        let ending = record.fileName.pathExtension
        let name = record.fileName.description
        let stem = ending.isEmpty ? name[...] : name.dropLast(ending.count + 1)
        return "\(stem).rejects.\(record.id)" + (ending.isEmpty ? "" : name.suffix(ending.count + 1))
    }

    /// The form that docs/schemas/receipt.schema.json describes.
    static func json(
        _ record: DropRecord, _ archived: ArchivedItem?, _ rejects: RejectsFile?, kept: [String] = []
    ) -> JSON {
        var members: [JSON.Member] = [.init("format", 1)]
        members += DropFacts.members(of: record)
        let container = archived?.container ?? record.container
        if let container {
            var place: [JSON.Member] = [.init("container", .string(container))]
            if let member = archived?.member ?? record.member { place.append(.init("member", .string(member))) }
            if let leaf = archived?.leaf { place.append(.init("leaf", .int(Int64(clamping: leaf)))) }
            members.append(.init("archive", .object(place)))
        }
        if let rejects {
            var files: [JSON.Member] = [
                .init("file", .string(rejects.name)), .init("reasons", .string(rejects.reasonsName)),
                .init("records", .int(Int64(clamping: rejects.records))),
                .init(
                    "correct",
                    .string(
                        "Correct \(rejects.name), leave the column \(RejectMark.column) as it is where there is one, and drop "
                            + "the file again, under its name or as \(Self.amendingName(record))."
                    )),
            ]
            if !kept.isEmpty { files.append(.init("kept", .array(kept.map { .string($0) }))) }
            members.append(.init("rejects", .object(files)))
        }
        return .object(members)
    }
}
