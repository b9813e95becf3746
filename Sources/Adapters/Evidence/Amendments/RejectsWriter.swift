import CodecKit
package import DropCore
import TwinModel

/// The files with a drop's refused records, beside its receipt.
package struct RejectsFile: Sendable, Equatable {
    /// `ULID.rejects.csv`: the records in their original bytes; `ULID.rejects.reasons.ndjson`: why, one line each.
    package let name: String
    package let reasonsName: String
    /// The number of records in it; a record that was refused twice counts once.
    package let records: UInt64

    /// The files of a drop; `records` of it were refused.
    package init(of record: DropRecord, records: UInt64) {
        let ending = record.fileName.pathExtension
        name = "\(record.id).rejects.\(ending.isEmpty ? "dat" : ending)"
        reasonsName = "\(record.id).rejects.reasons.ndjson"
        self.records = records
    }

    /// The name of a corrected file that is kept when its drop's refused records are written again.
    static func keptName(_ name: String, _ number: Int) -> String {
        guard let dot = name.lastIndex(of: ".") else { return "\(name).kept-\(number)" }
        return "\(name[..<dot]).kept-\(number)\(name[dot...])"
    }

    /// The kept earlier versions of this file, oldest first.
    ///
    /// - Parameter folder: with a slash at its end.
    package func kept(in folder: String) throws(DropError) -> [String] {
        var names: [String] = []
        while true {
            let next = Self.keptName(name, names.count + 1)
            guard try Storage.exists(folder + next) else { return names }
            names.append(next)
        }
    }
}

/// Writes the refused records in the sender's own dialect, so that a person only has to correct them and drop the file.
///
/// Both files are durable when `write` returns, because no other place has the refused records by themselves. Blocking; safe from
/// any thread, one call at a time per drop.
package struct RejectsWriter: Sendable {
    private let root: String

    /// - Parameter root: the receipts folder, absolute; `ReceiptWriter.prepare` made the source's folder in it.
    package init(root: String) { self.root = root }

    /// Writes the file's byte order mark and headers, then each refused record, byte for byte, by its place in the spooled file;
    /// if text has cells, with its mark in an extra cell (`RejectMark`).
    ///
    /// An existing file with other bytes may be somebody's correction. It is kept under another name, which is in the receipt.
    ///
    /// A last record without a line end gets the one the file uses, so that records stay apart.
    ///
    /// - Parameters:
    ///   - spans: of the drop; its headers are taken.
    ///   - rejections: in any order.
    ///   - drop: whose records they are.
    ///   - stated: how the file is written, as its source states it; nil: find it from the file.
    ///   - path: the bytes that were transformed.
    /// - Returns: nil if there are no rejections.
    /// - Throws: `protocol` (remedy quarantine) if a place lies outside of the file; storage errors.
    package func write(
        _ record: DropRecord, spans: [FileSpan], rejections: [Rejection], marking drop: DropID,
        dialect stated: TextDialect? = nil, from path: String
    ) throws(DropError) -> RejectsFile? {
        guard !rejections.isEmpty else { return nil }
        let input = try ContentSource.open(path)
        let folder = root + "/" + record.source.text + "/"
        let names = RejectsFile(of: record, records: 0)
        let dialect = try LineEnds(of: input)
        // A plugin may report the byte order mark as a separate header. It is still a mark, and does not end a line.
        let headers = spans.filter { $0.kind == .header && $0.offset &+ $0.length > dialect.markBytes }
        var records: [RefusedRecord] = []
        let sent = Dictionary(rejections.compactMap { one in one.sent.map { (one.record, $0) } }) { first, _ in first }
        for rejection in rejections.sorted(by: { ($0.offset, $0.record) < ($1.offset, $1.record) }) where rejection.length > 0 {
            if let last = records.last, rejection.offset < last.offset &+ last.length { continue }
            records.append(RefusedRecord(record: rejection.record, offset: rejection.offset, length: rejection.length))
        }
        try check(headers.map { ($0.offset, $0.length) } + records.map { ($0.offset, $0.length) }, of: input, record)
        let frame = try AmendedFrame(input, Refusals(drop: drop, records: records, headers: headers), stated)
        // A record that starts with the mark brings its own.
        let isMarked = dialect.markBytes > 0 && records.allSatisfy { $0.offset >= dialect.markBytes }
        let kept = folder + RejectsFile.keptName(names.name, try names.kept(in: folder).count + 1)
        try Storage.fill(folder + names.name, keeping: kept) { (output) throws(DropError) in
            if isMarked { try output.write(try frame.bytes(at: 0, dialect.markBytes)) }
            for (index, span) in headers.enumerated() {
                let from = max(span.offset, dialect.markBytes)
                guard span.length <= AmendedFrame.partBytesMax else {
                    try frame.copy(from..<span.offset + span.length, to: &output)
                    continue
                }
                let bytes = try frame.bytes(at: from, span.offset + span.length - from)
                let isLast = index == headers.count - 1
                try output.write(frame.ended(isLast ? frame.form?.headed(bytes) ?? bytes : bytes, dialect))
            }
            for refused in frame.records {
                guard refused.length <= AmendedFrame.partBytesMax else {
                    try frame.copy(refused.offset..<refused.offset + refused.length, to: &output)
                    continue
                }
                let bytes = if let row = sent[refused.record] { row } else { try frame.bytes(of: refused) }
                let mark = RejectMark(drop: drop, record: refused.record)
                try output.write(frame.ended(frame.form?.marked(bytes, mark) ?? bytes, dialect))
            }
        }
        try Storage.fill(folder + names.reasonsName) { (output) throws(DropError) in
            for rejection in rejections { try output.write(Self.line(rejection)) }
        }
        try Storage.syncFolder(folder)
        return RejectsFile(of: record, records: UInt64(frame.records.count))
    }

    private func check(_ parts: [(offset: UInt64, length: UInt64)], of input: StorageFile, _ record: DropRecord) throws(DropError)
    {
        let size = try input.size()
        for part in parts where part.offset > size || part.length > size - part.offset {
            throw DropError(
                .protocol,
                "\(record.fileName): bytes \(part.offset) to \(part.offset &+ part.length) lie outside of its \(size).",
                hint: "The plugin reports places that are not in the file: correct the plugin.", remedy: .quarantine,
                offset: part.offset)
        }
    }

    private static func line(_ rejection: Rejection) -> [UInt8] {
        let json = JSON.object([
            .init("record", .int(Int64(clamping: rejection.record))), .init("offset", .int(Int64(clamping: rejection.offset))),
            .init("length", .int(Int64(clamping: rejection.length))), .init("code", .string(rejection.code)),
            .init("message", .string(Escaping.sentence(rejection.message))),
        ])
        return Array(json.text().utf8) + [UInt8(ascii: "\n")]
    }
}

