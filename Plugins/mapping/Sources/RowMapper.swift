import TwinDropPluginSDK

/// Turns records into operations by a plan. It allocates nothing per record and makes no `String`, unless it refuses the record.
struct RowMapper: ~Copyable {
    let plan: MappingPlan
    let host: Host
    let output: Output
    /// Place of each column of the plan in this file.
    let places: Fixed<Int>
    /// The plan's steps with their places.
    let steps: Fixed<PropertyStep>
    let plainBytes = Template.plainBytes
    var occurrences = Occurrences()
    var occurrence: UInt64 = 0
    var scratch = ByteScratch(capacity: 1024)
    /// By template: the ids made of it, where different cells may give the same.
    var origins: [IDOrigins]
    /// The cells of the template text made last, if they count.
    var cells = OccurrenceKey()
    /// A byte order mark is in a cell of an id or scope of this record.
    var hasMark = false
    var scope = FileScope()
    /// By the number of the property: the unit that the file's first record had, for `unit: true`.
    var firstUnits: [Int32: String] = [:]

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
    mutating func apply(_ rule: Rule, _ reader: borrowing DelimitedReader) throws(PluginError) -> Bool {
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

    mutating func finish(_ rule: Rule, _ verb: Verb, _ reader: borrowing DelimitedReader) throws(PluginError) -> Bool {
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
    func cell(_ column: Int, _ reader: borrowing DelimitedReader) -> Bytes { reader[places[column]] }

    /// The text of a template whose parts are all there; the cell itself if the template is only a cell.
    mutating func text(_ template: Int, _ reader: borrowing DelimitedReader, from start: Int) -> Bytes? {
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

    mutating func appendCell(
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

    /// ASCII letters only: ids that templates made stay as they are.
    static func change(_ byte: UInt8, _ letters: Template.Letters) -> UInt8 {
        switch letters {
        case .kept: byte
        case .lower: byte &- 0x41 < 26 ? byte | 0x20 : byte
        case .upper: byte &- 0x61 < 26 ? byte & 0xDF : byte
        }
    }

    static func hex(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x37 + digit }

    @inline(__always)
    func isNull(_ value: Bytes, _ words: Int, _ lengths: UInt64) -> Bool {
        guard lengths >> UInt64(min(63, value.count)) & 1 != 0 else { return false }
        return plan.nulls[words].value(of: value) != nil
    }

    // MARK: - Conditions

    func holds(_ condition: Int, _ reader: borrowing DelimitedReader) -> Bool {
        holds(plan.conditions[condition], 0, reader)
    }

    func holds(_ condition: Condition, _ index: Int, _ reader: borrowing DelimitedReader) -> Bool {
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

    mutating func countOccurrence(_ reader: borrowing DelimitedReader) throws(PluginError) {
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
    mutating func set(_ step: PropertyStep, _ reader: borrowing DelimitedReader) -> Bool {
        guard step.isSimple else { return setSlowly(step, reader) }
        let value = reader[Int(step.place)]
        if isNull(value, Int(step.nulls), step.nullLengths) { return setNothing(step) }
        return convert(value, step)
    }

    mutating func setSlowly(_ step: PropertyStep, _ reader: borrowing DelimitedReader) -> Bool {
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
            if value.isASCII {
                appendCell(value, detail.letters, .text)
            } else {
                for byte in value.changed(to: detail.letters == .lower ? .lower : .upper) { scratch.append(byte) }
            }
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
            let table = detail.lookup.isEmpty ? "the table" : "the lookup table '\(detail.lookup.text)'"
            output.reject("unknown-word", "\(title(step)): \(shown(value)) is not in \(table). Add it, or correct the record.")
            return .rejected
        }
    }

    func setNothing(_ step: PropertyStep) -> Bool {
        switch step.missing {
        case .unset: output.unset(step.key)
        case .skip: break
        case .reject:
            output.reject("missing-value", "\(title(step)): the cell is empty. Fill it, or set onEmpty: unset in the mapping.")
            return false
        }
        return true
    }
}
