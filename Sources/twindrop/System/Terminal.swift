import Glibc
import ThreadKit
import TwinModel

/// Facts go to stdout, everything said about them to stderr.
enum Terminal {
    static func print(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }

    /// A line on stderr, above the status where there is one.
    static func error(_ line: String) {
        status.with { status in
            write(status.isEmpty ? line + "\n" : "\r\u{1B}[K\(line)\n\(status)", to: STDERR_FILENO)
        }
    }

    /// The last line of a terminal on stderr, written over by the next status; empty: none. Cut to the terminal's width.
    static func show(status text: String) {
        status.with { status in
            let cut = String(text.unicodeScalars.prefix(columns - 1))
            guard !(status.isEmpty && cut.isEmpty) else { return }
            status = cut
            write("\r\u{1B}[K\(cut)", to: STDERR_FILENO)
        }
    }

    private static let status = Monitor("")

    private static var columns: Int {
        var size = winsize()
        return unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1 ? Int(size.ws_col) : 80
    }

    /// One line of NDJSON.
    static func print(_ value: JSON) { print(value.text()) }

    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    static var errorsAreInteractive: Bool { isatty(STDERR_FILENO) == 1 }

    private static func write(_ text: String, to descriptor: CInt) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }  // A closed or full output stops no work.
            rest = rest.dropFirst(count)
        }
    }
}
