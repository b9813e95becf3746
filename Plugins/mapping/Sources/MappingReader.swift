import TwinDropPluginSDK

/// Compiles the settings of a mapping into a plan. Every error names the setting by its path.
struct MappingReader {
    let host: Host
    var columns = ColumnNames()
    var rules: [Rule] = []
    var steps: [PropertyStep] = []
    var details: [PropertyDetail] = []
    var extras: [PropertyExtra] = []
    var templates: [Template] = []
    var conditions: [Condition] = []
    var nulls: [WordTable] = []
    var nullLengths: [UInt64] = []
    var words: [WordTable] = []
    var patterns: [DatePattern] = []
    var titles: [String] = []
    var standardFormat = NumberFormat.plain
    var standardClocks = PropertyExtra()
    var standardNulls = 0
    var standardNullWords: [String] = [""]
    /// The mistakes so far, a line each.
    private var mistakes: [String] = []

    private init(host: Host) { self.host = host }

    /// Errors: kind `settings`, with all that is wrong, a line each.
    static func plan(_ settings: SettingsValue, host: Host) throws(PluginError) -> MappingPlan {
        var reader = MappingReader(host: host)
        return try reader.read(settings)
    }

    private mutating func read(_ settings: SettingsValue) throws(PluginError) -> MappingPlan {
        try allow(
            [
                "dialect", "files", "nulls", "decimal", "group", "round", "zone", "gap", "overlap", "missingColumns", "scope",
                "occurrence", "where", "twins", "relationships", "showValues",
            ], in: settings)
        var dialect = Dialect()
        try noting { (_: inout Self) throws(PluginError) in
            if let value = try settings.optional("dialect") { dialect = try Dialect(value) }
        }
        try noting { (reader: inout Self) throws(PluginError) in
            reader.standardNullWords = try settings.optional("nulls")?.words() ?? [""]
        }
        standardNulls = addNulls(standardNullWords)
        try noting { (reader: inout Self) throws(PluginError) in
            reader.standardFormat = try reader.numberFormat(settings, standard: .plain)
        }
        try noting { (reader: inout Self) throws(PluginError) in
            reader.standardClocks = try reader.clocks(settings, standard: reader.standardClocks)
        }
        var files: [String] = []
        try noting { (_: inout Self) throws(PluginError) in files = try settings.optional("files")?.words() ?? [] }
        var allowsMissing = false
        try noting { (_: inout Self) throws(PluginError) in
            if let value = try settings.optional("missingColumns") {
                allowsMissing = try value.choice([("fail", false), ("empty", true)])
            }
        }
        var showsValues = false
        try noting { (_: inout Self) throws(PluginError) in
            if let value = try settings.optional("showValues") { showsValues = try value.bool() }
        }
        var occurrence: [Int]?
        try noting { (reader: inout Self) throws(PluginError) in occurrence = try reader.occurrenceColumns(settings) }
        let condition = try condition("where", of: settings)
        for twin in try elements("twins", of: settings) {
            try noting { (reader: inout Self) throws(PluginError) in try reader.addTwin(twin) }
        }
        for relationship in try elements("relationships", of: settings) {
            try noting { (reader: inout Self) throws(PluginError) in try reader.addRelationship(relationship) }
        }
        var (scope, scopeTemplate): (String?, Int) = (nil, -1)
        try noting { (reader: inout Self) throws(PluginError) in (scope, scopeTemplate) = try reader.scope(settings) }
        guard mistakes.isEmpty else { throw PluginError(.settings, mistakes.joined(separator: "\n")) }
        guard !rules.isEmpty else { throw settings.error("twins and relationships are both empty: nothing would be made.") }
        guard occurrence != nil || !templates.contains(where: \.usesOccurrence) else {
            throw settings.error("{@occurrence} is used, but 'occurrence' does not say of what: 'all', or a list of columns.")
        }
        return MappingPlan(
            dialect: dialect, columns: columns, allowsMissingColumns: allowsMissing, scope: scope, scopeTemplate: scopeTemplate,
            nameMatches: files.map { Glob($0) },
            showsValues: showsValues, occurrenceColumns: occurrence, condition: condition, rules: Fixed(rules),
            steps: Fixed(steps), details: Fixed(details), extras: Fixed(extras), templates: Fixed(templates),
            conditions: Fixed(conditions),
            nulls: Fixed(nulls), words: Fixed(words),
            patterns: Fixed(patterns), titles: titles, idNulls: standardNulls, idNullLengths: nullLengths[standardNulls])
    }

    /// Notes the mistakes that `body` finds, and continues, so that a person can correct all of them at once.
    ///
    /// Errors: those that are not about the settings.
    mutating func noting(_ body: (inout Self) throws(PluginError) -> Void) throws(PluginError) {
        do throws(PluginError) { try body(&self) } catch {
            guard error.kind == .settings else { throw error }
            mistakes.append(error.message)
        }
    }

