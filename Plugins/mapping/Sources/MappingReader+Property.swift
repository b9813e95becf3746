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
        var extra = standardClocks
        detail.title = addTitle(name)
        if case .string(let column) = settings.content {
            step.column = Int32(columns.number(of: column))
            setNulls(&step, standardNulls)
        } else {
            try allow(
                [
                    "column", "text", "constant", "type", "nulls", "onEmpty", "onBad", "default", "trim", "case",
                    "values", "lookup", "otherwise", "decimal", "group", "round", "unit", "format", "zone", "gap",
                    "overlap", "trueWords", "falseWords",
                ], in: settings)
            try readSource(&step, &detail, name, settings)
            try readType(&step, &detail, &extra, settings)
            try readMissing(&step, &detail, settings)
            try readTruths(&step, &detail, &extra, settings)
            try readWords(&detail, settings)
            try checkStandard(step, detail, extra, settings)
        }
        step.isSimple =
            detail.source == .column && !detail.hasStandard && !detail.trims && detail.letters == .kept && detail.words < 0
            && detail.lookup.isEmpty
        step.detail = Int32(details.count)
        details.append(detail)
        extras.append(extra)
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
        _ step: inout PropertyStep, _ detail: inout PropertyDetail, _ extra: inout PropertyExtra, _ settings: SettingsValue
    ) throws(PluginError) {
        if let value = try settings.optional("type") {
            step.kind = try value.choice([
                ("string", .string), ("int", .int), ("double", .double), ("bool", .bool), ("date", .date),
                ("dateTime", .dateTime),
                ("time", .time), ("duration", .duration), ("json", .json),
            ])
        }
        step.format = try numberFormat(settings, standard: step.format)
        for name in ["zone", "gap", "overlap"] {
            if let value = try settings.optional(name), step.kind != .dateTime {
                throw value.error("goes with the type dateTime only.")
            }
        }
        extra = try clocks(settings, standard: standardClocks)
        if let value = try settings.optional("format") {
            let needs: [PropertyStep.Kind: DatePattern.Need] = [.date: .date, .dateTime: .dateTime, .time: .time]
            guard let need = needs[step.kind] else { throw value.error("goes with the types date, dateTime and time only.") }
            try addPattern(&step, try value.string(), need, value)
        } else if step.kind == .dateTime {
            try addPattern(&step, "yyyy-MM-dd['T'][' ']HH:mm[:ss][.S][XXX]", .dateTime, settings)
        } else if step.kind == .time {
            try addPattern(&step, "HH:mm[:ss][.S]", .time, settings)
        }
        try readUnit(&step, &detail, &extra, settings)
    }

    private func readUnit(
        _ step: inout PropertyStep, _ detail: inout PropertyDetail, _ extra: inout PropertyExtra, _ settings: SettingsValue
    ) throws(PluginError) {
        guard let value = try settings.optional("unit") else { return }
        if step.kind == .duration {
            detail.unit = try value.choice([
                ("microseconds", .microseconds), ("milliseconds", .milliseconds), ("seconds", .seconds), ("minutes", .minutes),
                ("hours", .hours), ("days", .days),
            ])
            return
        }
        guard step.kind == .int || step.kind == .double else {
            throw value.error("goes with the types int, double and duration only.")
        }
        if case .bool = value.content { return }
        for word in try value.words() {
            let first = word.utf8.first ?? 0x61
            guard first &- 0x30 >= 10, !" \t+-.,'_".utf8.contains(first), word.utf8.last != 0x20 else {
                throw value.error("'\(word)' is no unit: it starts as a number does, or has a blank at an end.")
            }
            extra.units.append(Bytes(kept: word))
        }
        guard !extra.units.isEmpty else { throw value.error("names no unit.") }
        extra.units.sort { $0.count > $1.count }
        step.hasUnits = true
    }

    /// The words of the type bool; case does not count.
    static let truths = ["true", "1", "yes", "y", "t", "on"]
    static let lies = ["false", "0", "no", "n", "f", "off"]

    /// Words that are named here are values: they do not count as nulls of the whole mapping.
    private mutating func readTruths(
        _ step: inout PropertyStep, _ detail: inout PropertyDetail, _ extra: inout PropertyExtra, _ settings: SettingsValue
    ) throws(PluginError) {
        let truths = try settings.optional("trueWords")?.words()
        let lies = try settings.optional("falseWords")?.words()
        extra.truthText =
            "a word for true (\(Self.listed(truths ?? Self.truths))) or for false (\(Self.listed(lies ?? Self.lies)))"
        guard truths != nil || lies != nil else { return }
        guard step.kind == .bool else { throw settings.error("trueWords and falseWords go with the type bool only.") }
        let named = (truths ?? []) + (lies ?? [])
        for word in truths ?? [] {
            guard let twin = lies?.first(where: { Bytes(kept: $0).equalsIgnoringCase(Bytes(kept: word)) }) else { continue }
            throw settings.error("'\(word)' in trueWords and '\(twin)' in falseWords are one word: case does not count.")
        }
        let ownNulls = try settings.optional("nulls")?.words()
        for word in named where ownNulls?.contains(where: { Bytes(kept: $0).equalsIgnoringCase(Bytes(kept: word)) }) == true {
            throw settings.error("'\(word)' is a word for true or false and a null of the same property. Keep one.")
        }
        if ownNulls == nil {
            let others = standardNullWords.filter { null in
                !named.contains { Bytes(kept: $0).equalsIgnoringCase(Bytes(kept: null)) }
            }
            let index = others.count == standardNullWords.count ? standardNulls : addNulls(others)
            setNulls(&step, index)
        }
        // Of two equal words the first counts: those that are named before the usual ones.
        var pairs = (truths ?? []).map { ($0, "1") } + (lies ?? []).map { ($0, "0") }
        if truths == nil { pairs += Self.truths.map { ($0, "1") } }
        if lies == nil { pairs += Self.lies.map { ($0, "0") } }
        detail.truths = words.count
        words.append(WordTable(pairs, ignoringCase: true))
    }

    private static func listed(_ words: [String]) -> String {
        words.prefix(8).map { $0.isEmpty ? "''" : $0 }.joined(separator: ", ") + (words.count > 8 ? " …" : "")
    }

    private mutating func addPattern(
        _ step: inout PropertyStep, _ text: String, _ need: DatePattern.Need, _ settings: SettingsValue
    ) throws(PluginError) {
        do throws(PluginError) {
            let pattern = try DatePattern(text, need: need)
            if step.kind == .date, text == "yyyy-MM-dd" { return }  // The short way reads it.
            let lost = need == .time && pattern.readsDate ? "a date" : need != .dateTime && pattern.readsOffset ? "an offset" : ""
            guard lost.isEmpty || step.format.rounds else {
                throw PluginError(
                    .settings, "The pattern '\(text)' reads \(lost), which would be left out: set round to true for that.")
            }
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

    /// A `default` that is none of the property's type is a mistake of the mapping: it is not found with the first empty cell
    /// only.
    private func checkStandard(
        _ step: PropertyStep, _ detail: PropertyDetail, _ extra: PropertyExtra, _ settings: SettingsValue
    ) throws(PluginError) {
        guard detail.hasStandard, !step.hasUnits, !step.format.allowsUnit, let value = try settings.optional("default") else {
            return
        }
        // In the letters that `case` gives it, and also where `onBad: empty` would hide it.
        let word = try value.word()
        let text: Bytes
        switch detail.letters {
        case .kept: text = detail.standard
        case .lower: text = Bytes(kept: word.lowercased())
        case .upper: text = Bytes(kept: word.uppercased())
        }
        do throws(ValueError) {
            switch step.kind {
            case .string: break
            case .int: _ = try text.int64(step.format)
            case .double: _ = try text.double(step.format)
            case .bool:
                let truths = detail.truths >= 0 ? words[detail.truths] : RowMapper.usualTruths
                guard truths.value(of: text) != nil else { throw ValueError("not-a-bool", extra.truthText) }
            case .date:
                _ =
                    step.pattern < 0
                    ? try text.isoDate() : try patterns[Int(step.pattern)].date(text, rounding: step.format.rounds)
            case .dateTime:
                _ = try patterns[Int(step.pattern)].timestamp(
                    text, zone: extra.zone, gap: extra.gap, overlap: extra.overlap, rounding: step.format.rounds)
            case .time: _ = try patterns[Int(step.pattern)].time(text, rounding: step.format.rounds)
            case .duration:
                if let unit = detail.unit {
                    _ = try text.duration(in: unit, step.format)
                } else {
                    _ = try text.isoDuration(rounding: step.format.rounds)
                }
            case .json: if let fault = JSONSyntax.fault(in: text) { throw fault }
            }
        } catch { throw value.error("is not \(error.expectation), as the type of the property wants it.") }
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
