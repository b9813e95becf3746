import TwinDropPluginSDK

extension MappingReader {
    /// Reads one property: a column's name, or an object.
    ///
    /// Errors: kind `settings`, with the path.
    mutating func addProperty(_ name: String, _ settings: SettingsValue) throws(PluginError) {
        var step = PropertyStep()
        var detail = PropertyDetail()
        try Names.checkProperty(name, settings)
        step.key = try host.key(name)
        step.format = standardFormat
        step.offsetMinutes = standardOffset
        detail.title = addTitle(name)
        if case .string(let column) = settings.content {
            step.column = Int32(columns.number(of: column))
            setNulls(&step, standardNulls)
        } else {
            try settings.allow(only: [
                "column", "text", "constant", "type", "nulls", "onEmpty", "onBad", "default", "trim", "case", "values", "lookup",
                "otherwise", "decimal", "group", "unit", "format", "zone", "trueWords", "falseWords",
            ])
            try readSource(&step, &detail, name, settings)
            try readType(&step, &detail, settings)
            try readMissing(&step, &detail, settings)
            try readWords(&detail, settings)
        }
        step.isSimple =
            detail.source == .column && !detail.hasStandard && !detail.trims && detail.letters == .kept && detail.words < 0
            && detail.lookup.isEmpty
        step.detail = Int32(details.count)
        details.append(detail)
        steps.append(step)
    }

    private func setNulls(_ step: inout PropertyStep, _ index: Int) {
        step.nulls = Int32(index)
        step.nullLengths = nullLengths[index]
    }

    private mutating func readSource(
        _ step: inout PropertyStep, _ detail: inout PropertyDetail, _ name: String, _ settings: SettingsValue
    ) throws(PluginError) {
        let column = try settings.optional("column")
        let text = try settings.optional("text")
        let constant = try settings.optional("constant")
        guard [column != nil, text != nil, constant != nil].filter({ $0 }).count <= 1 else {
            throw settings.error("has more than one of column, text and constant.")
        }
        if let text {
            detail.source = .template
            detail.template = try addTemplate(text, escape: .text)
        } else if let constant {
            switch constant.content {
            case .string(let value): (detail.source, detail.text) = (.constantText, Bytes(kept: value))
            case .int(let value): (detail.source, detail.number) = (.constantInt, value)
            case .double(let value): (detail.source, detail.double) = (.constantDouble, value)
            case .bool(let value): (detail.source, detail.number) = (.constantBool, value ? 1 : 0)
            default: throw constant.error("must be a text, number or truth value.")
            }
        } else {
            step.column = Int32(columns.number(of: try column?.word() ?? name))
        }
    }

    private mutating func readType(
        _ step: inout PropertyStep, _ detail: inout PropertyDetail, _ settings: SettingsValue
    ) throws(PluginError) {
        if let value = try settings.optional("type") {
            step.kind = try value.choice([
                ("string", .string), ("int", .int), ("double", .double), ("bool", .bool), ("date", .date),
                ("dateTime", .dateTime),
                ("time", .time), ("duration", .duration), ("json", .json),
            ])
        }
        step.format = try numberFormat(settings, standard: step.format)
        if let value = try settings.optional("zone") { step.offsetMinutes = try offset(value) }
        if let value = try settings.optional("format") {
            let needs: [PropertyStep.Kind: DatePattern.Need] = [.date: .date, .dateTime: .dateTime, .time: .time]
            guard let need = needs[step.kind] else { throw value.error("goes with the types date, dateTime and time only.") }
            try addPattern(&step, try value.string(), need, value)
        } else if step.kind == .dateTime {
            try addPattern(&step, "yyyy-MM-dd['T'][' ']HH:mm[:ss][.S][XXX]", .dateTime, settings)
        } else if step.kind == .time {
            try addPattern(&step, "HH:mm[:ss][.S]", .time, settings)
        }
        if step.kind == .duration, let value = try settings.optional("unit") {
            let unit: TimeUnit = try value.choice([
                ("microseconds", .microseconds), ("milliseconds", .milliseconds), ("seconds", .seconds), ("minutes", .minutes),
                ("hours", .hours), ("days", .days),
            ])
            detail.unit = unit.rawValue
        } else if let value = try settings.optional("unit"), case .bool = value.content {
            guard step.kind == .int || step.kind == .double else { throw value.error("true goes with the types int and double.") }
        } else if let value = try settings.optional("unit") {
            throw value.error("is a unit of time for durations; for numbers it is true or false.")
        }
        let truths = try settings.optional("trueWords")?.words()
        let lies = try settings.optional("falseWords")?.words()
        if truths != nil || lies != nil {
            guard step.kind == .bool else { throw settings.error("trueWords and falseWords go with the type bool only.") }
            detail.truths = words.count
            words.append(
                WordTable(
                    (truths ?? Self.truths).map { ($0, "1") } + (lies ?? Self.lies).map { ($0, "0") }))
        }
    }

    /// The words of the type bool, in lower case; any case is read.
    static let truths = ["true", "1", "yes", "y", "t", "on"]
    static let lies = ["false", "0", "no", "n", "f", "off"]

    private mutating func addPattern(
        _ step: inout PropertyStep, _ text: String, _ need: DatePattern.Need, _ settings: SettingsValue
    ) throws(PluginError) {
        do throws(PluginError) {
            let pattern = try DatePattern(text, need: need)
            if step.kind == .date, text == "yyyy-MM-dd" { return }  // The short way reads it.
            step.pattern = Int32(patterns.count)
            patterns.append(pattern)
        } catch { throw settings.error(error.message) }
    }

    private mutating func readMissing(
        _ step: inout PropertyStep, _ detail: inout PropertyDetail, _ settings: SettingsValue
    ) throws(PluginError) {
        setNulls(&step, standardNulls)
        if let value = try settings.optional("nulls") {
            let index = addNulls(try value.words())
            setNulls(&step, index)
        }
        if let value = try settings.optional("onEmpty") {
            step.missing = try value.choice([("unset", .unset), ("skip", .skip), ("reject", .reject)])
        }
        if let value = try settings.optional("onBad") { step.bad = try value.choice([("reject", .reject), ("empty", .empty)]) }
        if let value = try settings.optional("default") {
            detail.standard = Bytes(kept: try value.word())
            detail.hasStandard = true
        }
    }

    private mutating func readWords(_ detail: inout PropertyDetail, _ settings: SettingsValue) throws(PluginError) {
        if let value = try settings.optional("trim") { detail.trims = try value.bool() }
        if let value = try settings.optional("case") {
            detail.letters = try value.choice([("lower", .lower), ("upper", .upper), ("keep", .kept)])
        }
        if let value = try settings.optional("values") {
            var pairs: [(word: String, value: String)] = []
            for (word, meaning) in try value.members() { pairs.append((word, try meaning.word())) }
            detail.words = words.count
            words.append(WordTable(pairs))
        }
        if let value = try settings.optional("lookup") { detail.lookup = Bytes(kept: try value.string()) }
        if let value = try settings.optional("otherwise") {
            guard detail.words >= 0 || !detail.lookup.isEmpty else { throw value.error("goes with 'values' or 'lookup' only.") }
            detail.otherwise = try value.choice([("keep", .keep), ("empty", .empty), ("reject", .reject)])
        }
    }
}
