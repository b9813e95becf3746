import DropCore

/// One key of `twindrop.yaml`, as the code knows it; `docs/configuration.md` has the same, which a test checks.
package struct ConfigurationKey: Sendable, Hashable {
    /// The key from the file's root; names that people choose are in capitals: `sources.NAME.ready.settle`.
    package let path: String
    /// `text`, `flag`, `number`, `duration`, `size`, `share`, `path`, `list`, `mapping`, or the allowed words parted by `|`.
    package let type: String
    /// As it would be written; `required` if there is none, `none` if the key may be absent.
    package let standard: String
}

/// Collects the mistakes while reading continues, and the keys that were asked for. Used by one thread, within one `load`.
final class Diagnosis {
    /// After this many errors, the next ones are only counted, because one slip can spoil every line of a large file.
    static let errorsMax = 500

    private(set) var errors: [ConfigurationError] = []
    private(set) var uncounted = 0
    private(set) var keys: [ConfigurationKey] = []
    /// Learns the keys of a part that has its mistakes collected apart.
    private let whole: Diagnosis?

    init(partOf whole: Diagnosis? = nil) { self.whole = whole }

    func report(_ error: ConfigurationError) {
        if error.unshown > 0 {
            uncounted += error.unshown
            return
        }
        guard errors.count < Self.errorsMax else {
            uncounted += 1
            return
        }
        if !errors.contains(error) { errors.append(error) }
    }

    func report(_ errors: [ConfigurationError]) { errors.forEach(report) }

    func learn(_ path: String, _ type: String, _ standard: String) {
        if let whole { return whole.learn(path, type, standard) }
        let key = ConfigurationKey(path: path, type: type, standard: standard)
        if !keys.contains(key) { keys.append(key) }
    }

    /// Throws all errors.
    func finish(mainFile: String) throws(ConfigurationErrors) {
        if let all = all(mainFile: mainFile) { throw all }
    }

    /// All errors, in the order of files, lines and columns; the main file comes first. Nil: there are none.
    func all(mainFile: String) -> ConfigurationErrors? {
        guard !errors.isEmpty else { return nil }
        let numbered = errors.enumerated().sorted { left, right in
            let (a, b) = (left.element.place, right.element.place)
            if a.file != b.file { return a.file == mainFile || (b.file != mainFile && a.file < b.file) }
            return (a.line ?? 0, a.column ?? 0, left.offset) < (b.line ?? 0, b.column ?? 0, right.offset)
        }
        return ConfigurationErrors(numbered.map(\.element) + rest(mainFile: mainFile))
    }

    /// One error for those that are only counted; none if all are shown.
    func rest(mainFile: String) -> [ConfigurationError] {
        uncounted > 0 ? [ConfigurationError(unshown: uncounted, mainFile: mainFile)] : []
    }
}
