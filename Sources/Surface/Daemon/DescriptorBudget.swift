import DropCore

/// How the process shares out the open files it may have, so that no part can take the last of them: a descriptor that is
/// missing at the wrong place ends the process (decision 0034).
struct DescriptorBudget: Equatable {
    /// Below this nothing is started.
    static let limitMin = 256
    /// Database connections, sockets, pipes, folders, logs: what the parts hold that do not grow.
    private static let fixed = 128
    /// Never given out: what libraries open and close in passing.
    private static let reserve = 32
    private static let perWorker = 5
    /// A file that is claimed, and its folder.
    private static let perClaim = 2
    /// A spooled file, as the host and the worker have it, and what does not fit in memory.
    private static let perTransform = 4

    /// What is in force for the process.
    let limit: Int
    /// Clients of the twin service.
    let connections: Int
    /// Worker processes that are kept warm.
    let workers: Int
    /// Files claimed together.
    let claims: Int

    /// - Parameters:
    ///   - limit: of open files, of this process.
    ///   - connections: clients that are wanted at once.
    ///   - claims: files that are wanted in one claim.
    ///   - transforms: drops transformed side by side, each with a worker.
    /// Errors: `open-files` where the limit is too low for all that.
    init(limit: Int, connections: Int, claims: Int, transforms: Int) throws(StartError) {
        self.limit = limit
        let spare = limit - Self.fixed - Self.reserve - transforms * (Self.perTransform + Self.perWorker)
        guard limit >= Self.limitMin, spare >= 48 else {
            throw StartError(
                .openFiles, "This process may have \(limit) files open; it needs more to work at all.",
                hint: "Raise the limit: LimitNOFILE=4096 in the unit, or ulimit -n 4096 in the shell; or lower limits.workers.")
        }
        let idle = max(0, min(16 - transforms, spare / 4 / Self.perWorker))
        workers = transforms + idle
        self.claims = max(8, min(claims, spare / 3 / Self.perClaim))
        self.connections = max(8, min(connections, spare - idle * Self.perWorker - self.claims * Self.perClaim))
    }
}
