/// The name that a file has in a landing folder while a command of this program writes it there: nobody takes it.
package enum TemporaryName {
    /// For a file that is to be called `name`.
    package static func of(_ name: String) -> String { ".\(name).\(FileCalls.process).part" }

    /// Whether a caller may name such a file: it is in the folder itself.
    package static func isOne(_ name: String) -> Bool {
        name.hasPrefix(".") && name.hasSuffix(".part") && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    }
}
