/// What one worker and one drop may use (docs/failure-model.md, "Plugins and workers"). A drop that passes a limit loses its
/// worker; the daemon and other sources do not notice.
package struct WorkerLimits: Sendable, Equatable {
    /// Virtual memory of the worker process. Units: bytes.
    package var addressSpace: UInt64 = 512 << 20
    /// Processor time of one drop, all threads together.
    package var processorTime: Duration = .seconds(60)
    /// Time for one drop, without the time its operations take to be compared: this much, and `wallTimePerMebibyte` for each
    /// mebibyte of input.
    package var wallTime: Duration = .seconds(120)
    package var wallTimePerMebibyte: Duration = .seconds(1)
    /// A worker with a drop that says nothing for this long hangs.
    package var silence: Duration = .seconds(10)
    /// Bytes on the result pipe for one drop: this many, and `outputPerInputByte` for each byte of input.
    package var outputBytes: UInt64 = 256 << 20
    package var outputPerInputByte: UInt64 = 64
    /// Operations of one drop: this many, and one for each byte of input.
    package var operations: UInt64 = 1_000_000
    /// Log of one drop that is kept. Units: bytes, before escaping.
    package var logBytes: Int = 64 << 10
    /// Threads of the worker process, its own included; looked at ten times a second.
    package var threads: Int = 16
    /// Open descriptors of the worker process.
    package var descriptors: UInt32 = 16
    /// A worker is replaced after this many drops, or at this age, or when its resident memory is more than half its address
    /// space, or after any error.
    package var dropsPerWorker: Int = 1000
    package var workerAge: Duration = .seconds(900)
    /// A source whose plugin fails on this many different drops in a row is suspended.
    package var failuresMax: Int = 5

    package init() {}

    func wallTime(for bytes: UInt64) -> Duration {
        wallTime + wallTimePerMebibyte * (Double(bytes) / 1_048_576)
    }

    func outputBytes(for bytes: UInt64) -> UInt64 {
        let (product, overflow) = bytes.multipliedReportingOverflow(by: outputPerInputByte)
        return overflow ? .max : product.addingReportingOverflow(outputBytes).overflow ? .max : product + outputBytes
    }

    func operations(for bytes: UInt64) -> UInt64 {
        let (sum, overflow) = bytes.addingReportingOverflow(operations)
        return overflow ? .max : sum
    }
}
