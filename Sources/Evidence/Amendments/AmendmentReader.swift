package import DropCore

/// Reads corrected rejects, and puts their rows where they were refused (docs/decisions/0025-amendments.md).
package struct AmendmentReader: AmendmentBook {
    /// A file of rejects that is larger than this is none that a person corrected.
    private static let bytesMax: UInt64 = 256 << 20

    private let catalogue: ArchiveCatalogue
    private let scratch: String

    /// - Parameters:
    ///   - archive: the archive folder, absolute: the original's bytes lie there once they have left the spool.
    ///   - scratch: a folder for what is put together; emptied at each start.
    package init(archive: String, scratch: String) {
        catalogue = ArchiveCatalogue(root: archive)
        self.scratch = scratch
    }

    package func amendedDrop(by name: FileName, descriptor: CInt, bytes: UInt64) throws(DropError) -> DropID? {
        let drops = try MarkSearch(descriptor, bytes: bytes, name: name.description).drops
        guard drops.count > 1 else { return drops.first }
        let named = drops.sorted().prefix(3).map(\.description).joined(separator: ", ")
        throw DropError(
            "amendment", "\(name) has corrected records of \(drops.count) drops: \(named).",
            hint: "Deliver those of each drop in a file of their own.", remedy: .quarantine)
    }

    package func amended(
        _ original: DropRecord, _ refusals: Refusals, by record: DropRecord, at path: String, spooledAt: String?
    ) throws(DropError) -> AmendedFile {
        do throws(DropError) {
            let (input, copy) = try input(of: original, spooledAt, for: record)
            defer { if let copy { try? Storage.remove(copy) } }  // A leftover is removed at the next start.
            let file = try ContentSource.open(path)
            guard try file.size() <= Self.bytesMax else {
                throw Self.unfit(record, original, "it has more than \(Self.bytesMax >> 20) MiB.")
            }
            return try put(
                file.readAll(bytesMax: Self.bytesMax), into: AmendedFrame(input, refusals), refusals, original, by: record)
        } catch {
            // Nothing that one file says is a reason to stop.
            guard error.code == "unsound" || error.code == "missing" || error.code == ByteLoss.missing else { throw error }
            throw Self.unfit(record, original, "the two cannot be put together: \(error.message)")
        }
    }

    private func put(
        _ bytes: [UInt8], into frame: AmendedFrame, _ refusals: Refusals, _ original: DropRecord, by record: DropRecord
    ) throws(DropError) -> AmendedFile {
        var accepted: [UInt64: [UInt8]] = [:]
        var refused: [UInt64: String] = [:]
        for (number, row) in try CorrectedRows(bytes, frame, record, original).rows {
            if let known = refusals.corrections[number], known != row {
                refused[number] =
                    "Record \(number) of drop \(original.id) was corrected before, and this row says something else. Deliver a new "
                    + "file of the source to change what was applied."
            }
            accepted[number] = refused[number] == nil ? row : refusals.corrections[number]
        }
        let open = Set(refusals.records.map(\.record)).subtracting(refusals.corrections.keys).subtracting(accepted.keys)
        let target = scratch + "/\(record.id).amended"
        try frame.write(refusals.corrections.merging(accepted) { _, new in new }, to: target)
        return AmendedFile(
            amendment: Amendment(drop: original.id, rows: accepted, refused: refused, open: open), path: target,
            bytes: try StorageFile(target, .read).size())
    }

    package func withDescriptor<T>(
        of file: AmendedFile, _ body: (CInt) throws(DropError) -> T
    ) throws(DropError) -> T {
        let input = try StorageFile(file.path, .read)
        defer { withExtendedLifetime(input) {} }  // It closes its descriptor when it goes.
        return try body(input.descriptor)
    }

    /// What cannot be removed now goes at the next start.
    package func remove(_ file: AmendedFile) { try? Storage.remove(file.path) }

    /// The original's bytes, and the path of the copy where they were taken from the archive.
    private func input(
        of original: DropRecord, _ spooledAt: String?, for record: DropRecord
    ) throws(DropError) -> (StorageFile, copy: String?) {
        if let spooledAt {
            do throws(DropError) { return (try StorageFile(spooledAt, .read), nil) } catch {
                guard error.code == "missing" else { throw error }  // It went into the archive this moment.
            }
        }
        let path = scratch + "/\(record.id).original"
        try Storage.remove(path)
        do throws(DropError) {
            let copy = try StorageFile(path, .create)
            try catalogue.cat(original.id, to: copy.descriptor)
            return (copy, path)
        } catch {
            try Storage.remove(path)
            if case .retry = error.remedy { throw error }
            throw Self.unfit(record, original, "its bytes cannot be read from the archive: \(error.message)")
        }
    }

    static func unfit(_ record: DropRecord, _ original: DropRecord, _ why: String) -> DropError {
        DropError(
            "amendment", "\(record.fileName) amends drop \(original.id) (\(original.fileName)), but \(why)",
            hint: "Correct the file \(original.id).rejects.* in the receipts folder of \(original.source) and drop it again.",
            remedy: .quarantine)
    }
}

/// The file an amendment completes: where its refused records stand, and how its text is written.
struct AmendedFrame {
    /// A record or header that is larger is given out as it is, without a mark.
    static let partBytesMax: UInt64 = 64 << 20

    private let input: StorageFile
    /// In the order of the file, none twice.
    let records: [RefusedRecord]
    /// Nil for text without cells.
    let form: RejectsForm?
    let encoding: TextEncoding
    /// The original is UTF-8, as far as its first bytes tell; nil where they are all ASCII.
    let isUTF8: Bool?
    /// Lines of its headers, in eight-bit characters.
    let headerLines: Int
    /// The last header line as it was given out.
    let heading: [UInt8]
    let byNumber: [UInt64: RefusedRecord]

    init(_ input: StorageFile, _ refusals: Refusals) throws(DropError) {
        self.input = input
        var start = [UInt8](repeating: 0, count: 1 << 16)
        let count = try input.read(into: &start, at: 0)
        start.removeLast(start.count - count)
        let markBytes = LineEnds(start: start[...]).markBytes
        var last: UInt64?
        records = refusals.records.sorted { ($0.offset, $0.record) < ($1.offset, $1.record) }.filter { record in
            defer { last = record.offset }
            return record.length > 0 && record.offset != last
        }
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
        form = RejectsForm(start: start[...], headers: headers, rows: samples)
        encoding = TextEncoding(start: start[...])
        let text = encoding.narrow(headers.flatMap { $0 })
        headerLines = CellText.rows(text, delimiter: 0, literal: true).count
        heading = form.map { Self.narrowHeading($0, headers.last ?? []) } ?? []
        isUTF8 = Self.isUTF8(start)
    }

    private static func narrowHeading(_ form: RejectsForm, _ header: [UInt8]) -> [UInt8] {
        RejectsForm.lastLine(form.encoding.narrow(form.headed(header)))
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

    /// Writes the file with these bytes in place of its records.
    func write(_ rows: [UInt64: [UInt8]], to path: String) throws(DropError) {
        try Storage.remove(path)
        let size = try input.size()
        try Storage.fill(path) { (output) throws(DropError) in
            var at: UInt64 = 0
            for record in records {
                guard let row = rows[record.record], record.offset >= at else { continue }
                try copy(at..<record.offset, to: &output)
                try output.write(row)
                at = record.offset + record.length
            }
            try copy(at..<max(at, size), to: &output)
        }
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
