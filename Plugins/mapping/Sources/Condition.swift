import TwinDropPluginSDK

/// Which records a rule is for. It is a flat list without references, so that a check costs only the comparison.
struct Condition: Sendable {
    struct Node: Sendable {
        enum Test: UInt8, Sendable { case all, any, isIn, isEmpty, matches }

        var test: Test
        var column = 0
        /// The answer is turned round.
        var isNot = false
        var trims = false
        /// Index of the words or the globs.
        var operand = 0
        /// The nodes below, which follow this one directly; `size` counts this one, too.
        var size = 1
    }

    let nodes: Fixed<Node>
    let words: Fixed<WordTable>
    let globs: Fixed<[Glob]>
}

/// Reads conditions from settings: one object, or a list of which all must hold.
struct ConditionReader {
    private var nodes: [Condition.Node] = []
    private var words: [WordTable] = []
    private var globs: [[Glob]] = []

    /// Errors: kind `settings`, with the path.
    static func read(_ settings: SettingsValue, _ columns: inout ColumnNames) throws(PluginError) -> Condition {
        var reader = ConditionReader()
        try reader.add(settings, &columns)
        return Condition(nodes: Fixed(reader.nodes), words: Fixed(reader.words), globs: Fixed(reader.globs))
    }

    private mutating func add(_ settings: SettingsValue, _ columns: inout ColumnNames) throws(PluginError) {
        if case .array = settings.content { return try addGroup(.all, try settings.elements(), &columns) }
        if let group = try settings.optional("any") {
            try settings.allow(only: ["any"])
            return try addGroup(.any, try group.elements(), &columns)
        }
        if let group = try settings.optional("all") {
            try settings.allow(only: ["all"])
            return try addGroup(.all, try group.elements(), &columns)
        }
        try settings.allow(only: ["column", "equals", "in", "not", "empty", "matches", "notMatches", "ignoreCase", "trim"])
        let column = columns.number(of: try settings.required("column").word())
        let ignoresCase = try settings.optional("ignoreCase").map { value throws(PluginError) in try value.bool() } ?? false
        var node = Condition.Node(test: .isIn, column: column)
        if let value = try settings.optional("trim") { node.trims = try value.bool() }
        var tests = 0
        for (name, isNot) in [("equals", false), ("in", false), ("not", true)] {
            guard let value = try settings.optional(name) else { continue }
            tests += 1
            node.isNot = isNot
            node.operand = words.count
            words.append(WordTable(try value.words().map { ($0, "") }, ignoringCase: ignoresCase))
        }
        for (name, isNot) in [("matches", false), ("notMatches", true)] {
            guard let value = try settings.optional(name) else { continue }
            tests += 1
            node.test = .matches
            node.isNot = isNot
            node.operand = globs.count
            globs.append(try value.words().map { Glob($0, ignoringCase: ignoresCase) })
        }
        if let value = try settings.optional("empty") {
            tests += 1
            node.test = .isEmpty
            node.isNot = !(try value.bool())
        }
        guard tests == 1 else {
            throw settings.error("needs exactly one of equals, in, not, empty, matches, notMatches.")
        }
        nodes.append(node)
    }

    private mutating func addGroup(
        _ test: Condition.Node.Test, _ elements: [SettingsValue], _ columns: inout ColumnNames
    ) throws(PluginError) {
        let index = nodes.count
        nodes.append(Condition.Node(test: test))
        for element in elements { try add(element, &columns) }
        nodes[index].size = nodes.count - index
    }
}
