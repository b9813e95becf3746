import DropCore

/// One mapping of the configuration while it is read. Each call takes one key, checks it, and returns its value or the default,
/// so that reading continues after an error. `finish` reports the keys that nobody asked for. Used by one thread, within one
/// `load`.
final class Section {
    /// Nil if the section is absent: then every key has its default.
    let node: YAMLNode?
    /// Where its key stands.
    let place: Place
    let keyPath: [String]
    /// The key path with names that people choose in capitals.
    let documented: [String]
    let diagnosis: Diagnosis
    private(set) var known: [String] = []

    init(_ node: YAMLNode?, at place: Place, keyPath: [String] = [], documented: [String] = [], diagnosis: Diagnosis) {
        self.keyPath = keyPath
        self.documented = documented
        self.diagnosis = diagnosis
        self.place = place
        switch node?.kind {
        case .map: self.node = node
        case nil, .null: self.node = nil
        default:
            self.node = nil
            diagnosis.report(
                ConfigurationError(
                    .wrongType, at: node?.place ?? place, keyPath: keyPath.joined(separator: "."),
                    "found \(node?.found ?? "nothing"), expected a mapping of keys to values."))
        }
    }

    /// Reports every key that was not asked for, with the one that was probably meant.
    func finish() {
        guard case .map(let entries)? = node?.kind else { return }
        for entry in entries where !known.contains(entry.key) {
            let suggestion = Suggestion.hint(for: entry.key, among: known)
            diagnosis.report(
                ConfigurationError(
                    .unknownKey, at: entry.place, keyPath: path(entry.key),
                    "unknown key; allowed here: \(known.sorted().joined(separator: ", ")).", hint: suggestion))
        }
    }

    /// The key path of `key` in this section, for messages.
    func path(_ key: String) -> String { (keyPath + [key]).joined(separator: ".") }

    /// Whether `key` is given, with any value.
    func has(_ key: String) -> Bool { node?[key] != nil }

    /// Where `key` stands, or the section if it is absent.
    func place(of key: String) -> Place {
        guard case .map(let entries)? = node?.kind else { return place }
        return entries.first { $0.key == key }?.place ?? place
    }

    func report(_ code: ConfigurationError.Code, _ key: String, at place: Place? = nil, _ message: String, hint: String = "") {
        diagnosis.report(
            ConfigurationError(code, at: place ?? self.place(of: key), keyPath: path(key), message, hint: hint))
    }

    /// `key` may be read in two ways: as a value, and as a section.
    private func note(_ key: String) { if !known.contains(key) { known.append(key) } }

    /// Notes that `key` is known and gives its node.
    func take(_ key: String, type: String, standard: String) -> YAMLNode? {
        note(key)
        diagnosis.learn((documented + [key]).joined(separator: "."), type, standard)
        return node?[key]
    }

    /// Reports that `node` is not what was expected.
    func refuse(_ key: String, _ node: YAMLNode, expected: String, hint: String = "") {
        let code: ConfigurationError.Code =
            switch node.kind {
            case .null, .list, .map: .wrongType
            default: .badValue
            }
        report(code, key, at: node.place, "found \(node.found), expected \(expected).", hint: hint)
    }
}

extension Section {
    /// A value that `parse` makes of a scalar, or `standard`.
    private func value<T>(
        _ key: String, type: String, standard: T, shown: String, expected: String, _ parse: (YAMLNode) -> T?
    ) -> T {
        guard let node = take(key, type: type, standard: shown) else { return standard }
        if let value = parse(node) { return value }
        refuse(key, node, expected: expected)
        return standard
    }

    /// Text that is not empty; `standard` nil means the key may be absent.
    func text(_ key: String, standard: String? = nil, type: String = "text", expected: String = "text") -> String? {
        let quoted = "\(expected); numbers, true, false and null need quotes to be text"
        return value(key, type: type, standard: standard, shown: standard ?? "none", expected: quoted) { node in
            guard case .text(let text) = node.kind, !text.isEmpty, !text.utf8.contains(0) else { return nil }
            return text
        }
    }

    /// Text that must be given; nil if it is not, which is reported.
    func required(_ key: String, type: String = "text", _ expected: String) -> String? {
        guard node?[key] != nil else {
            _ = take(key, type: type, standard: "required")
            report(.missingKey, key, at: place, "the key is missing, expected \(expected).")
            return nil
        }
        guard let node = take(key, type: type, standard: "required") else { return nil }
        if case .text(let text) = node.kind, !text.isEmpty, !text.utf8.contains(0) { return text }
        refuse(key, node, expected: expected)
        return nil
    }

    func flag(_ key: String, standard: Bool) -> Bool {
        value(key, type: "flag", standard: standard, shown: "\(standard)", expected: "true or false") { node in
            if case .bool(let value) = node.kind { value } else { nil }
        }
    }

    /// A whole number in `range`.
    func number(_ key: String, standard: Int64, in range: ClosedRange<Int64>) -> Int64 {
        let expected =
            range.upperBound == .max
            ? "a whole number of at least \(range.lowerBound)" : "a whole number of \(range.lowerBound) to \(range.upperBound)"
        return value(key, type: "number", standard: standard, shown: "\(standard)", expected: expected) { node in
            if case .int(let value) = node.kind, range.contains(value) { value } else { nil }
        }
    }

