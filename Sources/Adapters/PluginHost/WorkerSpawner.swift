import CTwinDropWire
import ThreadKit

/// Starts worker processes from one thread that never ends: a worker dies with the thread that started it (PR_SET_PDEATHSIG
/// follows the thread, not the process), so this thread's end is the daemon's end. Safe from any thread; blocks.
final class WorkerSpawner: Sendable {
    static let shared = WorkerSpawner()

    struct Order: Sendable {
        let path: String
        let library: CInt
        let addressSpace: UInt64
        let descriptors: UInt32
        let sandbox: UInt32
    }

    private struct Request: Sendable {
        let order: Order
        let answer: Monitor<Result<td_worker_process, SpawnError>?>
    }

    /// An errno of posix_spawn or of what it needs.
    struct SpawnError: Error {
        let number: CInt
    }

    private let requests: BoundedQueue<Request>

    private init() {
        let queue = BoundedQueue<Request>(capacity: 64)
        requests = queue
        _ = NamedThread("worker-spawner") {
            while let request = queue.pop() {
                let answer = Self.start(request.order)
                request.answer.with { $0 = answer }
            }
        }
    }

    /// The started worker; the caller owns its process and descriptors.
    func spawn(_ order: Order) throws(SpawnError) -> td_worker_process {
        let answer = Monitor<Result<td_worker_process, SpawnError>?>(nil)
        requests.push(Request(order: order, answer: answer))
        return try answer.wait(until: { $0 != nil }) { $0! }.get()
    }

    private static func start(_ order: Order) -> Result<td_worker_process, SpawnError> {
        var limits = td_worker_limits(
            address_space: order.addressSpace, descriptors: order.descriptors, sandbox: order.sandbox)
        var worker = td_worker_process()
        let code = unsafe td_wire_spawn(order.path, order.library, &limits, &worker)
        return code == 0 ? .success(worker) : .failure(SpawnError(number: -code))
    }
}
