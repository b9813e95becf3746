/// A value of the source's settings. It knows its path, so that every error names it: `columns.weight.type`.
public struct SettingsValue: Sendable {
    /// What a setting is. The order of members is kept; names are unique.
    public enum Content: Sendable, Equatable {
        case null
        case bool(Bool)
        case int(Int64)
        case double(Double)
        case string(String)
        case array([Content])
        case object([Member])
    }

    /// One member of an object.
    public struct Member: Sendable, Equatable {
        public let name: String
        public let value: Content
    }

    /// Member names and element numbers (from 0) from the top.
    public let path: [String]
    public let content: Content

    init(path: [String], content: Content) {
        self.path = path
        self.content = content
    }

    /// Parses one JSON object (RFC 8259; duplicate member names are refused; at most 64 deep).
    ///
    /// Errors: kind `settings`, with the byte.
    public init(json: [UInt8]) throws(PluginError) {
        var parser = SettingsParser(json)
        let content = try parser.document()
        guard case .object = content else { throw PluginError(.settings, "The settings must be a JSON object.") }
        self.init(path: [], content: content)
    }

    /// The path as people write it; `settings` for the top.
    public var pathText: String {
        path.isEmpty ? "settings" : path.joined(separator: ".")
    }

    /// An error of kind `settings` that starts with the path.
    public func error(_ message: String) -> PluginError { PluginError(.settings, "\(pathText): \(message)") }

    /// The member `name`; nil if it is missing or null.
    ///
    /// Errors: this is not an object.
    public func optional(_ name: String) throws(PluginError) -> SettingsValue? {
        guard case .object(let members) = content else { throw error("must be an object, and is \(kindText).") }
        guard let member = members.first(where: { Self.same($0.name, name) }), member.value != .null else { return nil }
        return SettingsValue(path: path + [name], content: member.value)
    }

    /// The member `name`.
    ///
    /// Errors: it is missing, or this is not an object.
    public func required(_ name: String) throws(PluginError) -> SettingsValue {
        guard let value = try optional(name) else { throw error("'\(name)' is missing.") }
        return value
    }

    /// The members in order, each with its path.
    public func members() throws(PluginError) -> [(name: String, value: SettingsValue)] {
        guard case .object(let members) = content else { throw error("must be an object, and is \(kindText).") }
        return members.map { ($0.name, SettingsValue(path: path + [$0.name], content: $0.value)) }
    }

    /// The elements in order, each with its path.
    public func elements() throws(PluginError) -> [SettingsValue] {
        guard case .array(let elements) = content else { throw error("must be a list, and is \(kindText).") }
        return elements.enumerated().map { SettingsValue(path: path + [String($0.offset)], content: $0.element) }
    }

    /// The text.
    public func string() throws(PluginError) -> String {
        guard case .string(let text) = content else { throw error("must be a text, and is \(kindText).") }
        return text
    }

    /// The truth value.
    public func bool() throws(PluginError) -> Bool {
        guard case .bool(let value) = content else { throw error("must be true or false, and is \(kindText).") }
        return value
    }

    /// The whole number, within `range`.
    public func int(in range: ClosedRange<Int64> = Int64.min...Int64.max) throws(PluginError) -> Int64 {
        guard case .int(let number) = content, range.contains(number) else {
            throw error("must be a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// A text, number or truth value as a file would write it, because people may leave out the quotes in YAML.
    public func word() throws(PluginError) -> String {
        switch content {
        case .string(let text): return text
        case .int(let number): return String(number)
        case .double(let number): return String(number)
        case .bool(let value): return value ? "true" : "false"
        default: throw error("must be a text, and is \(kindText).")
        }
    }

    /// A list of words, or one word.
    public func words() throws(PluginError) -> [String] {
        guard case .array = content else { return [try word()] }
        var words: [String] = []
        for element in try elements() { words.append(try element.word()) }
        return words
    }

    /// One of the words of `choices`.
    public func choice<Value>(_ choices: [(String, Value)]) throws(PluginError) -> Value {
        let text = try string()
        guard let choice = choices.first(where: { Self.same($0.0, text) }) else {
            throw error("'\(text)' is none of \(choices.map { "'\($0.0)'" }.joined(separator: ", ")).")
        }
        return choice.1
    }

    /// Refuses members that are not in `names`.
    public func allow(only names: [String]) throws(PluginError) {
        for (name, value) in try members() where !names.contains(where: { Self.same($0, name) }) {
            throw value.error("is unknown here; allowed: \(names.joined(separator: ", ")).")
        }
    }

    private var kindText: String {
        switch content {
        case .null: "null"
        case .bool: "a truth value"
        case .int, .double: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }

    static func same(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
}
