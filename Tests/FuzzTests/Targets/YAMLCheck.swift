import DropCore
import TwinModel

@testable import HomeConfiguration

/// YAML files of a home (HomeConfiguration/Reading/YAMLFile.swift).
///
/// - A file is values, or errors that each say something and name a line of the file.
/// - What was read, written as JSON, is YAML of the same meaning.
enum YAMLCheck {
    static func check(_ bytes: [UInt8]) throws(Unheld) {
        let text = String(decoding: bytes, as: UTF8.self)
        let file = YAMLFile(text: text, file: "fuzz.yaml")
        // YAML 1.1 ends lines in more ways than one; no file has more lines than characters, and one.
        let lines = text.unicodeScalars.count + 1
        for error in file.errors {
            try hold(!error.message.isEmpty && error.place.file == "fuzz.yaml", "an error says nothing")
            try hold((1...lines).contains(error.place.line ?? 1), "an error is on line \(error.place.line ?? 0) of \(lines)")
        }
        guard file.errors.isEmpty, let root = file.root else { return }
        let json = root.json
        let written = json.text(.compact)
        // YAML has no place for some characters that JSON leaves as they are, and its keys in braces are short.
        guard written.utf8.count < 1000, written.unicodeScalars.allSatisfy({ isPlain($0) }) else { return }
        let again = YAMLFile(text: written, file: "again.yaml")
        try hold(again.errors.isEmpty, "\(written) is no YAML: \(again.errors.first?.message ?? "")")
        let meaning = json.utf8(.canonical)
        try hold(again.root?.json.utf8(.canonical) == meaning, "\(written) means something else as YAML")
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        (0x20...0x7E).contains(scalar.value) || (0xA0...0xD7FF).contains(scalar.value)
    }
}
