import CTwinDropWire
import CodecKit
import DropCore
import SystemKit
import ThreadKit

/// Everything the host keeps for one source: its warm worker, its key table, its failures.
///
/// One drop of a source is transformed at a time: two workers would give the same key number to different names.
///
/// `@unchecked Sendable`: `worker` is touched only by the thread that has entered the source worker; the rest is in `state`.
final class SourceWorker: @unchecked Sendable {
    struct State {
        var isBusy = false
        var isClosed = false
        var keys: KeyList?
        var failed: [DropID] = []
        /// It has transformed a drop since its files were last read. A file that crashes a working plugin does not suspend it.
        var hasProved = false
        var suspension: DropError?
        /// When it was suspended; nanoseconds of the monotonic clock.
        var suspendedAt: Int64 = 0
        var hello: Worker.Hello?
        var lastUsedAt: Int64 = 0
        var hasWorker = false
        var starts = 0
        var source: PluginSource
        var loaded: Loaded?
        /// The files of `source` when they were last read, or found unusable; nil before.
        var marks: [String: FileVersion]?
        /// When `marks` were last seen to be those on disk; nil before.
        var examined: Examined?
        /// Why the files cannot be used; nil when they can.
        var defect: DropError?
    }

    let name: SourceName
    let state: Monitor<State>
    let host: HostContext
    private var worker: Worker?

    init(source: PluginSource, host: HostContext) {
        name = source.name
        state = Monitor(State(source: source))
        self.host = host
    }

    /// What the source runs now.
    var source: PluginSource { state.withoutWaking { $0.source } }

    /// Waits for the source worker, runs `body` alone in it, and leaves.
    func alone<T>(isCancelled: @Sendable () -> Bool, _ body: (SourceWorker) throws(DropError) -> T) throws(DropError) -> T {
        var entered = false
        while !entered {
            if isCancelled() { throw WorkerFailure(.cancelled, "").error(about: name.text, plugin: pluginName) }
            entered = state.wait(until: { !$0.isBusy }, timeout: .milliseconds(200)) { state in
                guard !state.isBusy else { return false }
                state.isBusy = true
                return true
            }
        }
        defer {
            let alive = worker != nil
            state.with {
                $0.isBusy = false
                $0.hasWorker = alive
                $0.lastUsedAt = SystemClock.monotonic()
            }
        }
        if state.with({ $0.isClosed }) {
            throw WorkerFailure(.cancelled, "").error(about: name.text, plugin: pluginName)
        }
        return try body(self)
    }

    /// Ends the idle worker, if there is one and the source worker is free.
    func retire(close: Bool = false) {
        let entered = state.with { state in
            if close { state.isClosed = true }
            guard !state.isBusy else { return false }
            state.isBusy = true
            return true
        }
        guard entered else { return }
        worker = nil
        state.with {
            $0.isBusy = false
            $0.hasWorker = false
        }
    }

    /// The plugin's id as it says it or, before it was ever loaded, as the name of its file says it; for messages.
    var pluginName: String {
        if let said = state.with({ $0.hello?.id }) { return said }
        let file = source.libraryPath.split(separator: "/").last.map(String.init) ?? "?"
        return Escaping.visible(file.hasSuffix(".so") ? String(file.dropLast(3)) : file)
    }

    /// The keys of the source so far, from the store the first time.
    func keys() throws(DropError) -> KeyList {
        if let known = state.with({ $0.keys }) { return known }
        let names = try host.keyTable.keys(of: name)
        do {
            let list = try KeyList(names)
            return state.with { state in
                if state.keys == nil { state.keys = list }
                return state.keys!
            }
        } catch {
            throw DropError(
                .keyTable, "Source \(name): the stored key table is damaged. \(error.message)",
                hint: "Run twindrop doctor, and restore a backup.", remedy: .stop)
        }
    }

    // MARK: Inside the source worker

    /// A worker that is ready for its next message: the warm one, or a new one.
    func ready(log: inout PluginLog, isCancelled: @escaping @Sendable () -> Bool) throws(WorkerFailure) -> Worker {
        if let warm = worker, isFit(warm) { return warm }
        worker = nil
        let plugin: LoadedPlugin
        let table: KeyList
        do throws(DropError) {
            if let loaded = state.with({ $0.loaded }) { plugin = loaded.plugin } else { plugin = try refresh().plugin }
            table = try keys()
        } catch { throw WorkerFailure(.sink(error), error.message) }
        let source = source
        let new = try Worker(path: host.workerPath, library: plugin.library, limits: source.limits, sandbox: host.sandbox)
        state.withoutWaking { $0.starts += 1 }
        let configuration = source.configuration(keys: table)
        let sealed = unsafe configuration.withUnsafeBytes { unsafe td_wire_seal("twindrop-open", $0.baseAddress, $0.count) }
        guard sealed >= 0 else { throw WorkerFailure(.notLoaded, "No memory file could be made", errno: -sealed) }
        defer { System.close(sealed) }
        var exchange = Exchange(
            worker: new, allowance: .init(source.limits, inputBytes: 0), log: log, isCancelled: isCancelled)
        defer { log = exchange.log }
        do {
            if host.requiresWholeSandbox {
                // No code of the plugin has run before OPEN, so this message is the worker's own.
                new.sandbox = try Self.layers(exchange.frame()) ?? 0
                try host.check(sandbox: new.sandbox ?? 0)
            }
            // If the worker is gone already, its result pipe says why.
            _ = new.send(TD_WIRE_OPEN, descriptor: sealed)
            var frame = try exchange.frame()
            if new.sandbox == nil, let layers = Self.layers(frame) {
                new.sandbox = layers
                frame = try exchange.frame()
            }
            let hello = try self.hello(frame, sandbox: new.sandbox ?? 0)
            try host.check(hello, plugin: plugin)
            new.hello = hello
            new.rest()
            state.with { $0.hello = hello }
        } catch {
            if case .crashed = error.kind { throw WorkerFailure(.crashed, "While it was loaded: \(error.message)") }
            throw error
        }
        worker = new
        return new
    }

