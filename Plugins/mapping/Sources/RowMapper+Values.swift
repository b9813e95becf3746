import TwinDropPluginSDK

// MARK: - Values

extension RowMapper {
    @inline(__always)
    mutating func convert(_ value: Bytes, _ step: PropertyStep) -> Bool {
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

    func refuse(_ value: Bytes, _ step: PropertyStep, _ error: ValueError) -> Bool {
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

    static let usualTruths = WordTable(
        MappingReader.truths.map { ($0, "1") } + MappingReader.lies.map { ($0, "0") }, ignoringCase: true)

    func span(_ value: Bytes, _ step: PropertyStep) throws(ValueError) -> TimeSpan {
        guard let unit = plan.details[Int(step.detail)].unit else { return try value.isoDuration(rounding: step.format.rounds) }
        return try value.duration(in: unit, step.format)
    }

    private func timestamp(_ value: Bytes, _ step: PropertyStep) throws(ValueError) -> Timestamp {
        let index = Int(step.detail)
        return try plan.patterns[Int(step.pattern)].timestamp(
            value, zone: plan.extras[index].zone, gap: plan.extras[index].gap, overlap: plan.extras[index].overlap,
            rounding: step.format.rounds)
    }

    /// The number of a cell without its unit, if the mapping names units; otherwise the cell.
    @inline(__always)
    private mutating func number(_ value: Bytes, _ step: PropertyStep) throws(ValueError) -> Bytes {
        if step.hasUnits { return try withoutUnit(value, step) }
        if step.format.allowsUnit { try checkUnit(value, step) }
        return value
    }

    private func withoutUnit(_ value: Bytes, _ step: PropertyStep) throws(ValueError) -> Bytes {
        let units = plan.extras[Int(step.detail)].units
        for unit in units where unit.count < value.count && value.dropFirst(value.count - unit.count) == unit {
            return unit.isEmpty ? value : value.prefix(value.count - unit.count).withoutBlanksBehind
        }
        let words = units.map { $0.isEmpty ? "nothing" : $0.text }.joined(separator: " or ")
        throw ValueError("not-a-number", "a number followed by \(words)")
    }

    /// With `unit: true`, all records of a file have one unit, or none has a unit. Otherwise a number in another unit would be
    /// read as if it were in this one.
    private mutating func checkUnit(_ value: Bytes, _ step: PropertyStep) throws(ValueError) {
        let unit = try value.unit(step.format)
        guard let first = firstUnits[step.detail] else {
            firstUnits[step.detail] = unit.text
            return
        }
        guard unit.text.utf8.elementsEqual(first.utf8) else {
            throw ValueError(
                "not-a-number", first.isEmpty ? "a number without a unit" : "a number in the unit \(first)",
                remark: "The records before have \(first.isEmpty ? "none" : "that one"). Name the unit in the mapping.")
        }
    }

    func title(_ step: PropertyStep) -> String {
        let detail = plan.details[Int(step.detail)]
        return switch detail.source {
        case .column: "property '\(plan.titles[detail.title])' from column '\(plan.columns.title(Int(step.column)))'"
        default: "property '\(plan.titles[detail.title])'"
        }
    }

    /// A value as a message shows it: its first 40 bytes, if the settings allow it.
    func shown(_ value: Bytes) -> String {
        guard plan.showsValues else { return "the cell" }
        return "'" + value.prefix(40).text + (value.count <= 40 ? "'" : "…'")
    }
}
