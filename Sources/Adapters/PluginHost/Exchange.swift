import CTwinDropWire
import CodecKit
import DropCore
import SystemKit

/// One exchange with a worker, from a control message to its last frame, under supervision: wall time, processor time, silence,
/// output and threads are counted here, by the host.
struct Exchange {
    /// What this exchange may use.
    struct Allowance {
        let wall: Int64
        let processor: Int64
        let silence: Int64
        let output: UInt64
        let threads: Int

        init(_ limits: WorkerLimits, inputBytes: UInt64) {
            wall = limits.wallTime(for: inputBytes).wholeNanoseconds
            processor = limits.processorTime.wholeNanoseconds
            silence = limits.silence.wholeNanoseconds
            output = limits.outputBytes(for: inputBytes)
            threads = limits.threads
        }
    }

    let worker: Worker
    let allowance: Allowance
    let isCancelled: @Sendable () -> Bool
    private(set) var hash = td_wire_seed()
    var log: PluginLog
    private var startedAt = SystemClock.monotonic()
    private var lastFrameAt = SystemClock.monotonic()
    private var lookedAt = SystemClock.monotonic()
    private var processorAtStart: Int64
    private var output: UInt64 = 0

    init(worker: Worker, allowance: Allowance, log: PluginLog, isCancelled: @escaping @Sendable () -> Bool) {
        self.worker = worker
        self.allowance = allowance
        self.log = log
        self.isCancelled = isCancelled
        processorAtStart = worker.processorTime
    }

    /// The next frame that is no heartbeat and no log line.
    mutating func frame() throws(WorkerFailure) -> FrameReader.Frame {
        while true {
            if let frame = try worker.reader.next() {
                switch Int(frame.type) {
                case TD_WIRE_HEARTBEAT: continue
                case TD_WIRE_LOG:
                    if unsafe frame.payload.count > 0 { unsafe log.add(level: frame.payload[0], frame.payload.dropFirst()) }
                case TD_WIRE_ERROR: throw unsafe failure(frame.payload)
                default: return frame
                }
                continue
            }
            switch worker.reader.fill() {
            case .bytes(let count):
                output += UInt64(count)
                guard output <= allowance.output else {
                    throw WorkerFailure(.limit, "It gave more than \(allowance.output) bytes of output.")
                }
                lastFrameAt = SystemClock.monotonic()
                try supervise(lastFrameAt)
            case .nothing:
                try supervise(SystemClock.monotonic())
                worker.wait(milliseconds: 50, log: &log)
            case .ended:
                worker.drain(&log)
                throw worker.endedByItself()
            }
        }
    }

    /// Runs `body` with the clocks of the worker stopped: comparing operations is not the plugin's time.
    mutating func withoutClock<T>(_ body: () throws(WorkerFailure) -> T) throws(WorkerFailure) -> T {
        let before = SystemClock.monotonic()
        let value = try body()
        let after = SystemClock.monotonic()
        startedAt += after - before
        lastFrameAt = after
        return value
    }

    /// Continues the hash over an OPS or KEYS payload.
    mutating func hash(_ payload: UnsafeRawBufferPointer) {
        hash = unsafe td_wire_hash(hash, payload.baseAddress, payload.count)
    }

    /// Makes sure that nothing follows the last frame.
    mutating func finish() throws(WorkerFailure) {
        if worker.reader.hasRest { throw WorkerFailure(.protocolFault, "There is data after its last frame.") }
        worker.drain(&log)
    }

    private mutating func supervise(_ now: Int64) throws(WorkerFailure) {
        if now - lastFrameAt > allowance.silence {
            throw WorkerFailure(.timeout, "It was silent for \(Self.seconds(allowance.silence)).")
        }
        if now - startedAt > allowance.wall {
            throw WorkerFailure(.timeout, "It worked for more than \(Self.seconds(allowance.wall)).")
        }
        guard now - lookedAt > 50_000_000 else { return }
        lookedAt = now
        if isCancelled() { throw WorkerFailure(.cancelled, "") }
        if worker.processorTime - processorAtStart > allowance.processor {
            throw WorkerFailure(.timeout, "It used more than \(Self.seconds(allowance.processor)) of processor time.")
        }
        if let usage = worker.usage, usage.threads > allowance.threads {
            throw WorkerFailure(.limit, "It has \(usage.threads) threads; at most \(allowance.threads) are allowed.")
        }
    }

    private static func seconds(_ nanoseconds: Int64) -> String {
        let tenths = nanoseconds / 100_000_000
        return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }

    private func failure(_ payload: UnsafeRawBufferPointer) -> WorkerFailure {
        guard payload.count >= MemoryLayout<td_wire_error>.size else {
            return WorkerFailure(.protocolFault, "An ERROR frame is torn.")
        }
        let head = unsafe payload.loadUnaligned(as: td_wire_error.self)
        let text = unsafe payload[MemoryLayout<td_wire_error>.size...].prefix(4096)
        let said = unsafe String(decoding: text, as: UTF8.self)
        // In an error of settings, each line is one mistake.
        let lines = Int(head.status) == 2 ? said.split(separator: "\n").map(String.init) : [said]
        let message = lines.map { Escaping.sentence($0) }.joined(separator: "\n")
        let offset = head.offset < 0 ? nil : UInt64(head.offset)
        let kind: WorkerFailure.Kind =
            switch Int(head.status) {
            case 1: .refused
            case 2: .settings
            case 4: .input
            case 5: .tooMuch
            case TD_WIRE_STATUS_SETUP, TD_WIRE_STATUS_LOAD: .notLoaded
            case TD_WIRE_STATUS_ABI: .abi
            default: .failed  // TD_INTERNAL, and TD_CANCELLED, which nobody asked for
            }
        return WorkerFailure(kind, message, offset: offset)
    }
}
