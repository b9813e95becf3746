import CodecKit
package import DropCore
import Evidence
import Foundation
import HomeConfiguration
package import TwinModel

/// Why records of a drop were refused, and where they are: what stands beside its receipt, also of a held drop.
package struct RejectsReport {
    /// One refused record.
    package struct Reason {
        package let record: UInt64
        /// Of its first byte in the file.
        package let offset: UInt64
        package let code: String
        /// Names the cell, where the plugin knew it.
        package let message: String
        /// Bytes the record has in the file.
        package let length: UInt64
        /// The line of the file that it begins in; nil where that is not at hand.
        package var line: Int?
        /// How it begins there; nil where that is not at hand.
        package var text: String?
    }

    /// How much of a row is shown, in bytes.
    private static let rowBytesMax = 160
    /// Of a drop that is archived, and larger, no rows are shown: reading it would take longer than a person waits.
    private static let archivedBytesMax: UInt64 = 16 << 20

    /// How many reasons a person is shown; the file has all.
    package static let shownMax = 10

    /// Paths of the refused records in the sender's own form, and of the reasons.
    private let file: String
    private let reasonsFile: String
    private let source: SourceName
    /// What the file was before its records were written again.
    private let kept: [String]
    private(set) var first: [Reason] = []
    /// By code, the most frequent first.
    private(set) var counts: [(code: String, count: Int)] = []
    private var total: Int { counts.reduce(0) { $0 + $1.count } }

    /// Nil where no record was refused, or where its files are gone (`retention.receipts`).
    package init?(of record: DropRecord, in home: Home) {
        let folder = home.paths.receipts + "/" + record.source.text + "/"
        // By their exact names: people keep their corrections beside them.
        let written = RejectsFile(of: record, records: 0)
        guard FileCalls.isFile(folder + written.name),
            let text = FileManager.default.contents(atPath: folder + written.reasonsName)
        else { return nil }
        kept = ((try? written.kept(in: folder)) ?? []).map { folder + $0 }
        (file, reasonsFile, source) = (folder + written.name, folder + written.reasonsName, record.source)
        var byCode: [String: Int] = [:]
        for line in text.split(separator: UInt8(ascii: "\n")) {
            guard let json = try? JSON(parsing: Array(line)), let code = json["code"]?.string else { continue }  // Cut short.
            byCode[code, default: 0] += 1
            guard first.count < Self.shownMax else { continue }
            first.append(
                Reason(
                    record: UInt64(max(0, json["record"]?.int ?? 0)), offset: UInt64(max(0, json["offset"]?.int ?? 0)),
                    code: code,
                    message: json["message"]?.string ?? "", length: UInt64(max(0, json["length"]?.int ?? 0))))
        }
        counts = byCode.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
        if counts.isEmpty { return nil }
        readRows(of: record, in: home, home.configuration.source(record.source)?.dialect)
    }

    /// What the first refused records say, from the drop's own bytes.
    private mutating func readRows(of record: DropRecord, in home: Home, _ dialect: TextDialect?) {
        guard record.link?.kind != .amends else { return readCorrections(dialect) }
        guard record.container == nil || record.bytes <= Self.archivedBytesMax else { return }
        // Where the bytes are damaged or away, the reasons are shown all the same; `verify` says more.
        guard let bytes = try? DropBytes(record, in: home).open(isChecked: record.bytes < 64 << 20) else { return }
        defer { bytes.close() }
        let start = bytes.bytes(at: 0, 1 << 12) ?? []
        for (index, reason) in first.enumerated() where reason.length > 0 {
            let wanted = Int(min(reason.length, UInt64(Self.rowBytesMax)))
            guard let found = bytes.bytes(at: reason.offset, wanted) else { continue }
            var row = TextDialect.shown(found, of: start, dialect)
            while let last = row.last, last == 0x0A || last == 0x0D { row.removeLast() }
            first[index].text = Escaping.visible(row) + (reason.length > UInt64(wanted) ? "…" : "")
        }
        guard record.bytes <= Self.archivedBytesMax, let lines = bytes.lines(at: first.map(\.offset)) else { return }
        for index in first.indices { first[index].line = lines[index] }
    }

    /// A correction's rows were refused where they stand in the file that it completes, so their places are not places in its own
    /// bytes. The rows are those of the file of rejects, where that has a line for each below its header.
    private mutating func readCorrections(_ dialect: TextDialect?) {
        guard let bytes = FileManager.default.contents(atPath: file), bytes.count <= Int(Self.archivedBytesMax) else { return }
        let lines = bytes.split(separator: 0x0A)
        guard lines.count == total + 1 else { return }
        for index in first.indices {
            var row = Array(lines[index + 1])
            if row.last == 0x0D { row.removeLast() }
            let isCut = row.count > Self.rowBytesMax
            let shown = TextDialect.shown(Array(row.prefix(Self.rowBytesMax)), of: Array(bytes.prefix(1 << 12)), dialect)
            first[index].text = Escaping.visible(shown) + (isCut ? "…" : "")
        }
    }

    /// docs/schemas/drop.schema.json: `rejects`.
    package var json: JSON {
        [
            "file": .string(file), "reasons": .string(reasonsFile), "reasonCount": .int(Int64(total)),
            "byCode": .object(counts.map { .init($0.code, .int(Int64($0.count))) }),
            "first": .array(
                first.map { reason in
                    var members: [JSON.Member] = [
                        .init("record", .int(Int64(clamping: reason.record))),
                        .init("offset", .int(Int64(clamping: reason.offset))), .init("code", .string(reason.code)),
                        .init("message", .string(reason.message)),
                    ]
                    if let line = reason.line { members.append(.init("line", .int(Int64(line)))) }
                    if let text = reason.text { members.append(.init("text", .string(text))) }
                    return .object(members)
                }),
        ]
    }

    /// What comes first where a held drop has refused records. The rows of corrected rejects are those of the drop that they
    /// correct, which is applied, so they need not wait.
    private static func order(ofCorrecting record: DropRecord) -> String {
        let isUseless = record.outcome == .nothingUsable
        guard record.link?.kind != .amends else {
            return "Corrections of these rows do not wait for this drop"
                + (isUseless ? ": hand them over, then `twindrop discard \(record.id)`." : ".")
        }
        return isUseless
            ? "There are two ways. Correct the whole file: `twindrop retry \(record.id) --with FILE` runs it in the place of this drop. "
                + "Or correct these rows, hand them over, and `twindrop release \(record.id)`."
            : "Corrections are applied once this drop is released."
    }

    package func print(of record: DropRecord, _ line: (String, String) -> Void) {
        line("refused", counts.map { "\($0.count) × \($0.code)" }.joined(separator: ", "))
        let isCorrection = record.link?.kind == .amends
        for reason in first {
            let place =
                isCorrection
                ? "of the file it corrects" : reason.line.map { "line \($0), byte \(reason.offset)" } ?? "byte \(reason.offset)"
            line("", "record \(reason.record) (\(place)): \(reason.message) [\(reason.code)]")
            if let text = reason.text, !text.isEmpty { line("", "  " + text) }
        }
        if total > first.count { line("", "… and \(total - first.count) more reasons in \(reasonsFile)") }
        if let closing = record.closedBy, closing.how == .amendment {
            return line("", "Corrected by drop \(closing.drop): `twindrop show \(closing.drop)` has what is left of it.")
        }
        if counts.allSatisfy({ $0.code == Rejection.Fault.correctedAlready.rawValue }) {
            return line("", "These records were corrected before: drop what is to be changed still as a delivery of its own.")
        }
        guard record.state.isApplied || record.state == .held else { return }
        if record.state == .held { line("", Self.order(ofCorrecting: record)) }
        line("correct", "the rows are in \(file); correct them there, keep the name, and hand them over:")
        line("", "twindrop drop \(file) --source \(source)")
        if !kept.isEmpty {
            line("kept", "what had been changed there when the rows were written again: \(kept.joined(separator: ", "))")
        }
    }
}
