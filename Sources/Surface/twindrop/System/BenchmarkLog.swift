import DropCore
import Glibc

/// Appends `applied NAME NS` and `archived NAME NS`, each at once: for measuring from outside (nanoseconds of CLOCK_REALTIME).
/// The file may be a FIFO whose reader is there.
final class BenchmarkLog: Sendable {
    private let descriptor: CInt

    init(_ path: String) throws(StartError) {
        descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StartError(
                .benchmarkLog, "\(path) cannot be written: \(unsafe String(cString: strerror(errno))).",
                hint: "Correct log.events.")
        }
    }

    deinit { close(descriptor) }

    func note(_ what: String, _ name: FileName) {
        let line = Array("\(what) \(name) \(WallClock.nanoseconds())\n".utf8)
        _ = unsafe write(descriptor, line, line.count)  // A measurement that cannot be written stops no work.
    }
}
