/// Which drops are being worked on at this moment, kept where the end of the process does not take it away: a drop in hand at
/// two ends in a row that the program itself is to blame for is set aside (decision 0034). Safe from any thread; never blocks.
package protocol DropsInHand: Sendable {
    /// Drops that were in hand at an end that was a fault, and had not come to an end of their own since, when this run began:
    /// each goes alone.
    var suspects: Set<DropID> { get }
    /// Those that were in hand at two such ends in a row.
    var culprits: Set<DropID> { get }
    /// Work on the drop begins.
    func take(_ drop: DropID)
    /// Work on the drop has come to an end, whichever.
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
