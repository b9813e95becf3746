import CodecKit
import DropCore
import TwinModel

/// What the register knows about a drop, in the form of receipts and archive headers.
enum DropFacts {
    /// Members in an order for people: what the drop is, how it ended, why.
    static func members(of record: DropRecord) -> [JSON.Member] {
        var out: [JSON.Member] = [
            .init("drop", .string(record.id.description)),
            .init("source", .string(record.source.text)),
            .init("file", .string(record.fileName.description)),
            .init("bytes", .int(Int64(clamping: record.bytes))),
            .init("content", record.digest.map { .string($0.description) } ?? .null),
            .init("state", .string(record.state.rawValue)),
        ]
        if let outcome = record.outcome { out.append(.init("outcome", .string(outcome.rawValue))) }
        out += [
            .init("claimedAt", .string(UTCTime(milliseconds: record.claimedAt).description)),
            .init("changedAt", .string(UTCTime(milliseconds: record.changedAt).description)),
        ]
        if let link = record.link {
            out.append(
                .init(
                    "link",
                    .object([
                        .init("kind", .string(link.kind.rawValue)), .init("drop", .string(link.drop.description)),
                    ])))
        }
        if let closing = record.closedBy {
            out.append(
                .init(
                    "closedBy",
                    .object([
                        .init("drop", .string(closing.drop.description)), .init("how", .string(closing.how.rawValue)),
                    ])))
        }
        if record.released { out.append(.init("released", true)) }
        if let reason = record.reason { out.append(.init("reason", json(reason))) }
        if let plugin = record.plugin { out.append(.init("plugin", json(plugin))) }
        if let books = record.books { out.append(.init("books", json(books, fileBytes: record.bytes))) }
        return out
    }

    private static func json(_ reason: DropReason) -> JSON {
        .object([
            .init("code", .string(reason.code.text)), .init("message", .string(reason.message)),
            .init("hint", .string(reason.hint)),
        ])
    }

    private static func json(_ plugin: TransformSummary) -> JSON {
        var members: [JSON.Member] = [
            .init("id", .string(plugin.pluginID)), .init("version", .string(plugin.pluginVersion)),
            .init("sha256", .string(plugin.pluginDigest.description)),
        ]
        if !plugin.log.isEmpty { members.append(.init("log", .array(plugin.log.map { .string($0) }))) }
        return .object(members)
    }

    /// The books. Each says whether its sum is right: every record is used, filtered or rejected; every byte of the file belongs
    /// to a part or is named as unaccounted; operations by outcome, with their total.
    private static func json(_ books: DropBooks, fileBytes: UInt64) -> JSON {
        func count(_ name: String, _ value: UInt64) -> JSON.Member { .init(name, .int(Int64(clamping: value))) }
        let outcomes = [
            books.created, books.updated, books.unchanged, books.deleted, books.rejected, books.superseded, books.waiting,
        ]
        let sorted = books.recordsUsed &+ books.recordsFiltered &+ books.recordsRejected
        let named = books.bytesAccounted &+ books.bytesUnaccounted
        let parts: [JSON.Member] = [
            .init(
                "records",
                .object([
                    count("read", books.recordsRead), count("used", books.recordsUsed), count("filtered", books.recordsFiltered),
                    count("rejected", books.recordsRejected), .init("closes", .bool(sorted == books.recordsRead)),
                ])),
            .init(
                "operations",
                .object([
                    count("total", books.operations), count("created", books.created), count("updated", books.updated),
                    count("unchanged", books.unchanged), count("deleted", books.deleted), count("rejected", books.rejected),
                    count("superseded", books.superseded), count("waiting", books.waiting),
                    count("deletedByAbsence", books.deletedByAbsence), count("deletedWithTwins", books.deletedWithTwins),
                    .init("closes", .bool(outcomes.reduce(0, &+) == books.operations)),
                ])),
            .init(
                "bytes",
                .object([
                    count("accounted", books.bytesAccounted), count("unaccounted", books.bytesUnaccounted),
                    .init("closes", .bool(named == fileBytes)),
                ])),
            .init(
                "skipped",
                .array(
                    books.skipped.map { part in
                        .object([
                            .init("name", .string(part.name)), count("parts", part.parts), count("bytes", part.bytes),
                            count("offset", part.offset),
                        ])
                    })),
        ]
        guard let why = books.withheld else { return .object(parts) }
        let withheld: JSON.Member = .init(
            "withheld",
            .object([
                count("twins", books.withheldTwins), count("relationships", books.withheldRelationships),
                .init("why", .string(why)),
            ]))
        return .object(parts + [withheld])
    }
}
