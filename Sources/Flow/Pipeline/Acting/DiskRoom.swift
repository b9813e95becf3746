import DropCore
import ThreadKit

/// Waits for room: a full disk passes, and nothing is given up because of it (docs/failure-model.md, "Full disks").
struct DiskRoom: Sendable {
    let shared: Shared
    let spool: any DropSpool

    /// How often what finds no room is tried by a command that ends; a daemon goes on trying.
    static let attemptsAlone = 30

    /// Runs `body` until storage has room for it. `body` can be run any number of times.
    ///
    /// - Returns: false when the pipeline stops first; what `body` was to do is then unfinished work for the next start.
    func retryingUntilSpace(_ body: () throws(DropError) -> Void) throws(DropError) -> Bool {
        var attempts = 0
        while true {
            do throws(DropError) {
                try body()
                if attempts > 0 { shared.ledger.with { $0.storage.diskIsFull = false } }
                return true
            } catch {
                guard case .retry(let delay) = error.remedy else { throw error }
                if attempts % 600 == 0 { shared.emit(.failed(error)) }
                attempts += 1
                if error.code == .diskFull { shared.ledger.with { $0.storage.diskIsFull = true } }
                guard shared.limits.waitsForSpace || attempts < Self.attemptsAlone else {
                    throw DropError(error.code, error.message, hint: error.hint, remedy: .stop)
                }
                let isStopping = shared.ledger.wait(until: { $0.run.isStopping }, timeout: delay) { $0.run.isStopping }
                if isStopping { return false }
            }
        }
    }

    /// What keeps files or drops where they are while the state folder has less room than `mark`; nil: it has more.
    func shortage(_ mark: (share: Double, bytes: UInt64)) -> DropError? {
        // Not knowing is no reason to stop: what needs the room reports what is wrong.
        guard let space = try? spool.freeSpace() else { return nil }
        let floor = SpaceReserve(share: mark.share, bytes: mark.bytes).floor(of: space)
        guard space.bytesFree < floor else { return nil }
        shared.ledger.with { $0.storage.diskIsFull = true }
        return DropError(
            .diskFull,
            "\(ByteCount.text(space.bytesFree)) are free on the file system of state, below the mark of \(ByteCount.text(floor)) "
                + "(limits.free-space).",
            hint: "Make room there.", remedy: .suspendSource)
    }

    /// Waits while the state folder has less room than `mark`; false when the pipeline stops meanwhile.
    func wait(above mark: (share: Double, bytes: UInt64)) -> Bool {
        let ledger = shared.ledger
        var wasFull = false
        while true {
            // Not knowing is no reason to stop intake: the claim itself reports what is wrong.
            guard let space = try? spool.freeSpace() else { return true }
            let floor = min(mark.bytes, UInt64(Double(space.bytesTotal) * mark.share))
            let back = floor + (wasFull ? space.bytesTotal / 50 : 0)
            if space.bytesFree >= min(back, floor + (1 << 30)) {
                if wasFull { ledger.with { $0.storage.diskIsFull = false } }
                return !ledger.withoutWaking { $0.run.isCancelled }
            }
            wasFull = true
            let isStopping = ledger.with { ledger in
                ledger.storage.diskIsFull = true
                return ledger.run.isStopping
            }
            if isStopping { return false }
            _ = ledger.wait(until: { $0.run.isStopping }, timeout: .seconds(1)) { $0.run.isStopping }
        }
    }
}
