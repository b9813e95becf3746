import CodecKit
package import DropCore

/// Where in a configuration file something stands: lines and columns count from 1, columns in Unicode scalars.
package struct Place: Sendable, Hashable {
    /// As people know it: relative to the home where it lies inside (`twindrop.yaml`, `mappings/assets.yaml`).
    package let file: String
    /// Nil where the whole file is meant.
    package let line: Int?
    package let column: Int?

    package init(file: String, line: Int? = nil, column: Int? = nil) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// One thing that is wrong in the configuration: where, which key, what was found, what is allowed.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, as a short stable word: `syntax`, `unknown-key`, `duplicate-key`, `missing-key`, `wrong-type`, `bad-value`,
    /// `overlap`, `missing-file`, `unreadable`, `too-large`, `manifest`.
    package let code: DropError.Code
    package let place: Place
    /// The key from the file's root, its parts joined by dots, list elements by number: `sources.assets.patterns.0`. Empty where
    /// no key is meant.
    package let keyPath: String
    /// One sentence: what was found and what is allowed.
    package let message: String
    /// The next action; empty where the message says it already.
    package let hint: String
    /// How many errors this one stands for that are only counted; 0: it is one itself.
    let unshown: Int

    package init(_ code: DropError.Code, at place: Place, keyPath: String = "", _ message: String, hint: String = "") {
        self.code = code
        self.place = place
        self.keyPath = keyPath
        self.message = message
        self.hint = hint
        unshown = 0
    }

    /// Stands for errors that are only counted.
    init(unshown: Int, mainFile: String) {
        code = "too-large"
        place = Place(file: mainFile)
        keyPath = ""
        message = "\(unshown) more errors are not shown."
        hint = "Correct these first."
        self.unshown = unshown
    }

    /// `twindrop.yaml:12:11: sources.assets.ready.rule: found "stabel"; …`: the form editors jump to.
    package var description: String {
        var text = Escaping.visible(place.file)
        if let line = place.line { text += ":\(line)" }
        if let column = place.column { text += ":\(column)" }
        if !keyPath.isEmpty { text += ": \(Escaping.visible(keyPath))" }
        text += ": \(message)"
        if !hint.isEmpty { text += " \(hint)" }
        return text
    }
}

/// All that is wrong in the configuration, in the order of files, lines and columns; never empty.
package struct ConfigurationErrors: Error, Sendable, Equatable, CustomStringConvertible {
    package let errors: [ConfigurationError]

    package init(_ errors: [ConfigurationError]) {
        precondition(!errors.isEmpty, "errors without an error")
        self.errors = errors
    }

    /// One error a line, then their number.
    package var description: String {
        let lines = errors.map(\.description).joined(separator: "\n")
        return lines + "\n" + (errors.count == 1 ? "1 error." : "\(errors.count) errors.")
    }
}
