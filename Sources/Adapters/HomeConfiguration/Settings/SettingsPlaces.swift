import DropCore

/// Where the settings of a source are written, so that an error of its plugin can name that place.
package struct SettingsPlaces: Sendable, Equatable {
    let root: YAMLNode
    /// The path of `root` in its file.
    let keyPath: [String]
    /// False if the file of the settings could not be read as settings at all: a plugin has nothing to say of them.
    package let isRead: Bool

    init(root: YAMLNode, keyPath: [String], isRead: Bool = true) {
        (self.root, self.keyPath, self.isRead) = (root, keyPath, isRead)
    }

    /// The place of a setting is not part of its value.
    package static func == (left: Self, right: Self) -> Bool { true }

    /// A plugin's complaint that starts with the path of a setting, `twins.0.id: it has '{' without '}'.`, with its place. One
    /// that names no setting gets the place of them all.
    package func error(_ complaint: String) -> ConfigurationError {
        var node = root
        var path = keyPath
        var rest = Substring(complaint)
        if rest.hasPrefix("settings: ") { rest = rest.dropFirst("settings: ".count) }
        while let step = Self.step(from: node, along: rest) {
            node = step.node
            path.append(step.key)
            rest = step.rest
            if step.isLast { break }
        }
        return ConfigurationError(.badValue, at: node.place, keyPath: path.joined(separator: "."), String(rest))
    }

    private struct Step {
        let key: String
        let node: YAMLNode
        let rest: Substring
        /// Behind it comes what is said.
        let isLast: Bool
    }

    /// Names may contain dots and colons. If several fit, the longest is meant.
    private static func step(from node: YAMLNode, along text: Substring) -> Step? {
        let children: [(key: String, node: YAMLNode)]
        switch node.kind {
        case .map(let entries): children = entries.map { ($0.key, $0.value) }
        case .list(let elements): children = elements.enumerated().map { (String($0.offset), $0.element) }
        default: return nil
        }
        for child in children.sorted(by: { $0.key.utf8.count > $1.key.utf8.count }) where text.hasPrefix(child.key) {
            let behind = text.dropFirst(child.key.count)
            if behind.hasPrefix(": ") { return Step(key: child.key, node: child.node, rest: behind.dropFirst(2), isLast: true) }
            if behind.hasPrefix(".") { return Step(key: child.key, node: child.node, rest: behind.dropFirst(), isLast: false) }
        }
        return nil
    }
}
