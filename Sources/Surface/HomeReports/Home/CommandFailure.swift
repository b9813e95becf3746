package import DropCore
import SystemKit
package import TwinModel

/// A command that did not succeed, and the exit code its callers rely on (docs/command-line.md, "Exit codes").
package struct CommandFailure: Error {
    /// 1: a negative finding. 64: usage or configuration. 74: storage. 75: another instance holds the lock.
    package enum Code: CInt { case negative = 1, usage = 64, storage = 74, locked = 75 }

    package let code: Code
    package let lines: [String]
    /// The code of the error behind it (docs/errors.md), for whoever asks by the control socket.
    package let word: String
    /// What `why` says of the file, for `--json`; nil where the lines are all there is.
    package let answer: JSON?

    package init(_ code: Code, lines: [String], word: String = "failed", answer: JSON? = nil) {
        self.code = code
        self.lines = lines.filter { !$0.isEmpty }
        self.word = word
        self.answer = answer
    }

    package init(_ code: Code, _ lines: String...) { self.init(code, lines: lines) }

    package init(_ error: DropError) {
        let code: Code =
            switch (error.code, error.remedy) {
            case (.locked, _): .locked
            case (.noDrop, _), (.wrongState, _), (.olderSnapshot, _), (.notArchived, _): .negative
            case (_, .stop), (_, .retry): .storage
            case (_, .quarantine), (_, .hold): .negative
            case (_, .suspendSource): .usage
            }
        self.init(code, lines: [error.message, error.hint], word: error.code.text)
    }

    package init(_ error: StartError) {
        self.init(error.isOfStorage ? .storage : .usage, lines: [error.message, error.hint], word: error.code.rawValue)
    }

    /// Prints the lines on stderr: the first with `twindrop:`, hints below it.
    package func report() {
        for (index, line) in lines.enumerated() { Terminal.error(index == 0 ? "twindrop: \(line)" : "  \(line)") }
    }
}

/// Runs `body`; what a part reports becomes a failure of the command.
package func reporting<T>(_ body: () throws(StartError) -> T) throws(CommandFailure) -> T {
    do { return try body() } catch { throw CommandFailure(error) }
}

/// Runs `body`; what a part reports becomes a failure of the command.
package func reporting<T>(_ body: () throws(DropError) -> T) throws(CommandFailure) -> T {
    do { return try body() } catch { throw CommandFailure(error) }
}
