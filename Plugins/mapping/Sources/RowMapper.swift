import TwinDropPluginSDK

/// Turns records into operations by a plan. Per record it allocates nothing and makes no `String`, unless it refuses the record.
struct RowMapper: ~Copyable {
    let plan: MappingPlan
    let host: Host
    let output: Output
    /// Place of each column of the plan in this file.
    fileprivate let places: Fixed<Int>
    /// The plan's steps with their places.
    fileprivate let steps: Fixed<PropertyStep>
    fileprivate let plainBytes = Template.plainBytes
    fileprivate var occurrences = Occurrences()
    fileprivate var occurrence: UInt64 = 0
    var scratch = ByteScratch(capacity: 1024)
    /// By template: the ids made of it, where different cells may give the same.
    var origins: [IDOrigins]
    /// The cells of the template text made last, where they count.
    var cells = OccurrenceKey()
    /// A byte order mark stands in a cell of an id or scope of this record.
    var hasMark = false
    var scope = FileScope()
    /// By the number of the property: the unit that the file's first record had, for `unit: true`.
    fileprivate var firstUnits: [Int32: String] = [:]

    init(plan: MappingPlan, places: [Int], host: Host, output: Output) {
        self.plan = plan
        self.host = host
        self.output = output
        self.places = Fixed(places)
        origins = [IDOrigins](repeating: IDOrigins(), count: plan.templates.count)
        steps = Fixed(
            (0..<plan.steps.count).map { index in
                var step = plan.steps[index]
                step.place = step.column < places.count ? Int32(clamping: places[Int(step.column)]) : .max
                return step
            })
    }

    deinit {
        places.free()
        steps.free()
    }

    /// Gives the operations of the reader's current record, or rejects it.
    mutating func map(_ reader: borrowing DelimitedReader) throws(PluginError) {
        if plan.occurrenceColumns != nil { try countOccurrence(reader) }
        if plan.condition >= 0, !holds(plan.condition, reader) { return }
        if plan.scopeTemplate >= 0 { guard try giveScope(reader) else { return } }
        for index in 0..<plan.rules.count {
            let rule = plan.rules[index]
            if rule.condition >= 0, !holds(rule.condition, reader) { continue }
            guard try apply(rule, reader) else { return }
        }
    }

    // MARK: - Rules

    /// False when the record was rejected.
    fileprivate mutating func apply(_ rule: Rule, _ reader: borrowing DelimitedReader) throws(PluginError) -> Bool {
        var verb = rule.verb
        if rule.deletion >= 0, holds(rule.deletion, reader) { verb = .delete }
        scratch.removeAll()
        hasMark = false
        guard rule.isRelationship else {
            guard let id = text(rule.id, reader, from: 0) else { return missing(rule, "id", rule.id) }
            guard isShort(id, rule), isUnmarked(rule), isOwn(rule.id, id, .empty, rule) else { return false }
            output.beginTwin(verb, id: id, model: verb == .delete ? .none : rule.key)
            return try finish(rule, verb, reader)
        }
        guard append(rule.source, reader) else { return missing(rule, "source", rule.source) }
        let sourceEnd = scratch.count
        guard isOwn(rule.source, scratch.bytes(), .empty, rule) else { return false }
        if !append(rule.target, reader) {
            guard rule.missing == .delete else { return missing(rule, "target", rule.target) }
            scratch.truncate(to: sourceEnd)
            verb = .delete
        } else if !isOwn(rule.target, scratch.bytes(from: sourceEnd), .empty, rule) {
            return false
        }
        let targetEnd = scratch.count
        if rule.id >= 0, !append(rule.id, reader) { return missing(rule, "id", rule.id) }
        let all = scratch.bytes()
        let source = all.prefix(sourceEnd)
        let target = all.prefix(targetEnd).dropFirst(sourceEnd)
        let id = all.dropFirst(targetEnd)
        guard isShort(source, rule), isShort(target, rule), isShort(id, rule), isUnmarked(rule) else { return false }
        if rule.id >= 0, !isOwn(rule.id, id, source, rule) { return false }
        output.beginRelationship(verb, from: source, name: rule.key, to: target, id: id)
        return try finish(rule, verb, reader)
    }

    fileprivate mutating func finish(_ rule: Rule, _ verb: Verb, _ reader: borrowing DelimitedReader) throws(PluginError) -> Bool
    {
        if verb != .delete {
            for index in rule.firstStep..<rule.firstStep + rule.stepCount {
                guard set(steps[index], reader) else { return false }
            }
        }
        try output.end()
        return true
    }

