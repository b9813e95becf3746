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

    /// Runs `other` on the side thread and `body` on the caller's; returns when both are done, with both results.
    package func run<Other: Sendable, Result>(
        _ other: @escaping @Sendable () -> Other, beside body: () -> Result
    ) -> (
        Other, Result
    ) {
        let answer = Monitor<Other?>(nil)
        let isTaken = jobs.push { [answer] in
            let result = other()
            answer.with { $0 = result }
        }
        precondition(isTaken, "a side thread takes jobs as long as it lives")
        let result = body()
        return (answer.wait(until: { $0 != nil }) { $0! }, result)
    }
}
