import CTwinDropWire
import DropCore
import SystemKit
import ThreadKit

extension SourceWorker {
    /// Sends one drop through the worker, and a second time through a new one if that may help.
    func transform(_ job: TransformJob, into sink: any OperationSink, ran: inout TransformSummary?) throws(DropError) {
        if let suspension = state.with({ $0.suspension }) { throw suspension }
        forgetUnknownKeys()
        var attempt = 1
        while true {
            let table = state.with { $0.keys }
            do throws(WorkerFailure) {
                try once(job, into: sink, ran: &ran)
                state.with {
                    $0.failed.removeAll()
                    $0.hasProved = true
                }
                return
            } catch {
                discard()
                restore(table)
                if attempt == 1, error.isWorthRetrying, !job.isCancelled() {
                    attempt = 2
                    try sink.restart()
                    continue
                }
                let described = described(error, about: job.fileName.description)
                if error.countsAgainstPlugin { blame(job.drop, described) }
                // Settings that the plugin itself refuses suspend the source as usual: until one of the files is changed.
                if described.remedy == .suspendSource { suspend(described) }
                throw described
            }
        }
    }

    private func suspend(_ error: DropError) {
        state.with { state in
            state.suspension = error
            state.suspendedAt = SystemClock.monotonic()
        }
    }

    /// How sure the plugin is that it can read a file of this name with this head.
    func probe(_ name: FileName, head: [UInt8]) throws(DropError) -> Int {
        if let suspension = state.with({ $0.suspension }) { throw suspension }
        do throws(WorkerFailure) {
            var log = PluginLog(bytesMax: source.limits.logBytes)
            let worker = try ready(log: &log, isCancelled: { false })
            let sealed = unsafe head.withUnsafeBytes {
                unsafe td_wire_seal("twindrop-head", $0.baseAddress, min($0.count, Int(TD_WIRE_HEAD_MAX)))
            }
            guard sealed >= 0 else {
                throw WorkerFailure(.notLoaded, "No memory file could be made", errno: -sealed)
            }
            defer { System.close(sealed) }
            var exchange = Exchange(
                worker: worker, allowance: .init(source.limits, inputBytes: 0), log: log, isCancelled: { false })
            _ = worker.send(
                TD_WIRE_PROBE, size: UInt64(head.count), name: Array(name.description.utf8), descriptor: sealed)
            let frame = try exchange.frame()
            guard Int(frame.type) == TD_WIRE_PROBED, unsafe frame.payload.count == 4 else {
                throw WorkerFailure(.protocolFault, "It answered a probe with a frame of type \(frame.type).")
            }
            let confidence = unsafe frame.payload.loadUnaligned(as: Int32.self)
            try exchange.finish()
            worker.rest()
            worker.drops += 1
            return Int(max(0, min(100, confidence)))
        } catch {
            discard()
            throw described(error, about: name.description)
        }
    }

    /// The errors of the plugin about its settings, a sentence each; empty if it accepts them. Starts a worker if needed.
    ///
    /// Errors: what else keeps it from running.
    func complaints() throws(DropError) -> [String] {
        do throws(WorkerFailure) {
            var log = PluginLog(bytesMax: source.limits.logBytes)
            _ = try ready(log: &log, isCancelled: { false })
            return []
        } catch {
            discard()
            guard case .settings = error.kind else { throw described(error, about: "Source \(source.name)") }
            return error.message.split(separator: "\n").map(String.init)
        }
    }

    /// The failure in the form for the pipeline; errors of settings have their place.
    private func described(_ failure: WorkerFailure, about subject: String) -> DropError {
        guard case .settings = failure.kind else { return failure.error(about: subject, plugin: pluginName) }
        let located = failure.message.split(separator: "\n").map { source.located(String($0)) }.joined(separator: " ")
        return WorkerFailure(.settings, located).error(about: subject, plugin: pluginName)
    }

    /// What the worker says about itself; starts one if needed.
    func identify() throws(DropError) -> Worker.Hello {
        do throws(WorkerFailure) {
            var log = PluginLog(bytesMax: source.limits.logBytes)
            let worker = try ready(log: &log, isCancelled: { false })
            guard let hello = worker.hello else { throw WorkerFailure(.protocolFault, "It sent no HELLO.") }
            return hello
        } catch {
            discard()
            throw described(error, about: "Source \(source.name)")
        }
    }