    // MARK: - Texts

    @inline(__always)
    fileprivate func cell(_ column: Int, _ reader: borrowing DelimitedReader) -> Bytes { reader[places[column]] }

    /// The text of a template whose parts are all there; the cell itself where the template is nothing but a cell.
    fileprivate mutating func text(_ template: Int, _ reader: borrowing DelimitedReader, from start: Int) -> Bytes? {
        if let part = plan.templates[template].onlyCell {
            var value = cell(part.column, reader)
            if part.trims { value = value.trimmed }
            if value.isEmpty || isNull(value, plan.idNulls, plan.idNullLengths) { return nil }
            if isPlain(value) { return value }
        }
        guard append(template, reader) else { return nil }
        return scratch.bytes(from: start)
    }

    @inline(__always)
    private func isPlain(_ value: Bytes) -> Bool {
        var index = 0
        while index < value.count, plainBytes[Int(value[index])] { index += 1 }
        return index == value.count
    }

    /// Appends a template's text to the scratch; false when a cell of it is empty, or the text is.
    mutating func append(_ index: Int, _ reader: borrowing DelimitedReader) -> Bool {
        let parts = plan.templates[index].parts
        let escape = plan.templates[index].escape
        let isAmbiguous = plan.templates[index].isAmbiguous
        let start = scratch.count
        if isAmbiguous { cells = OccurrenceKey() }
        for number in 0..<parts.count {
            let part = parts[number]
            let partStart = scratch.count
            switch part.source {
            case .literal:
                scratch.append(part.literal)
                continue
            case .record: scratch.append(decimal: reader.record)
            case .occurrence: scratch.append(decimal: occurrence)
            case .column:
                var value = cell(part.column, reader)
                if part.trims { value = value.trimmed }
                if value.isEmpty || isNull(value, plan.idNulls, plan.idNullLengths) { return false }
                appendCell(value, part.letters, escape, stop: part.stop)
            }
            if isAmbiguous { cells.add(scratch.bytes(from: partStart)) }
        }
        return scratch.count > start
    }

    fileprivate mutating func appendCell(
        _ value: Bytes, _ letters: Template.Letters, _ escape: Template.Escape, stop: UInt8 = 0
    ) {
        let plain = plainBytes
        var index = 0
        if letters == .kept {
            if escape == .none || escape == .text {
                index = value.count
            } else {
                while index < value.count, plain[Int(value[index])], value[index] != stop { index += 1 }
            }
            scratch.append(value.prefix(index))
        }
        if escape == .none || index < value.count { lookForMark(value) }
        while index < value.count {
            let byte = Self.change(value[index], letters)
            if escape == .none || escape == .text || (plain[Int(byte)] && byte != stop) {
                scratch.append(byte)
            } else {
                scratch.append(UInt8(ascii: "%"))
                scratch.append(Self.hex(byte >> 4))
                scratch.append(Self.hex(byte & 15))
            }
            index += 1
        }
    }

    /// ASCII letters only: a text in UTF-8 stays one.
    fileprivate static func change(_ byte: UInt8, _ letters: Template.Letters) -> UInt8 {
        switch letters {
        case .kept: byte
        case .lower: byte &- 0x41 < 26 ? byte | 0x20 : byte
        case .upper: byte &- 0x61 < 26 ? byte & 0xDF : byte
        }
    }

    fileprivate static func hex(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x37 + digit }

    @inline(__always)
    fileprivate func isNull(_ value: Bytes, _ words: Int, _ lengths: UInt64) -> Bool {
        guard lengths >> UInt64(min(63, value.count)) & 1 != 0 else { return false }
        return plan.nulls[words].value(of: value) != nil
    }

    // MARK: - Conditions

    fileprivate func holds(_ condition: Int, _ reader: borrowing DelimitedReader) -> Bool {
        holds(plan.conditions[condition], 0, reader)
    }

