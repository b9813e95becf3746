import DropCore
import SystemKit

/// The stream of `log.events` (docs/operations.md, "A line for each drop"): a line for each step of a drop, written when the step
/// is durable, with the time in nanoseconds since 1970. The file may be a FIFO.
final class EventStream: Sendable {
    /// What a line may tell.
    enum Step: String { case applied, archived }

    private let descriptor: CInt

    init(_ path: String) throws(StartError) {
        do throws(SystemError) { descriptor = try System.open(path, [.write, .atEnd, .create]) } catch {
            throw StartError(
                .eventStream, "\(path) cannot be written: \(error.reason).",
                hint: "Correct log.events.")
        }
    }

    deinit { System.close(descriptor) }

    func note(_ step: Step, _ name: FileName) {
        let line = Array("\(step.rawValue) \(name) \(SystemClock.wall())\n".utf8)
        try? System.write(line, to: descriptor, "log.events")  // A line that cannot be written stops no work.
    }
}
