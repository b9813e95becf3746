import DropCore
import ThreadKit

extension DropPipeline {
    /// Compresses large drops for the archive while they are transformed and committed, one at a time, with what the other
    /// threads leave of the processors (docs/decisions/0017). What becomes of the drop decides whether the archive takes it up.
    func aheadLoop(_ archive: any DropArchive) {
        NamedThread.yieldToOthers()
        while let record = large.pop() {
            guard isWorthCompressing(record) else { continue }
            archive.compressAhead(record, path: ports.spool.path(of: record.id)) { state.quietly { isOver(record, $0) } }
            // Other drops wait for their turn until this one has ended: there is one temporary file at most. Not every change
            // of the state wakes those who wait.
            while !state.wait(until: { isOver(record, $0) }, timeout: .milliseconds(200), { isOver(record, $0) }) {}
            archive.forgetAhead(record.id)
        }
    }

    /// Ends `aheadLoop`, whatever it is at.
    func endAhead(_ thread: NamedThread) {
        large.close()
        state.with { $0.isArchiveOver = true }
        thread.join()
    }

    /// Neither ended, nor stored already, nor more than the disk has room for besides.
    private func isWorthCompressing(_ record: DropRecord) -> Bool {
        guard !state.quietly({ isOver(record, $0) }), let digest = record.digest else { return false }
        let space: FreeSpace
        do throws(DropError) {
            guard try ports.register.archived(with: digest) == nil else { return false }
            space = try ports.spool.freeSpace()
        } catch {
            return false  // What is wrong is found out again, and reported, where it matters.
        }
        let floor = min(limits.softFree.bytes, UInt64(Double(space.bytesTotal) * limits.softFree.share))
        return space.bytesFree > floor + record.bytes
    }

    /// True when the archive has the drop, or nobody knows when it will: it ended otherwise, is held, or its source is suspended.
    private func isOver(_ record: DropRecord, _ state: borrowing State) -> Bool {
        state.isArchiveOver || state.isCancelled || state.inFlight[record.id] == nil
            || state.scheduler.isSuspended(record.source)
    }
}
