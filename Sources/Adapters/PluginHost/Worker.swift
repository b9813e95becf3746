import CTwinDropWire
import CodecKit
import DropCore
import SystemKit

/// One running worker process and the host's end of its wire. Ends the process when it is freed.
///
/// `@unchecked Sendable`: used only by the thread that holds its source's source worker (`SourceWorker`).
final class Worker: @unchecked Sendable {
    /// What a worker says about itself when its plugin is loaded.
    struct Hello: Sendable {
        let id: String
        let version: String
        let abi: (major: UInt16, minor: UInt16)
        let sandbox: UInt32
    }

    let library: PluginLibrary
    let reader: FrameReader
    let startedAt: Int64
    var hello: Hello?
    /// Active layers of the sandbox, reported before any code of the plugin ran; nil before that.
    var sandbox: UInt32?
    /// Processor time when it last became idle, in nanoseconds.
    private var processorAtRest: Int64 = 0
    var drops = 0
    /// Of the last drop's file.
    var lastBytes: UInt64 = 0
    private let process: td_worker_process
    private var reaped: CInt?
    private var logIsOpen = true

    /// Starts the program at `path` for `library`.
    init(path: String, library: PluginLibrary, limits: WorkerLimits, sandbox: UInt32) throws(WorkerFailure) {
        do throws(WorkerSpawner.SpawnError) {
            process = try WorkerSpawner.shared.spawn(
                .init(
                    path: path, library: library.descriptor, addressSpace: limits.addressSpace, descriptors: limits.descriptors,
                    sandbox: sandbox))
        } catch {
            throw WorkerFailure(.notLoaded, "\(Escaping.visible(path)) could not be started", errno: error.number)
        }
        self.library = library
        reader = FrameReader(descriptor: process.result)
        startedAt = SystemClock.monotonic()
    }

    deinit {
        end()
        for descriptor in [process.control, process.result, process.log, process.handle] where descriptor >= 0 {
            System.close(descriptor)
        }
    }

    var pid: Int32 { process.process }

    /// Sends a control message with a descriptor; false when the worker is gone.
    func send(_ type: Int, size: UInt64 = 0, operationsMax: UInt64 = 0, name: [UInt8] = [], descriptor: CInt) -> Bool {
        unsafe name.withUnsafeBytes {
            unsafe td_wire_send(process.control, UInt32(type), size, operationsMax, $0.baseAddress, $0.count, descriptor) == 0
        }
    }

    /// Waits until something can be read, the process ends, or `milliseconds` have passed; takes in what it printed.
    func wait(milliseconds: CInt, log: inout PluginLog) {
        let handle = reaped == nil ? process.handle : -1
        let ready = td_wire_wait(process.result, logIsOpen ? process.log : -1, handle, milliseconds)
        if ready > 0, ready & 2 != 0 { drain(&log) }
    }

    /// Takes in what the process printed so far, at most 64 KiB at once, so that a flood cannot keep the host here.
    ///
    /// - Returns: whether there was anything.
    @discardableResult
    func drain(_ log: inout PluginLog) -> Bool {
        guard logIsOpen else { return false }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 1) { buffer in
            let count = unsafe td_wire_read(process.log, buffer.baseAddress, buffer.count)
            if count > 0 { unsafe log.add(printed: UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)])) }
            if count == 0 || (count < 0 && count != -Int64(SystemError.nothingNow)) { logIsOpen = false }
            return count > 0
        }
    }

    /// Ends the process and its group, if it has not ended, and reaps it. Returns its wait status.
    @discardableResult
    func end() -> CInt {
        if let reaped { return reaped }
        var status: CInt = 0
        if unsafe td_wire_reap(process.process, 0, &status) != 1 {
            td_wire_kill(process.process)
            _ = unsafe td_wire_reap(process.process, 1, &status)
        }
        reaped = status
        return status
    }

    /// How the process ended by itself. One that only closed its pipe is given a moment, then killed.
    func endedByItself() -> WorkerFailure {
        if process.handle >= 0 { _ = td_wire_wait(-1, -1, process.handle, 1000) }
        var status: CInt = 0
        if reaped == nil, unsafe td_wire_reap(process.process, 0, &status) == 1 {
            reaped = status
            return WorkerFailure(.crashed, WorkerFailure.words(forStatus: status))
        }
        end()
        return WorkerFailure(.protocolFault, "It closed its result pipe before END.")
    }

    /// The current work has ended. Anything the process does from now on is a fault.
    func rest() { processorAtRest = processorTime }

    /// Why an idle process must be ended because it has more than one thread; nil when all is well. A joined thread may still be
    /// listed for a moment.
    var leftThreads: Int? {
        for _ in 0..<20 {
            let threads = td_wire_threads(process.process)
            guard threads > 1 else { return nil }
            System.pause(microseconds: 1000)
        }
        return Int(clamping: td_wire_threads(process.process))
    }

    /// A sentence about what the process does while it has no work, if it must be ended for that. Reads the kernel's tables.
    func idleFault(_ limits: WorkerLimits) -> String? {
        let threads = td_wire_threads(process.process)
        if threads > 1 { return "It has \(threads) threads while it has no work." }
        if processorTime - processorAtRest > 100_000_000 { return "It uses processor time while it has no work." }
        if let usage, usage.residentBytes > limits.addressSpace / 2 {
            return "It has \(usage.residentBytes >> 20) MiB of memory while it has no work."
        }
        guard !reader.hasRest, case .nothing = reader.fill() else { return "It says something, or ended, while it has no work." }
        return nil
    }

    /// Throws away what the process printed since its last drop: the next drop's log is its own.
    func forgetPrinted() {
        for _ in 0..<16 {
            var log = PluginLog(bytesMax: 0)
            guard logIsOpen, drain(&log) else { return }
        }
    }

    /// Processor time of the process so far, in nanoseconds; 0 when it has ended.
    var processorTime: Int64 { max(0, td_wire_cpu(process.process)) }

    /// Threads and resident bytes, from /proc; nil when the process has ended.
    var usage: (threads: Int, residentBytes: UInt64)? {
        guard let file = try? System.open("/proc/\(process.process)/stat", .read) else { return nil }
        defer { System.close(file) }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { buffer in
            let count = unsafe td_wire_read(file, buffer.baseAddress, buffer.count)
            guard count > 0 else { return nil }
            let text = unsafe buffer[..<Int(count)]
            guard let parenthesis = unsafe text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
            // Behind the name: state is field 3, num_threads 20, rss 24 (proc(5)).
            let fields = unsafe text[(parenthesis + 1)...].split(separator: UInt8(ascii: " "))
            guard unsafe fields.count > 21,
                let threads = unsafe Int(String(decoding: fields[17], as: UTF8.self)),
                let pages = unsafe UInt64(String(decoding: fields[21], as: UTF8.self))
            else { return nil }
            return (threads, pages &* UInt64(System.pageSize))
        }
    }
}