    /// A duration of at least `atLeast`.
    func duration(_ key: String, standard: Duration, atLeast: Duration = .milliseconds(1)) -> Duration {
        let least = atLeast == .zero ? "" : " of at least \(Quantity.text(atLeast))"
        let expected = "a duration\(least), a whole number with ms, s, m, h or d: 2s, 15m, 24h, 365d"
        return value(key, type: "duration", standard: standard, shown: Quantity.text(standard), expected: expected) { node in
            guard case .text(let text) = node.kind, let value = Quantity.duration(text), value >= atLeast else { return nil }
            return value
        }
    }

    /// A duration, or nil for the word `forever`.
    func age(_ key: String) -> Duration? {
        let expected = "forever, or a duration of at least 1d: 90d, 365d"
        return value(key, type: "duration|forever", standard: Duration?.none, shown: "forever", expected: expected) { node in
            guard case .text(let text) = node.kind else { return nil }
            if text == "forever" { return .some(nil) }
            guard let value = Quantity.duration(text), value >= .seconds(86_400) else { return nil }
            return .some(value)
        }
    }

    /// A size in bytes in `range`.
    func size(_ key: String, standard: UInt64, in range: ClosedRange<UInt64> = 1...(1 << 60)) -> UInt64 {
        let bounds = "\(Quantity.text(size: range.lowerBound)) to \(Quantity.text(size: range.upperBound))"
        let expected = "a size of \(bounds), a whole number with B, KiB, MiB, GiB, TiB, kB, MB, GB or TB: 64 MiB"
        return value(key, type: "size", standard: standard, shown: Quantity.text(size: standard), expected: expected) { node in
            switch node.kind {
            case .int(let count) where count >= 0 && range.contains(UInt64(count)): UInt64(count)
            case .text(let text): Quantity.size(text).flatMap { range.contains($0) ? $0 : nil }
            default: nil
            }
        }
    }

    /// A share of 0 to 1, written in per cent.
    func share(_ key: String, standard: Double) -> Double {
        let expected = "a share of 0% to 100%: 5%, 0.1%"
        return value(key, type: "share", standard: standard, shown: Quantity.text(share: standard), expected: expected) { node in
            if case .text(let text) = node.kind { Quantity.share(text) } else { nil }
        }
    }

    /// One of the words of `T`.
    func choice<T: RawRepresentable & CaseIterable>(_ key: String, standard: T) -> T where T.RawValue == String {
        let words = T.allCases.map(\.rawValue)
        let type = words.joined(separator: "|")
        guard let node = take(key, type: type, standard: standard.rawValue) else { return standard }
        if case .text(let text) = node.kind {
            if let value = T(rawValue: text) { return value }
            refuse(key, node, expected: words.joined(separator: ", "), hint: Suggestion.hint(for: text, among: words))
        } else {
            refuse(key, node, expected: words.joined(separator: ", "))
        }
        return standard
    }

    /// A list of texts that are not empty, or one such text alone; each with its place.
    func texts(_ key: String, standard: [String] = []) -> [(text: String, place: Place)] {
        let shown = "[\(standard.map { "\"\($0)\"" }.joined(separator: ", "))]"
        let fallback = standard.map { (text: $0, place: place(of: key)) }
        guard let node = take(key, type: "list", standard: shown) else { return fallback }
        let elements: [YAMLNode]
        switch node.kind {
        case .list(let list): elements = list
        case .text: elements = [node]
        default:
            refuse(key, node, expected: "a list of texts")
            return fallback
        }
        var texts: [(text: String, place: Place)] = []
        for (index, element) in elements.enumerated() {
            if case .text(let text) = element.kind, !text.isEmpty, !text.utf8.contains(0) {
                texts.append((text, element.place))
            } else {
                refuse("\(key).\(index)", element, expected: "text; numbers, true, false and null need quotes to be text")
            }
        }
        return texts
    }

    /// The section under `key`; one without content if it is absent.
    ///
    /// - Parameter word: the key whose value a single word in place of the section is.
    func section(_ key: String, word: String? = nil) -> Section {
        note(key)
        var node = node?[key]
        if let word, let value = node, case .text = value.kind {
            node = YAMLNode(
                kind: .map([YAMLNode.Entry(key: word, place: value.place, value: value)]), place: value.place, written: "")
        }
        return Section(
            node, at: place(of: key), keyPath: keyPath + [key], documented: documented + [key], diagnosis: diagnosis)
    }

    /// The sections under the names that people choose below `key`, in the order of the file; `word` is shown in place of the
    /// name.
    ///
    /// - Parameter diagnosis: makes what the mistakes of one of them go to; nil: they go where those of this section go.
    func sections(_ key: String, word: String, diagnosis part: (() -> Diagnosis)? = nil) -> [(name: String, section: Section)] {
        let group = section(key)
        guard case .map(let entries)? = group.node?.kind else { return [] }
        return entries.map { entry in
            let section = Section(
                entry.value, at: entry.place, keyPath: group.keyPath + [entry.key], documented: group.documented + [word],
                diagnosis: part?() ?? diagnosis)
            return (entry.key, section)
        }
    }
}