    fileprivate func holds(_ condition: Condition, _ index: Int, _ reader: borrowing DelimitedReader) -> Bool {
        let node = condition.nodes[index]
        switch node.test {
        case .all, .any:
            let isAny = node.test == .any
            var child = index + 1
            while child < index + node.size {
                if holds(condition, child, reader) == isAny { return isAny }
                child += condition.nodes[child].size
            }
            return !isAny
        default: break
        }
        var value = cell(node.column, reader)
        if node.trims { value = value.trimmed }
        let answer: Bool =
            switch node.test {
            case .isEmpty: value.isEmpty
            case .matches: condition.globs[node.operand].contains { $0.matches(value) }
            default: condition.words[node.operand].value(of: value) != nil
            }
        return answer != node.isNot
    }

    fileprivate mutating func countOccurrence(_ reader: borrowing DelimitedReader) throws(PluginError) {
        var key = OccurrenceKey()
        guard let columns = plan.occurrenceColumns else { return }
        if columns.isEmpty {
            for index in 0..<reader.fieldCount { key.add(reader[index]) }
        } else {
            for column in columns { key.add(cell(column, reader)) }
        }
        occurrence = try occurrences.next(key)
    }
}

// MARK: - Properties

extension RowMapper {
    /// Sets one property; false when the record was rejected.
    @inline(__always)
    fileprivate mutating func set(_ step: PropertyStep, _ reader: borrowing DelimitedReader) -> Bool {
        guard step.isSimple else { return setSlowly(step, reader) }
        let value = reader[Int(step.place)]
        if isNull(value, Int(step.nulls), step.nullLengths) { return setNothing(step) }
        return convert(value, step)
    }

    fileprivate mutating func setSlowly(_ step: PropertyStep, _ reader: borrowing DelimitedReader) -> Bool {
        let detail = plan.details[Int(step.detail)]
        var value = Bytes.empty
        var isMissing = false
        scratch.removeAll()
        switch detail.source {
        case .constantInt:
            output.set(step.key, to: detail.number)
            return true
        case .constantDouble:
            output.set(step.key, to: detail.double)
            return true
        case .constantBool:
            output.set(step.key, to: detail.number != 0)
            return true
        case .constantText: value = detail.text
        case .template:
            if append(detail.template, reader) { value = scratch.bytes() } else { isMissing = true }
        case .column: value = reader[Int(step.place)]
        }
        if detail.trims { value = value.trimmed }
        isMissing = isMissing || (detail.source != .constantText && isNull(value, Int(step.nulls), step.nullLengths))
        if !isMissing {
            switch look(up: value, step, detail) {
            case .value(let found): value = found
            case .missing: isMissing = true
            case .rejected: return false
            }
        }
        if isMissing {
            guard detail.hasStandard else { return setNothing(step) }
            value = detail.standard
        }
        if detail.letters != .kept {
            let start = scratch.count
            appendCell(value, detail.letters, .text)
            value = scratch.bytes(from: start)
        }
        return convert(value, step)
    }

    private enum LookedUp {
        case value(Bytes)
        case missing
        case rejected
    }

    private func look(up value: Bytes, _ step: PropertyStep, _ detail: PropertyDetail) -> LookedUp {
        guard detail.words >= 0 || !detail.lookup.isEmpty else { return .value(value) }
        var found: Bytes?
        if detail.words >= 0 { found = plan.words[detail.words].value(of: value) }
        if found == nil, !detail.lookup.isEmpty { found = host.lookup(value, in: detail.lookup) }
        if let found { return .value(found) }
        switch detail.otherwise {
        case .keep: return .value(value)
        case .empty: return .missing
        case .reject:
            output.reject("unknown-word", "\(title(step)): \(shown(value)) is not in the table. Add it, or correct the record.")
            return .rejected
        }
    }

    fileprivate func setNothing(_ step: PropertyStep) -> Bool {
        switch step.missing {
        case .unset: output.unset(step.key)
        case .skip: break
        case .reject:
            output.reject("missing-value", "\(title(step)): the cell is empty. Fill it, or set onEmpty: unset in the mapping.")
            return false
        }
        return true
    }

    @inline(__always)
    fileprivate mutating func convert(_ value: Bytes, _ step: PropertyStep) -> Bool {
        do throws(ValueError) {
            switch step.kind {
            case .string: output.set(step.key, to: value)
            case .int: output.set(step.key, to: try number(value, step).int64(step.format))
            case .double: output.set(step.key, to: try number(value, step).double(step.format))
            case .bool: output.set(step.key, to: try truth(value, step))
            case .date:
                let date =
                    step.pattern < 0
                    ? try value.isoDate() : try plan.patterns[Int(step.pattern)].date(value, rounding: step.format.rounds)
                output.set(step.key, to: date)
            case .dateTime: output.set(step.key, to: try timestamp(value, step))
            case .time:
                output.set(step.key, to: try plan.patterns[Int(step.pattern)].time(value, rounding: step.format.rounds))
            case .duration: output.set(step.key, to: try span(value, step))
            case .json:
                if let fault = JSONSyntax.fault(in: value) { throw fault }
                output.set(step.key, json: value)
            }
            return true
        } catch {
            return refuse(value, step, error)
        }
    }

