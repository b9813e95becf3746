import ThreadKit

/// Lets comparisons run side by side, and a commit make its results known between them: many readers, or one writer that goes
/// first.
///
/// What it guards: fingerprints, versions, ownership. Comparisons hold it for one frame at a time, a publication for as long as
/// it
/// takes to write some integers.
final class ReadersWriterLock: Sendable {
    private struct State {
        var readers = 0
        var writing = false
        var waiting = 0
    }

    private let monitor = Monitor(State())

    func lockForReading() {
        monitor.wait(until: { !$0.writing && $0.waiting == 0 }) { $0.readers += 1 }
    }

    func unlockAfterReading() { monitor.with { $0.readers -= 1 } }

    func writing<E: Error>(_ body: () throws(E) -> Void) throws(E) {
        monitor.with { $0.waiting += 1 }
        monitor.wait(until: { !$0.writing && $0.readers == 0 }) { state in
            state.waiting -= 1
            state.writing = true
        }
        defer { monitor.with { $0.writing = false } }
        try body()
    }
}