    /// Notes a setting that is not among `names`.
    mutating func allow(_ names: [String], in settings: SettingsValue) throws(PluginError) {
        try noting { (_: inout Self) throws(PluginError) in try settings.allow(only: names) }
    }

    /// The elements of the list `name`; none if it is no list, which is noted.
    private mutating func elements(_ name: String, of settings: SettingsValue) throws(PluginError) -> [SettingsValue] {
        var elements: [SettingsValue] = []
        try noting { (_: inout Self) throws(PluginError) in elements = try settings.optional(name)?.elements() ?? [] }
        return elements
    }

    /// The template of the required setting `name`; -1 if it has a mistake, which is noted.
    private mutating func template(
        _ name: String, of settings: SettingsValue, _ escape: Template.Escape
    ) throws(PluginError) -> Int {
        var index = -1
        try noting { (reader: inout Self) throws(PluginError) in
            index = try reader.addTemplate(try settings.required(name), escape: escape)
        }
        return index
    }

    /// The condition of the setting `name`; -1 if there is none, or it has a mistake, which is noted.
    private mutating func condition(_ name: String, of settings: SettingsValue) throws(PluginError) -> Int {
        var index = -1
        try noting { (reader: inout Self) throws(PluginError) in
            if let value = try settings.optional(name) { index = try reader.addCondition(value) }
        }
        return index
    }

    /// A text, or the index of a template over the records.
    private mutating func scope(_ settings: SettingsValue) throws(PluginError) -> (String?, Int) {
        guard let value = try settings.optional("scope") else { return (nil, -1) }
        let index = try addTemplate(value, escape: .text)
        if let text = templates[index].constant { return (text, -1) }
        let parts = templates[index].parts
        for number in 0..<parts.count where parts[number].source == .record || parts[number].source == .occurrence {
            throw value.error("may name columns only: it is one for the whole file.")
        }
        return (nil, index)
    }

    // MARK: - Rules

    private mutating func addTwin(_ settings: SettingsValue) throws(PluginError) {
        try allow(["id", "model", "verb", "where", "deleteWhen", "escape", "onEmpty", "properties"], in: settings)
        var rule = Rule()
        rule.id = try template("id", of: settings, try notedEscape(settings))
        try noting { (reader: inout Self) throws(PluginError) in
            guard let model = try settings.optional("model") else { return }
            let id = try model.string()
            guard Names.isModel(id) else { throw model.error("'\(id)' is no id of a model: write dtmi:path:name;1.") }
            rule.key = try reader.host.key(id)
        }
        try noting { (_: inout Self) throws(PluginError) in
            guard let verb = try settings.optional("verb") else { return }
            rule.verb = try verb.choice([("upsert", .upsert), ("patch", .patch), ("replace", .replace), ("delete", .delete)])
        }
        try noting { (_: inout Self) throws(PluginError) in
            guard let value = try settings.optional("onEmpty") else { return }
            rule.missing = try value.choice([("reject", .reject), ("skip", .skip)])
        }
        try finish(&rule, settings)
    }

    private mutating func addRelationship(_ settings: SettingsValue) throws(PluginError) {
        try allow(
            ["source", "name", "target", "id", "verb", "where", "deleteWhen", "escape", "onEmpty", "properties"], in: settings)
        let escape = try notedEscape(settings)
        var rule = Rule(isRelationship: true, missing: .skip)
        rule.source = try template("source", of: settings, escape)
        try noting { (reader: inout Self) throws(PluginError) in
            let name = try settings.required("name")
            guard Names.isName(try name.string().utf8) else {
                throw name.error(
                    "'\(try name.string())' is no name of a relationship: letters, digits and '_', a letter first and no '_' last."
                )
            }
            rule.key = try reader.host.key(try name.string())
        }
        rule.target = try template("target", of: settings, escape)
        let hasID = try settings.optional("id") != nil
        if hasID { rule.id = try template("id", of: settings, escape) }
        try noting { (_: inout Self) throws(PluginError) in
            guard let verb = try settings.optional("verb") else { return }
            rule.verb = try verb.choice([("upsert", .upsert), ("replace", .replace), ("delete", .delete)])
        }
        try noting { (_: inout Self) throws(PluginError) in
            guard let value = try settings.optional("onEmpty") else { return }
            rule.missing = try value.choice([("skip", .skip), ("reject", .reject), ("delete", .delete)])
            guard rule.missing != .delete || hasID else {
                throw value.error("'delete' needs an 'id' that tells which relationship is deleted when there is no target.")
            }
        }
        try finish(&rule, settings)
    }