    private func once(
        _ job: TransformJob, into sink: any OperationSink, ran: inout TransformSummary?
    ) throws(WorkerFailure) {
        var log = PluginLog(bytesMax: source.limits.logBytes)
        var lastLog: [String]?
        defer { ran = summary(log: lastLog ?? log.finish()) ?? ran }
        let worker = try ready(log: &log, isCancelled: job.isCancelled)
        let input = td_wire_reopen(job.descriptor)
        guard input >= 0 else {
            throw WorkerFailure(.input, "The spooled file could not be opened again", errno: -input)
        }
        defer { System.close(input) }
        try openStream(into: sink)
        var exchange = Exchange(
            worker: worker, allowance: .init(source.limits, inputBytes: job.bytes), log: log, isCancelled: job.isCancelled)
        defer { lastLog = exchange.log.finish() }
        // If the worker is gone already, its result pipe says why.
        _ = worker.send(
            TD_WIRE_TRANSFORM, size: job.bytes, operationsMax: source.limits.operations(for: job.bytes),
            name: Array(job.fileName.description.utf8), descriptor: input)
        try receive(&exchange, into: sink)
        worker.rest()
        if let threads = worker.leftThreads {
            exchange.log.add(level: 2, "twindrop: the worker was ended: it had \(threads) threads after its drop.".utf8)
            discard()
        }
        worker.drops += 1
        worker.lastBytes = job.bytes
    }

    /// The plugin of the source, in its own words or, if it was not loaded, in those of its manifest; nil if the source has no
    /// plugin.
    private func summary(log: [String]) -> TransformSummary? {
        state.with { state in
            guard let loaded = state.loaded else { return nil }
            let plugin = loaded.plugin
            return TransformSummary(
                pluginID: state.hello?.id ?? plugin.manifest?.id ?? "",
                pluginVersion: state.hello?.version ?? plugin.manifest?.version ?? "",
                pluginDigest: plugin.library.digest, transformDigest: loaded.transformDigest, log: log)
        }
    }

    /// Gives the sink the keys of the source so far, in pieces that fit a frame.
    private func openStream(into sink: any OperationSink) throws(WorkerFailure) {
        do throws(DropError) {
            let table = try keys()
            guard !table.entries.isEmpty else { return }
            if table.entries.count <= Int(TD_WIRE_FRAME_MAX) {
                try unsafe sink.absorb(table.entries.span.bytes)
                return
            }
            var at = 0
            while at < table.names.count {
                let piece = table.entries(from: &at, bytesMax: Int(TD_WIRE_FRAME_MAX))
                try unsafe sink.absorb(piece.span.bytes)
            }
        } catch { throw WorkerFailure(.sink(error), error.message) }
    }

    private func receive(_ exchange: inout Exchange, into sink: any OperationSink) throws(WorkerFailure) {
        while true {
            let frame = try exchange.frame()
            let payload = unsafe frame.payload
            switch Int(frame.type) {
            case TD_WIRE_KEYS:
                unsafe exchange.hash(payload)
                try unsafe learn(payload)
                try exchange.withoutClock { () throws(WorkerFailure) in try unsafe give(payload, to: sink) }
            case TD_WIRE_OPS:
                unsafe exchange.hash(payload)
                try exchange.withoutClock { () throws(WorkerFailure) in try unsafe give(payload, to: sink) }
            case TD_WIRE_END:
                guard payload.count == MemoryLayout<td_wire_end>.size else {
                    throw WorkerFailure(.protocolFault, "The END frame is torn.")
                }
                let end = unsafe payload.loadUnaligned(as: td_wire_end.self)
                guard end.hash == exchange.hash else {
                    throw WorkerFailure(.protocolFault, "The END frame has another hash than the output.")
                }
                return try exchange.finish()
            default:
                throw WorkerFailure(.protocolFault, "A frame has the type \(frame.type), which may not come here.")
            }
        }
    }

    private func give(_ payload: UnsafeRawBufferPointer, to sink: any OperationSink) throws(WorkerFailure) {
        do throws(DropError) {
            try sink.absorb(unsafe payload.bytes)
        } catch { throw WorkerFailure(.sink(error), error.message) }
    }

    /// Remembers a failure; the source is suspended when too many different drops failed one after the other.
    private func blame(_ drop: DropID, _ error: DropError) {
        let plugin = pluginName
        let failuresMax = source.limits.failuresMax
        state.with { state in
            guard !state.hasProved else { return }
            if !state.failed.contains(drop) { state.failed.append(drop) }
            guard state.failed.count >= failuresMax else { return }
            let count = state.failed.count
            state.suspendedAt = SystemClock.monotonic()
            state.suspension = DropError(
                .pluginSuspended,
                "Source \(name): plugin \(plugin) failed on \(count) drops in a row, last with: \(error.message)",
                hint:
                    "Replace the plugin, or retry one of the drops if the cause is gone; its files wait.",
                remedy: .suspendSource)
        }
    }
}
