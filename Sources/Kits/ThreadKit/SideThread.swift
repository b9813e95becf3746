/// A second thread for an owner that must wait for two things at once, such as two syncs of different files. Together they take
/// as long as the slower one.
///
///     let both = SideThread("td-claim-side")
///     let answer = both.run({ register() }, beside: { syncFiles() })
///
/// Blocking; one caller at a time. The thread ends with the last reference to this value.
package final class SideThread: Sendable {
    private let jobs = BoundedQueue<@Sendable () -> Void>(capacity: 1)

    /// - Parameter name: cut to 15 bytes, as `ps -L` shows it.
    package init(_ name: String) {
        _ = NamedThread(name) { [jobs] in
            while let job = jobs.pop() { job() }
        }
    }

    deinit { jobs.close() }

    /// Starts `job` on the side thread; it begins when those before it have ended.
    package func start<Result: Sendable>(_ job: @escaping @Sendable () -> Result) -> SideJob<Result> {
        let answer = Monitor<Result?>(nil)
        let isTaken = jobs.push {
            let result = job()
            answer.with { $0 = result }
        }
        precondition(isTaken, "a side thread takes jobs as long as it lives")
        return SideJob(answer: answer)
    }

    /// Runs `other` on the side thread and `body` on the caller's; returns when both are done, with both results.
    package func run<Other: Sendable, Result>(
        _ other: @escaping @Sendable () -> Other, beside body: () -> Result
    ) -> (
        Other, Result
    ) {
        let job = start(other)
        let result = body()
        return (job.wait(), result)
    }
}

/// What a side thread was asked for.
package struct SideJob<Result: Sendable>: Sendable {
    fileprivate let answer: Monitor<Result?>

    /// Its result, once it is done.
    package func wait() -> Result { answer.wait(until: { $0 != nil }) { $0! } }
}