/// How a text file ends its lines, found in its first 64 KiB: byte order mark, width of a character, first line end.
struct LineEnds: Equatable {
    /// Bytes of the byte order mark; 0 without one.
    private(set) var markBytes: UInt64 = 0
    /// The first line end in the file; nil if none was seen.
    private(set) var lineEnd: [UInt8]?
    private(set) var isWide = false
    private(set) var isBigEndian = false

    init(of file: StorageFile) throws(DropError) {
        var start = [UInt8](repeating: 0, count: 1 << 16)
        let count = try file.read(into: &start, at: 0)
        self.init(start: start[..<count])
    }

    init(start: ArraySlice<UInt8>) {
        if start.starts(with: [0xEF, 0xBB, 0xBF]) {
            markBytes = 3
        } else if start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF]) {
            markBytes = 2
            isWide = true
            isBigEndian = start.first == 0xFE
        } else {
            guessWidth(start)
        }
        let width = isWide ? 2 : 1
        let units = stride(from: start.startIndex + (isWide ? Int(markBytes) : 0), to: start.endIndex - width + 1, by: width)
        var before: UInt16?
        for index in units {
            let unit = self.unit(start, index)
            if unit == 0x0A {
                lineEnd = before == 0x0D ? bytes(0x0D) + bytes(0x0A) : bytes(0x0A)
                break
            }
            if before == 0x0D {
                lineEnd = bytes(0x0D)
                break
            }
            before = unit
        }
        if lineEnd == nil, before == 0x0D { lineEnd = bytes(0x0D) }
    }

    /// The bytes, with the file's line end added if they have none.
    func ended(_ bytes: [UInt8]) -> [UInt8] {
        guard let lineEnd, !bytes.isEmpty, !endsLine(bytes.suffix(4)) else { return bytes }
        return bytes + lineEnd
    }

    /// Whether a text that ends in these bytes ends in a line end.
    func endsLine(_ tail: some Collection<UInt8>) -> Bool {
        let tail = Array(tail)
        let width = isWide ? 2 : 1
        guard tail.count >= width else { return false }
        let last = unit(tail[...], tail.count - width)
        return last == 0x0A || last == 0x0D
    }

    /// Without a mark, text in two-byte characters shows by its many zero bytes on one side.
    private mutating func guessWidth(_ start: ArraySlice<UInt8>) {
        var zeros = [0, 0]
        for (index, byte) in start.enumerated() where byte == 0 { zeros[index & 1] += 1 }
        guard start.count >= 4, max(zeros[0], zeros[1]) > start.count / 8, min(zeros[0], zeros[1]) < start.count / 64 + 1 else {
            return
        }
        isWide = true
        isBigEndian = zeros[0] > zeros[1]
    }

    private func unit(_ bytes: ArraySlice<UInt8>, _ index: Int) -> UInt16 {
        guard isWide else { return UInt16(bytes[index]) }
        let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
        return isBigEndian ? first << 8 | second : second << 8 | first
    }

    private func bytes(_ character: UInt8) -> [UInt8] {
        guard isWide else { return [character] }
        return isBigEndian ? [0, character] : [character, 0]
    }
}
