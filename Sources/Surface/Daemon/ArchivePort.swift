import DropCore
import Evidence
import Logging

/// The archive as the pipeline uses it: the writer with a clock.
final class ArchivePort: DropArchive {
    private let writer: ArchiveWriter
    private let clock: @Sendable () -> UInt64
    private let log: Logger

    init(_ writer: ArchiveWriter, clock: @escaping @Sendable () -> UInt64, log: Logger) {
        self.writer = writer
        self.clock = clock
        self.log = log
    }

    var drops: [DropID] { writer.drops }
    var isFull: Bool { writer.isFull }
    var head: ArchiveHead { writer.head }

    func append(_ item: ArchiveItem) throws(DropError) { try writer.append(item, now: clock()) }

    func close() throws(DropError) -> [ArchivedItem] { try writer.close(now: clock()) }

    func seal(stopping: Bool) throws(DropError) {
        _ = stopping ? try writer.stop(now: clock()) : try writer.sealIfDue(now: clock())
    }

    func compressAhead(_ record: DropRecord, path: String, until isOver: () -> Bool) {
        writer.compressAhead(record, path: path, until: isOver)
    }

    func forgetAhead(_ drop: DropID) { writer.forgetAhead(drop) }

    func note(_ acts: [Act]) throws(DropError) -> [UInt64] { try writer.note(acts, now: clock()) }

    func recover(_ drops: [DropRecord]) throws(DropError) -> [ArchivedItem] {
        let recovery = try writer.recover(expecting: drops, now: clock())
        for finding in recovery.findings { log.error("The archive needs a look.", metadata: ["finding": "\(finding)"]) }
        for name in recovery.movedAside {
            log.warning("A container nothing explains was moved aside.", metadata: ["container": "\(name)"])
        }
        return recovery.archived
    }
}