    fileprivate func refuse(_ value: Bytes, _ step: PropertyStep, _ error: ValueError) -> Bool {
        guard step.bad == .reject else { return setNothing(step) }
        let message = error.message("the cell", value, quoting: plan.showsValues)
        output.reject(error.code, "\(title(step)): \(message) Correct the cell or the mapping, or set onBad: empty.")
        return false
    }

    private func truth(_ value: Bytes, _ step: PropertyStep) throws(ValueError) -> Bool {
        let truths = plan.details[Int(step.detail)].truths
        let found = truths >= 0 ? plan.words[truths].value(of: value) : Self.usualTruths.value(of: value)
        guard let found else {
            let words = plan.extras[Int(step.detail)].truthText
            throw ValueError("not-a-bool", words.isEmpty ? "a word for true or false" : words)
        }
        return found[0] == UInt8(ascii: "1")
    }

    fileprivate static let usualTruths = WordTable(
        MappingReader.truths.map { ($0, "1") } + MappingReader.lies.map { ($0, "0") }, ignoringCase: true)

    fileprivate func span(_ value: Bytes, _ step: PropertyStep) throws(ValueError) -> TimeSpan {
        guard let unit = plan.details[Int(step.detail)].unit else { return try value.isoDuration(rounding: step.format.rounds) }
        return try value.duration(in: unit, step.format)
    }

    private func timestamp(_ value: Bytes, _ step: PropertyStep) throws(ValueError) -> Timestamp {
        let index = Int(step.detail)
        return try plan.patterns[Int(step.pattern)].timestamp(
            value, zone: plan.extras[index].zone, gap: plan.extras[index].gap, overlap: plan.extras[index].overlap,
            rounding: step.format.rounds)
    }

    /// The number of a cell without its unit, where the mapping names units; otherwise the cell.
    @inline(__always)
    private mutating func number(_ value: Bytes, _ step: PropertyStep) throws(ValueError) -> Bytes {
        if step.hasUnits { return try withoutUnit(value, step) }
        if step.format.allowsUnit { try checkUnit(value, step) }
        return value
    }

    private func withoutUnit(_ value: Bytes, _ step: PropertyStep) throws(ValueError) -> Bytes {
        let units = plan.extras[Int(step.detail)].units
        for unit in units where unit.count < value.count && value.dropFirst(value.count - unit.count) == unit {
            return unit.isEmpty ? value : value.prefix(value.count - unit.count).withoutBlanks
        }
        let words = units.map { $0.isEmpty ? "nothing" : $0.text }.joined(separator: " or ")
        throw ValueError("not-a-number", "a number followed by \(words)")
    }

    /// With `unit: true`, all records of a file have one unit: a number in another would be read as if it were in this.
    private mutating func checkUnit(_ value: Bytes, _ step: PropertyStep) throws(ValueError) {
        let unit = try value.unit(step.format)
        guard !unit.isEmpty else { return }
        guard let first = firstUnits[step.detail] else {
            firstUnits[step.detail] = unit.text
            return
        }
        guard unit.text.utf8.elementsEqual(first.utf8) else {
            throw ValueError(
                "not-a-number", "a number in the unit \(first)",
                remark: "The records before have that one. Name the unit in the mapping.")
        }
    }

    fileprivate func title(_ step: PropertyStep) -> String {
        let detail = plan.details[Int(step.detail)]
        return switch detail.source {
        case .column: "property '\(plan.titles[detail.title])' from column '\(plan.columns.title(Int(step.column)))'"
        default: "property '\(plan.titles[detail.title])'"
        }
    }

    /// A value as a message shows it: its first 40 bytes, where the settings allow it.
    fileprivate func shown(_ value: Bytes) -> String {
        guard plan.showsValues else { return "the cell" }
        return "'" + value.prefix(40).text + (value.count <= 40 ? "'" : "…'")
    }
}
