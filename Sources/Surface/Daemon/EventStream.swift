import DropCore
import SystemKit

/// Appends `applied NAME NS` and `archived NAME NS`, each at once: for measuring from outside (nanoseconds of CLOCK_REALTIME).
/// The file may be a FIFO whose reader is there.
final class BenchmarkLog: Sendable {
    private let descriptor: CInt

    init(_ path: String) throws(StartError) {
        do throws(SystemError) { descriptor = try System.open(path, [.write, .atEnd, .create]) } catch {
            throw StartError(
                .benchmarkLog, "\(path) cannot be written: \(error.reason).",
                hint: "Correct log.events.")
        }
    }

    deinit { System.close(descriptor) }

    func note(_ what: String, _ name: FileName) {
        let line = Array("\(what) \(name) \(SystemClock.wall())\n".utf8)
        try? System.write(line, to: descriptor, "log.events")  // A measurement that cannot be written stops no work.
    }
}
