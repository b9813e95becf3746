import DropCore

/// The file that an amendment completes: the places of its refused records, and how its text is written.
struct AmendedFrame {
    /// A larger record or header is given out as it is, without a mark.
    static let partBytesMax: UInt64 = 64 << 20

    private let input: StorageFile
    /// In the order of the file, none twice.
    let records: [RefusedRecord]
    /// Nil for text without cells.
    let form: RejectsForm?
    let encoding: TextEncoding
    /// Whether the original is UTF-8, by its dialect or its first bytes; nil if these are all ASCII.
    let isUTF8: Bool?
    /// The lines of its headers, in eight-bit characters.
    let headerLines: [[UInt8]]
    /// The last header line as it was given out, and its line end.
    let heading: (line: [UInt8], lineEnd: [UInt8])
    /// What ends its lines; nil if no line ends.
    let lineEnd: [UInt8]?
    let byNumber: [UInt64: RefusedRecord]

    /// - Parameter dialect: as the source states it.
    init(_ input: StorageFile, _ refusals: Refusals, _ dialect: TextDialect?) throws(DropError) {
        self.input = input
        var start = [UInt8](repeating: 0, count: 1 << 16)
        let count = try input.read(into: &start, at: 0)
        start.removeLast(start.count - count)
        let ends = LineEnds(start: start[...])
        let markBytes = ends.markBytes
        encoding = TextEncoding(start: start[...], declared: dialect?.encoding)
        records = try Self.parts(refusals.records, input, encoding.byteOrderMark)
        byNumber = Dictionary(records.map { ($0.record, $0) }) { first, _ in first }
        var headers: [[UInt8]] = []
        for span in refusals.headers where span.offset &+ span.length > markBytes && span.length <= Self.partBytesMax {
            let from = max(span.offset, markBytes)
            headers.append(try Self.read(input, from, span.offset &+ span.length - from))
        }
        var samples: [[UInt8]] = []
        for record in records.prefix(RejectsForm.samples) where record.length <= Self.partBytesMax {
            samples.append(try Self.read(input, record.offset, record.length))
        }
        form = RejectsForm(start: start[...], headers: headers, rows: samples, stated: dialect)
        let text = encoding.narrow(headers.flatMap { $0 })
        headerLines = CellText.rows(text, TextDialect(), literal: true).map { Array(text[$0.range]) }
        heading = form?.heading(headers.last ?? []) ?? ([], [])
        lineEnd =
            if let terminator = dialect?.terminator { encoding.encoded(terminator) ?? terminator } else {
                ends.isWide == (encoding.unit == 2) ? ends.lineEnd : encoding.wide([0x0A])
            }
        isUTF8 = dialect == nil ? Self.isUTF8(start) : encoding == .eightBit
    }

    /// The parts of the file with its refused records. A record that was refused because of a byte order mark before it includes
    /// that mark.
    private static func parts(
        _ records: [RefusedRecord], _ input: StorageFile, _ mark: [UInt8]
    ) throws(DropError) -> [RefusedRecord] {
        var parts: [RefusedRecord] = []
        let markBytes = UInt64(mark.count)
        for record in records.sorted(by: { ($0.offset, $0.record) < ($1.offset, $1.record) }) where record.length > 0 {
            var part = record
            if markBytes > 0, record.offset > markBytes, try read(input, record.offset - markBytes, markBytes) == mark {
                part = RefusedRecord(
                    record: record.record, offset: record.offset - markBytes, length: record.length + markBytes)
            }
            if let last = parts.last, part.offset < last.offset &+ last.length { continue }
            parts.append(part)
        }
        return parts
    }

    /// The bytes, with the file's line end added if they have none.
    func ended(_ bytes: [UInt8], _ ends: LineEnds) -> [UInt8] {
        guard let form else { return ends.ended(bytes) }
        guard !bytes.isEmpty, form.parted(bytes).lineEnd.isEmpty else { return bytes }
        return bytes + (lineEnd ?? [])
    }

    /// Whether two records have the same cells.
    func saysSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left != right, let form else { return left == right }
        func cells(_ bytes: [UInt8]) -> [[UInt8]] {
            CellText.rows(encoding.narrow(part: form.parted(bytes).content), form.dialect).flatMap { $0.cells.map(\.value) }
        }
        return cells(left) == cells(right)
    }

    /// The text of a corrected file, in eight-bit characters, whatever program saved it.
    func text(of bytes: [UInt8]) -> [UInt8] {
        let found = TextEncoding(start: bytes.prefix(1 << 16))
        let text = found.narrow(bytes)
        guard found == .eightBit, encoding == .windows1252 || encoding == .latin1 else { return text }
        return Windows1252.utf8(text)
    }

    private static func isUTF8(_ start: [UInt8]) -> Bool? {
        guard start.contains(where: { $0 >= 0x80 }) else { return nil }
        // The last character may be cut.
        return (0..<4).contains { start.count > $0 && Windows1252.isUTF8(Array(start.dropLast($0))) }
    }

    func bytes(at offset: UInt64, _ length: UInt64) throws(DropError) -> [UInt8] { try Self.read(input, offset, length) }

    func bytes(of record: RefusedRecord) throws(DropError) -> [UInt8] { try Self.read(input, record.offset, record.length) }

    private static func read(_ input: StorageFile, _ offset: UInt64, _ length: UInt64) throws(DropError) -> [UInt8] {
        guard length <= partBytesMax else { throw .unsound("\(input.path): a record or header has \(length) bytes.") }
        var bytes = [UInt8](repeating: 0, count: Int(length))
        guard try input.read(into: &bytes, at: offset) == bytes.count else {
            throw .unsound("\(input.path) is shorter than it was.")
        }
        return bytes
    }

    /// Writes the file with these bytes in place of its records. Returns their places in it.
    func write(_ rows: [UInt64: [UInt8]], to path: String) throws(DropError) -> [UInt64: Range<UInt64>] {
        var places: [UInt64: Range<UInt64>] = [:]
        try Storage.remove(path)
        let size = try input.size()
        try Storage.fill(path) { (output) throws(DropError) in
            var (at, written): (UInt64, UInt64) = (0, 0)
            for record in records {
                guard let row = rows[record.record], record.offset >= at else { continue }
                try copy(at..<record.offset, to: &output)
                try output.write(row)
                written += record.offset - at
                places[record.record] = written..<written + UInt64(row.count)
                written += UInt64(row.count)
                at = record.offset + record.length
            }
            try copy(at..<max(at, size), to: &output)
        }
        return places
    }

    func copy(_ range: Range<UInt64>, to output: inout BufferedOutput) throws(DropError) {
        var at = range.lowerBound
        while at < range.upperBound {
            let count = min(1 << 18, range.upperBound - at)
            try output.write(try Self.read(input, at, count))
            at += count
        }
    }
}