    private mutating func finish(_ rule: inout Rule, _ settings: SettingsValue) throws(PluginError) {
        rule.title = addTitle(settings.pathText)
        rule.condition = try condition("where", of: settings)
        rule.deletion = try condition("deleteWhen", of: settings)
        rule.firstStep = steps.count
        try noting { (reader: inout Self) throws(PluginError) in
            for (name, value) in try settings.optional("properties")?.members() ?? [] {
                try reader.noting { (reader: inout Self) throws(PluginError) in try reader.addProperty(name, value) }
            }
        }
        rule.stepCount = steps.count - rule.firstStep
        rules.append(rule)
    }

    // MARK: - Parts

    private mutating func notedEscape(_ settings: SettingsValue) throws(PluginError) -> Template.Escape {
        var found = Template.Escape.percent
        try noting { (reader: inout Self) throws(PluginError) in found = try reader.escape(settings) }
        return found
    }

    func escape(_ settings: SettingsValue) throws(PluginError) -> Template.Escape {
        try settings.optional("escape")?.choice([
            ("percent", Template.Escape.percent), ("separate", Template.Escape.separate), ("none", Template.Escape.none),
        ])
            ?? .percent
    }

    mutating func addTemplate(_ settings: SettingsValue, escape: Template.Escape) throws(PluginError) -> Int {
        let text = try settings.string()
        guard !text.isEmpty else { throw settings.error("must not be empty.") }
        // Equal templates are stored once, so that their ids are compared whichever rule makes them.
        if let known = templates.firstIndex(where: { $0.escape == escape && $0.text.utf8.elementsEqual(text.utf8) }) {
            return known
        }
        do throws(PluginError) {
            templates.append(try Template(text, escape: escape, columns: &columns))
        } catch { throw settings.error(error.message) }
        return templates.count - 1
    }

    mutating func addCondition(_ settings: SettingsValue) throws(PluginError) -> Int {
        conditions.append(try ConditionReader.read(settings, &columns))
        return conditions.count - 1
    }

    mutating func addNulls(_ list: [String]) -> Int {
        nulls.append(WordTable(list.map { ($0, "") }))
        nullLengths.append(list.reduce(0) { $0 | 1 << UInt64(min(63, $1.utf8.count)) })
        return nulls.count - 1
    }

    mutating func addTitle(_ title: String) -> Int {
        titles.append(title)
        return titles.count - 1
    }

    func numberFormat(_ settings: SettingsValue, standard: NumberFormat) throws(PluginError) -> NumberFormat {
        var point = standard.point
        var group = standard.group
        var allowsUnit = standard.allowsUnit
        var rounds = standard.rounds
        if let value = try settings.optional("decimal") {
            point = try value.choice([(".", UInt8(ascii: ".")), (",", UInt8(ascii: ","))])
        }
        if let value = try settings.optional("group") {
            group = try value.choice([
                ("none", 0), (".", UInt8(ascii: ".")), (",", UInt8(ascii: ",")), (" ", 0x20), ("'", UInt8(ascii: "'")),
                ("_", UInt8(ascii: "_")),
            ])
        }
        if let value = try settings.optional("unit"), case .bool(let allowed) = value.content { allowsUnit = allowed }
        if let value = try settings.optional("round") { rounds = try value.bool() }
        guard point != group else {
            let message = "decimal and group are the same character."
            // One of the two may be the default, or be set further up.
            if let value = try settings.optional("group") { throw value.error(message) }
            if let value = try settings.optional("decimal") { throw value.error(message) }
            throw settings.error(message)
        }
        return NumberFormat(point: point, group: group, allowsUnit: allowsUnit, rounds: rounds)
    }

    /// By which clocks times without an offset are read.
    func clocks(_ settings: SettingsValue, standard: PropertyExtra) throws(PluginError) -> PropertyExtra {
        var clocks = standard
        if let value = try settings.optional("zone") {
            let name = try value.string()
            do throws(PluginError) { clocks.zone = try host.zone(name) } catch { throw value.error(error.message) }
        }
        let choices: [(String, Zone.Choice)] = [("reject", .refuse), ("earlier", .earlier), ("later", .later)]
        if let value = try settings.optional("gap") { clocks.gap = try value.choice(choices) }
        if let value = try settings.optional("overlap") { clocks.overlap = try value.choice(choices) }
        return clocks
    }

    private mutating func occurrenceColumns(_ settings: SettingsValue) throws(PluginError) -> [Int]? {
        guard let value = try settings.optional("occurrence") else { return nil }
        let names = try value.words()
        if names.count == 1, names[0] == "all" { return [] }
        guard !names.isEmpty else { throw value.error("names no column; write 'all' for the whole record.") }
        return names.map { columns.number(of: $0) }
    }
}
