package import DropCore

/// Reads corrected rejects, and puts their rows in the places of the refused records (docs/decisions/0025-amendments.md).
package struct AmendmentReader: AmendmentStore {
    /// A larger file of rejects cannot be one that a person corrected.
    private static let bytesMax: UInt64 = 256 << 20

    private let catalogue: ArchiveCatalogue
    private let scratch: String

    /// - Parameters:
    ///   - archive: the archive folder, absolute. The original's bytes are there when they have left the spool.
    ///   - scratch: a folder for the completed file; emptied at each start.
    package init(archive: String, scratch: String) {
        catalogue = ArchiveCatalogue(root: archive)
        self.scratch = scratch
    }

    package func amendedDrop(by name: FileName, descriptor: CInt, bytes: UInt64) throws(DropError) -> DropID? {
        let found = try MarkSearch(descriptor, bytes: bytes, name: name)
        let drops = found.drops
        if drops.isEmpty, found.hasHeading {
            throw DropError(
                .amendment,
                "\(name) has the column \(RejectMark.column) of corrected rejects, and in it no mark that can be read: which records its "
                    + "rows are cannot be told.",
                hint:
                    "Correct the file of rejects as it was given out, and leave that column as it is. If the file is a delivery of its "
                    + "own, deliver it without the column.", remedy: .quarantine)
        }
        guard drops.count > 1 else { return drops.first }
        let named = drops.sorted().prefix(3).map(\.description).joined(separator: ", ")
        throw DropError(
            .amendment, "\(name) has corrected records of \(drops.count) drops: \(named).",
            hint: "Deliver those of each drop in a file of their own.", remedy: .quarantine)
    }

    package func amended(
        _ original: DropRecord, _ refusals: Refusals, by record: DropRecord, at path: String, spooledAt: String?,
        dialect: TextDialect?
    ) throws(DropError) -> AmendedFile {
        do throws(DropError) {
            let (input, copy) = try input(of: original, spooledAt, for: record)
            defer { if let copy { try? Storage.remove(copy) } }  // A leftover is removed at the next start.
            let file = try ContentSource.open(path)
            guard try file.size() <= Self.bytesMax else {
                throw Self.unfit(record, original, "it has more than \(Self.bytesMax >> 20) MiB.")
            }
            return try put(
                file.readAll(bytesMax: Self.bytesMax), into: AmendedFrame(input, refusals, dialect), refusals, original,
                by: record)
        } catch {
            // The content of one file is never a reason to stop the daemon.
            guard error.code == .unsound || error.code == .missing || error.code == ByteLoss.missing else { throw error }
            throw Self.unfit(record, original, "the two cannot be put together: \(error.message)")
        }
    }

    private func put(
        _ bytes: [UInt8], into frame: AmendedFrame, _ refusals: Refusals, _ original: DropRecord, by record: DropRecord
    ) throws(DropError) -> AmendedFile {
        var accepted: [UInt64: [UInt8]] = [:]
        var refused: [UInt64: Amendment.Refusal] = [:]
        let corrected = try CorrectedRows(bytes, frame, record, original)
        for (number, row) in corrected.rows {
            if let known = refusals.corrections[number] {
                if !frame.saysSame(known, row) {
                    refused[number] = .init(
                        .correctedAlready,
                        "Record \(number) of drop \(original.id) was corrected before, and this row says something else than what was "
                            + "accepted then. Drop the change as a delivery of its own, without the column "
                            + "\(RejectMark.column).", sent: row)
                }
                accepted[number] = known
            } else if let damage = corrected.damage[number], let given = frame.byNumber[number] {
                refused[number] = .init(.cellChanged, "Record \(number) of drop \(original.id) came back with \(damage)")
                // As it was given out, so it is not corrected yet.
                accepted[number] = try frame.bytes(of: given)
            } else {
                accepted[number] = row
            }
        }
        let open = Set(refusals.records.map(\.record)).subtracting(refusals.corrections.keys).subtracting(accepted.keys)
        let target = scratch + "/\(record.id).amended"
        let places = try frame.write(refusals.corrections.merging(accepted) { _, new in new }, to: target)
        return AmendedFile(
            amendment: Amendment(
                drop: original.id, rows: accepted, refused: refused, open: open, places: places,
                readBy: original.plugin?.transformDigest),
            path: target, bytes: try StorageFile(target, .read).size())
    }

    package func withDescriptor<T>(
        of file: AmendedFile, _ body: (CInt) throws(DropError) -> T
    ) throws(DropError) -> T {
        let input = try StorageFile(file.path, .read)
        defer { withExtendedLifetime(input) {} }  // It closes its descriptor when it is freed.
        return try body(input.descriptor)
    }

    /// What cannot be removed now goes at the next start.
    package func remove(_ file: AmendedFile) { try? Storage.remove(file.path) }

    /// The original's bytes, and the path of the copy if they were taken from the archive.
    private func input(
        of original: DropRecord, _ spooledAt: String?, for record: DropRecord
    ) throws(DropError) -> (StorageFile, copy: String?) {
        if let spooledAt {
            do throws(DropError) { return (try StorageFile(spooledAt, .read), nil) } catch {
                guard error.code == .missing else { throw error }  // It went into the archive this moment.
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
            .amendment, "\(record.fileName) corrects drop \(original.id) (\(original.fileName)), but \(why)",
            hint: "Correct the file \(original.id).rejects.* in the receipts folder of \(original.source) and drop it again.",
            remedy: .quarantine)
    }
}
