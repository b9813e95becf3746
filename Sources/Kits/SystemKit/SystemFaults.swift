import Synchronization

/// Lets system calls fail on purpose, in tests: the one place where faults are injected into a process. (Kills and power cuts at
/// every call come from outside, by an interposed library; docs/crash-tests.md.)
package enum SystemFaults {
    /// One call that is to fail.
    package struct Fault: Sendable {
        /// `open`, `fsync`, …; nil: any.
        let call: String?
        /// How the path ends.
        let path: String
        /// The errno it fails with. After EINTR the call is made again.
        let number: CInt
        /// This many matching calls are made before the fault.
        var after: Int
        /// So many fail.
        var times: Int

        package init(_ call: String?, _ path: String, number: CInt, after: Int = 0, times: Int = 1) {
            self.call = call
            self.path = path
            self.number = number
            self.after = after
            self.times = times
        }
    }

    private static let armed = Atomic(false)
    private static let faults = Mutex<[Int: Fault]>([:])
    private static let count = Atomic(0)

    /// Costs one relaxed load when no test uses it.
    @inline(__always)
    static var isArmed: Bool { armed.load(ordering: .relaxed) }

    /// While `body` runs, matching calls fail, in all threads. A test uses its own paths, so that it does not disturb other
    /// tests.
    package static func during<Result>(_ fault: Fault, _ body: () throws -> Result) rethrows -> Result {
        let number = count.add(1, ordering: .relaxed).newValue
        faults.withLock {
            $0[number] = fault
            armed.store(true, ordering: .sequentiallyConsistent)
        }
        defer {
            faults.withLock {
                $0[number] = nil
                armed.store(!$0.isEmpty, ordering: .sequentiallyConsistent)
            }
        }
        return try body()
    }

    /// The errno with which this call must fail; nil: make the call.
    static func next(_ call: String, _ path: String) -> CInt? {
        faults.withLock { faults in
            for (index, fault) in faults.sorted(by: { $0.key < $1.key }) {
                guard fault.times > 0, fault.call == nil || fault.call == call, path.hasSuffix(fault.path) else { continue }
                if fault.after > 0 {
                    faults[index]?.after -= 1
                    continue
                }
                faults[index]?.times -= 1
                return fault.number
            }
            return nil
        }
    }
}
