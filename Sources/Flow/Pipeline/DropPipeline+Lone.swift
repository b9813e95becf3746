import DropCore
import ThreadKit

/// A lone small file is read and transformed while its claim is being made, not after: what S1 waits for is the disk, what S3
/// waits for is the processor (decision 0022). Nothing is written down about the drop before its claim is durable; where the
/// claim comes to nothing, what was begun is void.
extension DropPipeline {
    /// Files below this many bytes are read on the claiming thread: another would take longer to wake.
    static let loneBytesMax: UInt64 = 64 << 10

    /// Sends the file of a claim that is under way on to S3. False when it is none of these, or when it cannot be read.
    func beginHeld(_ record: DropRecord, _ descriptor: CInt) -> Bool {
        guard record.reason == nil, record.bytes < min(limits.aheadBytes, Self.loneBytesMax),
            state.quietly({ $0.unregistered == 0 })
        else { return false }
        var registered = record
        do throws(DropError) {
            try ports.spool.lend(descriptor, as: record.id)
            registered.digest = try timed(.register) { () throws(DropError) in try ports.spool.digest(of: record.id) }
        } catch {
            ports.spool.endLoan(of: record.id)
            return false
        }
        registered.state = .registered
        state.with { [registered] state in
            state.undurable.insert(registered.id)
            state.enqueue(registered)
        }
        return true
    }

    /// Takes back what `beginHeld` sent on. Returns when no thread works with it any more, or when the pipeline stops.
    func void(_ drop: DropID, of source: SourceName) {
        state.with { state in
            state.inFlight[drop] = nil
            if !state.scheduler.remove(drop, of: source) { state.void.insert(drop) }
        }
        state.wait(until: { $0.isStopping || !$0.void.contains(drop) }) { _ = $0.undurable.remove(drop) }
        ports.spool.endLoan(of: drop)
    }

    /// What became of the claim of a drop that was begun before its claim was durable.
    enum ClaimEnd {
        case durable
        case void
        /// The pipeline was cancelled first.
        case unknown
    }

    /// Waits until the drop's claim is durable: nothing that outlives a power cut is written about it before
    /// (docs/failure-model.md, "Life cycle").
    func waitForClaim(of drop: DropID) -> ClaimEnd {
        if state.quietly({ !$0.undurable.contains(drop) }) { return .durable }
        return state.wait(until: { $0.isCancelled || $0.void.contains(drop) || !$0.undurable.contains(drop) }) { state in
            if state.void.contains(drop) { return .void }
            return state.undurable.contains(drop) ? .unknown : .durable
        }
    }
}
