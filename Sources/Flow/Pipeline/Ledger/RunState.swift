import DropCore

/// How far the whole flow is: whether it goes on, ends, or has failed.
struct RunState: Sendable {
    private(set) var isStopping = false
    private(set) var isCancelled = false
    /// No drop goes into the archive any more.
    private(set) var isArchiveOver = false
    private(set) var failure: DropError?

    /// No drop is begun any more.
    mutating func stop() { isStopping = true }

    /// What still runs is left to the next start.
    mutating func cancel() {
        isStopping = true
        isCancelled = true
    }

    /// True for the first failure: that is the one that counts.
    mutating func fail(_ error: DropError) -> Bool {
        defer {
            failure = failure ?? error
            cancel()
        }
        return failure == nil
    }

    mutating func archiveIsOver() { isArchiveOver = true }
}

/// What keeps storage from taking what is to be written.
struct StorageTrouble: Sendable {
    var diskIsFull = false
    /// What keeps the archive from taking drops.
    var archive: Trouble?
}
