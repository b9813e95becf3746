import CodecKit
import DropCore
import Glibc
import ThreadKit
import TwinModel

/// Facts go to stdout, everything said about them to stderr. Nothing leaves here that steers a terminal: whatever people see is
/// escaped at this one place, in JSON as JSON does it.
enum Terminal {
    /// One line for people.
    static func print(_ line: String) { out(Escaping.harmless(line) + "\n") }

    /// Lines for people.
    static func print(lines text: String) { out(Escaping.harmless(text, keeping: "\n") + "\n") }

    /// A JSON value: one line of NDJSON, or laid out for people.
    static func print(_ value: JSON, _ layout: JSON.Layout = .compact) { print(json: value.text(layout)) }

    /// A JSON text as it was kept: its strings say the same.
    static func print(json text: String) { out(Escaping.harmless(json: text) + "\n") }

    /// Text that is to leave as it is, because somebody asked for just that.
    static func print(raw text: String) { out(text + "\n") }

    /// A line on stderr, above the status where there is one.
    static func error(_ line: String) { said(Escaping.harmless(line)) }

    /// Lines on stderr.
    static func error(lines text: String) { said(Escaping.harmless(text, keeping: "\n")) }

    /// A JSON value on stderr.
    static func error(_ value: JSON) { said(Escaping.harmless(json: value.text())) }

    private static func said(_ text: String) {
        status.with { status in
            _ = write(status.isEmpty ? text + "\n" : "\r\u{1B}[K\(text)\n\(status)", to: STDERR_FILENO)
        }
    }

    /// The last line of a terminal on stderr, written over by the next status; empty: none. Cut to the terminal's width.
    static func show(status text: String) {
        status.with { status in
            let cut = String(Escaping.harmless(text).unicodeScalars.prefix((columns(of: STDERR_FILENO) ?? 80) - 1))
            guard !(status.isEmpty && cut.isEmpty) else { return }
            status = cut
            _ = write("\r\u{1B}[K\(cut)", to: STDERR_FILENO)
        }
    }

    private static let status = Monitor("")

    private static func columns(of descriptor: CInt) -> Int? {
        var size = winsize()
        return unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1 ? Int(size.ws_col) : nil
    }

    /// How wide what people read may be: `COLUMNS`, else the terminal's width; nil where stdout is no terminal.
    static var columns: Int? {
        if let set = unsafe getenv("COLUMNS"), let count = Int(unsafe String(cString: set)), count > 0 { return count }
        return columns(of: STDOUT_FILENO)
    }

    static var inputIsInteractive: Bool { isatty(STDIN_FILENO) == 1 }

    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    static var errorsAreInteractive: Bool { isatty(STDERR_FILENO) == 1 }

    // MARK: What could not be written

    /// Why stdout takes no more; nil while all is well. After that nothing more is written to it.
    static var failure: CommandFailure? {
        broken.with { number in
            guard number != 0 else { return nil }
            return CommandFailure(
                .storage, "The output cannot be written: \(unsafe String(cString: strerror(number))).",
                "What was printed is not all; what the command did besides is done.")
        }
    }

    /// The errno of the first write to stdout that failed; 0: none did.
    private static let broken = Monitor<CInt>(0)

    private static func out(_ text: String) {
        broken.with { broken in
            if broken == 0 { broken = write(text, to: STDOUT_FILENO) }
        }
    }

    /// The errno of a write that failed, else 0.
    private static func write(_ text: String, to descriptor: CInt) -> CInt {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : EIO }
            rest = rest.dropFirst(count)
        }
        return 0
    }
}
