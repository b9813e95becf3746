import Glibc
import TwinModel

/// Facts go to stdout, everything said about them to stderr.
enum Terminal {
    static func print(_ line: String) { write(line, to: STDOUT_FILENO) }

    static func error(_ line: String) { write(line, to: STDERR_FILENO) }

    /// One line of NDJSON.
    static func print(_ value: JSON) { print(value.text()) }

    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    static var errorsAreInteractive: Bool { isatty(STDERR_FILENO) == 1 }

    private static func write(_ line: String, to descriptor: CInt) {
        var rest = Array((line + "\n").utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }  // A closed or full output stops no work.
            rest = rest.dropFirst(count)
        }
    }
}
