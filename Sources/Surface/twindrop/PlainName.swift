import CodecKit
import DropCore
import HomeReports

/// A name that a file may be given in a folder of ours because a person asked for it.
enum PlainName {
    /// `name` where it names a file in a folder, and nothing else.
    static func check(_ name: String) throws(CommandFailure) -> String {
        let bytes = Array(name.utf8)
        guard !bytes.isEmpty, bytes.count <= 255, !bytes.contains(0), !bytes.contains(UInt8(ascii: "/")), name != ".",
            name != ".."
        else {
            throw CommandFailure(
                .usage, "\(Escaping.visible(name)) is no name of a file.", "Give 1 to 255 bytes without a slash.")
        }
        return name
    }

    /// A sender's name, as the archive and the register show it.
    static func check(shown text: String) throws(CommandFailure) -> String {
        guard let name = FileName(escaped: text), let plain = String(validating: name.bytes, as: UTF8.self) else {
            throw CommandFailure(
                .usage, "\(text) is the name of a file whose bytes are no UTF-8.", "Extract it without --keep-name.")
        }
        return try check(plain)
    }
}
