import CodecKit
import DropCore

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
    /// What is wrong: one closed list. docs/errors.md is made of these comments by scripts/reference.
    package enum Code: String, Sendable, CaseIterable {
        // MARK: The configuration has a mistake
        // `twindrop source check` names every mistake with file, line and key. A mistake of one source keeps that source from
        // being served; any other keeps the daemon from starting. Commands end with 64.

        /// A name in a mapping or table is not of the form that is asked for.
        /// - Next: The message says the form.
        case badName = "bad-name"
        /// A value is not one of those that are allowed.
        /// - Next: The message says what is.
        case badValue = "bad-value"
        /// A key stands twice.
        /// - Next: Keep one.
        case duplicateKey = "duplicate-key"
        /// The manifest of a plugin has a mistake.
        /// - Next: docs/plugin-abi.md shows one.
        case manifest
        /// A file that the configuration names is not there.
        /// - Next: Make it, or correct the name.
        case missingFile = "missing-file"
        /// A key that is needed is missing.
        /// - Next: docs/configuration.md has every key.
        case missingKey = "missing-key"
        /// Two folders lie in each other, or two sources in the same folder take the same names.
        /// - Next: Give each its own.
        case overlap
        /// The file is no YAML, or uses a part of YAML that is not read here.
        /// - Next: Correct the line. Write values out in place of aliases and merge keys.
        case syntax
        /// A file or table is larger than it may be.
        /// - Next: The message says how large it may be.
        case tooLarge = "too-large"
        /// The key is not known.
        /// - Next: docs/configuration.md has every key.
        case unknownKey = "unknown-key"
        /// A file cannot be read.
        /// - Next: Correct its permissions, or save it as UTF-8.
        case unreadable
        /// A value is of another type: text for a number, a list for a mapping.
        /// - Next: The message says which type is expected.
        case wrongType = "wrong-type"

        /// The word, as it is shown.
        package var text: String { rawValue }
    }

    package let code: Code
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

    package init(_ code: Code, at place: Place, keyPath: String = "", _ message: String, hint: String = "") {
        self.code = code
        self.place = place
        self.keyPath = keyPath
        self.message = message
        self.hint = hint
        unshown = 0
    }

    /// Stands for errors that are only counted.
    init(unshown: Int, mainFile: String) {
        code = .tooLarge
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
