import DropCore
import ThreadKit

/// Compresses large drops for the archive while they are transformed and committed, one at a time, with what the other threads
/// leave of the processors (docs/decisions/0017-one-large-file.md). What becomes of the drop decides whether the archive takes it
/// up.
struct PrecompressStage: Sendable {
    let shared: Shared
    let register: any DropRegister
    let spool: any DropSpool
    /// Registered drops of at least `PipelineLimits.aheadBytes`.
    let large: BoundedQueue<DropRecord>

    /// On a thread beside that of the archive, which starts and ends it.
    func start(_ archive: any DropArchive) -> NamedThread { NamedThread("td-ahead") { run(archive) } }

    /// Ends it, whatever it is at.
    func end(_ thread: NamedThread) {
        large.close()
        shared.ledger.with { $0.run.archiveIsOver() }
        thread.join()
    }

    private func run(_ archive: any DropArchive) {
        let ledger = shared.ledger
        NamedThread.yieldToOthers()
        while let record = large.pop() {
            guard isWorthIt(record) else { continue }
            archive.compressAhead(record, path: spool.path(of: record.id)) { ledger.withoutWaking { $0.isOver(record) } }
            // Other drops wait for their turn until this one has ended: there is one temporary file at most. Not every change
            // of the state wakes those who wait.
            while !ledger.wait(until: { $0.isOver(record) }, timeout: .milliseconds(200), { $0.isOver(record) }) {}
            archive.forgetAhead(record.id)
        }
    }

    /// Neither ended, nor stored already, nor more than the disk has room for besides.
    private func isWorthIt(_ record: DropRecord) -> Bool {
        guard !shared.ledger.withoutWaking({ $0.isOver(record) }), let digest = record.digest else { return false }
        let space: FreeSpace
        do throws(DropError) {
            guard try register.archived(with: digest) == nil else { return false }
            space = try spool.freeSpace()
        } catch {
            return false  // What is wrong is found out again, and reported, where it matters.
        }
        let mark = shared.limits.softFree
        let floor = min(mark.bytes, UInt64(Double(space.bytesTotal) * mark.share))
        return space.bytesFree > floor + record.bytes
    }
}

extension Ledger {
    /// True when the archive has the drop, or nobody knows when it will: it ended otherwise, is held, or its source is suspended.
    fileprivate func isOver(_ record: DropRecord) -> Bool {
        run.isArchiveOver || run.isCancelled || !(drops[record.id]?.isOnItsWay ?? false)
            || scheduler.isSuspended(record.source)
    }
}
