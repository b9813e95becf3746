/// Which drops are being processed at this moment (*in hand*). The list outlives the process. A drop that was in hand at two ends
/// in a row that were faults of the program is set aside (decision 0034). Safe from any thread; never blocks.
package protocol DropsInHand: Sendable {
    /// Drops that were in hand when a fault ended the program, and that had not ended since when this run began. Each is
    /// processed alone.
    var suspects: Set<DropID> { get }
    /// Those that were in hand at two such ends in a row.
    var culprits: Set<DropID> { get }
    /// Work on the drop begins.
    func take(_ drop: DropID)
    /// Work on the drop has ended, in whatever way.
    func put(_ drop: DropID)
}

extension DropReason {
    /// Why a culprit is in quarantine.
    package static func endedTheDaemon(_ record: DropRecord) -> DropReason {
        DropReason(
            code: .endedTheDaemon,
            message: "\(record.fileName) was being worked on both times when the program last ended by a fault.",
            hint: "Report it with the file and the log. Retry the drop with a newer version, or discard it.")
    }
}
