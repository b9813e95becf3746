import DropCore

/// One deletion of everything: relationships, then twins, then models (docs/azure-contract.md, "Deletion jobs"). What others
/// write during the run may stay.
struct DeletionRun {
    let job: ActiveJob
    let service: any TwinService
    let caller: Caller
    let end: ContinuousClock.Instant

    /// Small enough that other writers get their turn in between.
    private static let part = 5000

    /// Why the job failed; nil if nothing is left, or it was cancelled.
    func run() -> APIError? {
        do throws(ServiceError) {
            while !job.isCancelled {
                guard ContinuousClock.now < end else {
                    throw ServiceError(
                        .timeout, "The deletion took longer than its time limit. Start another job to continue.")
                }
                if try service.deleteSome(Self.part, by: caller) == 0 { return nil }
            }
            return nil
        } catch {
            return APIError(error)
        }
    }
}
