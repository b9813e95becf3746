import ArgumentParser
import HomeReports
import SystemKit

extension ParsableCommand {
    /// Ends the process. Whatever a command found, output that could not be written is a failure of its own.
    static func end(_ code: CInt) -> Never {
        guard let failure = Terminal.failure else { System.exit(code) }
        failure.report()
        System.exit(failure.code.rawValue)
    }
}
