import CodecKit
import DropCore
import SystemKit
import ThreadKit
package import TwinModel

/// Facts go to stdout, everything said about them to stderr. Nothing leaves here that steers a terminal: whatever people see is
/// escaped at this one place, in JSON as JSON does it.
package enum Terminal {
    /// One line for people.
    package static func print(_ line: String) { out(Escaping.harmless(line) + "\n") }

    /// Lines for people.
    package static func print(lines text: String) { out(Escaping.harmless(text, keeping: "\n") + "\n") }

    /// A JSON value: one line of NDJSON, or laid out for people.
    package static func print(_ value: JSON, _ layout: JSON.Layout = .compact) { print(json: value.text(layout)) }

    /// A JSON text as it was kept: its strings say the same.
    package static func print(json text: String) { out(Escaping.harmless(json: text) + "\n") }

    /// Text that is to leave as it is, because somebody asked for just that.
    package static func print(raw text: String) { out(text + "\n") }

    /// A line on stderr, above the status where there is one.
    package static func error(_ line: String) { said(Escaping.harmless(line)) }

    /// Lines on stderr.
    package static func error(lines text: String) { said(Escaping.harmless(text, keeping: "\n")) }

    /// A JSON value on stderr.
    package static func error(_ value: JSON) { said(Escaping.harmless(json: value.text())) }

    private static func said(_ text: String) {
        status.with { status in
            _ = write(status.isEmpty ? text + "\n" : "\r\u{1B}[K\(text)\n\(status)", to: System.standardError)
        }
    }

    /// The last line of a terminal on stderr, written over by the next status; empty: none. Cut to the terminal's width.
    package static func show(status text: String) {
        status.with { status in
            let cut = String(Escaping.harmless(text).unicodeScalars.prefix((System.columns(of: System.standardError) ?? 80) - 1))
            guard !(status.isEmpty && cut.isEmpty) else { return }
            status = cut
            _ = write("\r\u{1B}[K\(cut)", to: System.standardError)
        }
    }

    private static let status = Monitor("")

    /// How wide what people read may be: `COLUMNS`, else the terminal's width; nil where stdout is no terminal.
    package static var columns: Int? {
        if let set = System.environment("COLUMNS"), let count = Int(set), count > 0 { return count }
        return System.columns(of: System.standardOutput)
    }

    package static var inputIsInteractive: Bool { System.isTerminal(System.standardInput) }

    package static var isInteractive: Bool { System.isTerminal(System.standardOutput) }

    package static var errorsAreInteractive: Bool { System.isTerminal(System.standardError) }

    // MARK: What could not be written

    /// Why stdout takes no more; nil while all is well. After that nothing more is written to it.
    package static var failure: CommandFailure? {
        broken.with { number in
            guard number != 0 else { return nil }
            return CommandFailure(
                .storage, "The output cannot be written: \(SystemError.text(number)).",
                "The output is incomplete. What the command did otherwise is done.")
        }
    }

    /// The errno of the first write to stdout that failed; 0: none did.
    private static let broken = Monitor<CInt>(0)

    private static func out(_ text: String) {
        broken.with { broken in
            if broken == 0 { broken = write(text, to: System.standardOutput) }
        }
    }

    /// The errno of a write that failed, else 0.
    private static func write(_ text: String, to descriptor: CInt) -> CInt {
        do throws(SystemError) { try System.write(Array(text.utf8), to: descriptor, "output") } catch { return error.number }
        return 0
    }
}