    /// Ends the worker: it is never used again after an error.
    func discard() { worker = nil }

    /// Removes the names that a failed attempt added, and ends its worker, which knows them.
    func restore(_ table: KeyList?) { state.with { $0.keys = table } }

    /// Forgets names that only failed drops introduced.
    func forgetUnknownKeys() {
        guard let count = host.keyTable.knownKeys(of: name), let table = state.with({ $0.keys }), table.names.count > count
        else { return }
        discard()
        state.with { $0.keys = nil }  // Read again from the store.
    }

    /// Adds the names of a KEYS frame to the table.
    func learn(_ payload: UnsafeRawBufferPointer) throws(WorkerFailure) {
        try state.with { state throws(WorkerFailure) in
            var table = state.keys ?? KeyList()
            state.keys = nil  // One owner while it grows.
            defer { state.keys = table }
            try unsafe table.append(frame: payload)
        }
    }

    /// Ends the idle worker if it does something that only a worker with a drop may do, or is too old. Returns a sentence about
    /// what it did; nil if nothing was wrong, or the source worker is busy.
    func inspect() -> String? {
        let (entered, limits) = state.with { state in
            guard !state.isBusy, state.hasWorker else { return (false, state.source.limits) }
            state.isBusy = true
            return (true, state.source.limits)
        }
        guard entered, let worker else {
            if entered { leave() }
            return nil
        }
        defer { leave() }
        let isOld = SystemClock.monotonic() - worker.startedAt >= limits.workerAge.wholeNanoseconds
        let fault = worker.idleFault(limits)
        if isOld || fault != nil { discard() } else { worker.forgetPrinted() }
        return fault
    }

    private func leave() {
        let alive = worker != nil
        state.with {
            $0.isBusy = false
            $0.hasWorker = alive
        }
    }

    private static func layers(_ frame: FrameReader.Frame) -> UInt32? {
        guard Int(frame.type) == TD_WIRE_READY, unsafe frame.payload.count == 4 else { return nil }
        return unsafe frame.payload.loadUnaligned(as: UInt32.self)
    }

    private func isFit(_ worker: Worker) -> Bool {
        guard worker.drops < source.limits.dropsPerWorker else { return false }
        guard SystemClock.monotonic() - worker.startedAt < source.limits.workerAge.wholeNanoseconds else { return false }
        // Any output while it has no work is a fault. Its end shows here, too.
        guard !worker.reader.hasRest, case .nothing = worker.reader.fill() else { return false }
        worker.forgetPrinted()
        // Memory grows slowly over many drops, or with a large one, and to measure it costs as much as a small drop.
        guard worker.drops % 16 == 0 || worker.lastBytes >= 1 << 20 else { return true }
        guard let usage = worker.usage else { return false }
        return usage.residentBytes <= source.limits.addressSpace / 2
    }

    private func hello(_ frame: FrameReader.Frame, sandbox: UInt32) throws(WorkerFailure) -> Worker.Hello {
        let size = MemoryLayout<td_wire_hello>.size
        guard Int(frame.type) == TD_WIRE_HELLO, unsafe frame.payload.count >= size else {
            throw WorkerFailure(.protocolFault, "Its first frame is no HELLO.")
        }
        let head = unsafe frame.payload.loadUnaligned(as: td_wire_hello.self)
        let id = Int(head.id_length)
        let version = Int(head.version_length)
        guard head.wire_version == TD_WIRE_VERSION, unsafe frame.payload.count == size + id + version else {
            throw WorkerFailure(.notLoaded, "twindrop-worker is of another version than twindrop.")
        }
        let words = unsafe frame.payload[size...]
        return unsafe Worker.Hello(
            id: Escaping.visible(words.prefix(id), scalarsMax: 64),
            version: Escaping.visible(words.dropFirst(id), scalarsMax: 64),
            abi: (head.abi_major, head.abi_minor), sandbox: sandbox)
    }
}
