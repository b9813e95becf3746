import ThreadKit

/// Runs calls side by side on threads of its own, those of one key in the order they were given.
///
/// Used by one thread; `finish` must be called.
final class Fan {
    private let queues: [BoundedQueue<@Sendable () -> Void>]
    private let threads: [NamedThread]

    init(width: Int) {
        let queues = (0..<width).map { _ in BoundedQueue<@Sendable () -> Void>(capacity: 64) }
        self.queues = queues
        threads = queues.enumerated().map { index, queue in
            NamedThread("td-job-\(index)") { while let call = queue.pop() { call() } }
        }
    }

    /// Waits while the threads are behind.
    func run(key: String, _ call: @escaping @Sendable () -> Void) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
        for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        queues[Int(hash % UInt64(queues.count))].push(call)
    }

    /// Waits until every call has run, and ends the threads.
    func finish() {
        for queue in queues { queue.close() }
        for thread in threads { thread.join() }
    }
}
