import DropCore
import Foundation
import HomeConfiguration
import TwinModel

/// Why records of a drop were refused, and where they are: what stands beside its receipt, also of a held drop.
struct RejectsReport {
    /// One refused record.
    struct Reason {
        let record: UInt64
        /// Of its first byte in the file.
        let offset: UInt64
        let code: String
        /// Names the cell, where the plugin knew it.
        let message: String
    }

    /// How many reasons a person is shown; the file has all.
    static let shownMax = 10

    /// Paths of the refused records in the sender's own form, and of the reasons.
    private let file: String
    private let reasonsFile: String
    private let source: SourceName
    private(set) var first: [Reason] = []
    /// By code, the most frequent first.
    private(set) var counts: [(code: String, count: Int)] = []
    private var total: Int { counts.reduce(0) { $0 + $1.count } }

    /// Nil where no record was refused, or where its files are gone (`retention.receipts`).
    init?(of record: DropRecord, in home: Home) {
        let folder = home.paths.receipts + "/" + record.source.text
        // A folder that cannot be listed is what `doctor` reports; the facts of the drop are shown all the same.
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.hasPrefix("\(record.id).rejects.")
        }
        guard let reasons = names.first(where: { $0.hasSuffix(".reasons.ndjson") }),
            let rows = names.first(where: { $0 != reasons }),
            let text = FileManager.default.contents(atPath: folder + "/" + reasons)
        else { return nil }
        (file, reasonsFile, source) = (folder + "/" + rows, folder + "/" + reasons, record.source)
        var byCode: [String: Int] = [:]
        for line in text.split(separator: UInt8(ascii: "\n")) {
            guard let json = try? JSON(parsing: Array(line)), let code = json["code"]?.string else { continue }  // Cut short.
            byCode[code, default: 0] += 1
            guard first.count < Self.shownMax else { continue }
            first.append(
                Reason(
                    record: UInt64(max(0, json["record"]?.int ?? 0)), offset: UInt64(max(0, json["offset"]?.int ?? 0)), code: code,
                    message: json["message"]?.string ?? ""))
        }
        counts = byCode.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
        if counts.isEmpty { return nil }
    }

    /// docs/schemas/drop.schema.json: `rejects`.
    var json: JSON {
        [
            "file": .string(file), "reasons": .string(reasonsFile), "reasonCount": .int(Int64(total)),
            "byCode": .object(counts.map { .init($0.code, .int(Int64($0.count))) }),
            "first": .array(
                first.map {
                    [
                        "record": .int(Int64(clamping: $0.record)), "offset": .int(Int64(clamping: $0.offset)),
                        "code": .string($0.code), "message": .string($0.message),
                    ]
                }),
        ]
    }

    func print(_ line: (String, String) -> Void) {
        line("refused", counts.map { "\($0.count) × \($0.code)" }.joined(separator: ", "))
        for reason in first { line("", Self.text(reason)) }
        if total > first.count { line("", "… and \(total - first.count) more reasons in \(reasonsFile)") }
        line("correct", "the rows are in \(file); correct them there, keep the name, and hand them over:")
        line("", "twindrop drop \(file) --source \(source)")
    }

    static func text(_ reason: Reason) -> String {
        "record \(reason.record) (byte \(reason.offset)): \(reason.message) [\(reason.code)]"
    }
}
