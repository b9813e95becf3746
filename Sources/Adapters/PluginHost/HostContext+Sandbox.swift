import CTwinDropWire
import DropCore
import Synchronization
import SystemKit

extension HostContext {
    /// See `PluginHost.sandboxMissing`.
    func sandboxMissing() -> [String]? {
        known.withLock { known in
            if known == nil { known = probe().map(Self.missing) }
            return known
        }
    }

    /// What a worker reports before it gets a plugin; nil if it reports nothing within ten seconds, or cannot be started.
    private func probe() -> UInt32? {
        guard let nothing = try? System.open("/dev/null", .read) else { return nil }
        defer { System.close(nothing) }
        let limits = WorkerLimits()
        let order = WorkerSpawner.Order(
            path: workerPath, library: nothing, addressSpace: limits.addressSpace, descriptors: limits.descriptors,
            sandbox: sandbox)
        // The same cause also keeps plugins from starting, and is reported there.
        guard let process = try? WorkerSpawner.shared.spawn(order) else { return nil }
        defer {
            var status: CInt = 0
            td_wire_kill(process.process)
            _ = unsafe td_wire_reap(process.process, 1, &status)
            for descriptor in [process.control, process.result, process.log, process.handle] where descriptor >= 0 {
                System.close(descriptor)
            }
        }
        let reader = FrameReader(descriptor: process.result)
        for _ in 0..<200 {
            if let frame = try? reader.next() {
                guard Int(frame.type) == TD_WIRE_READY, unsafe frame.payload.count == 4 else { return nil }
                return unsafe frame.payload.loadUnaligned(as: UInt32.self)
            }
            if case .nothing = reader.fill() { _ = td_wire_wait(process.result, -1, process.handle, 50) }
        }
        return nil
    }
}
