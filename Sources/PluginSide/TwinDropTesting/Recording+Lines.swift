internal import CodecKit
internal import TwinModel

extension Recording {
    /// The recording as NDJSON for people to review: one line for each operation, filtered or rejected record and span, then one
    /// line with the totals.
    ///
    /// Values that JSON does not have stand as objects with one member: `$date`, `$dateTime`, `$time`, `$duration`, `$json`;
    /// doubles always have a point or an exponent.
    public var lines: [String] {
        var lines: [String] = []
        for entry in entries {
            switch entry {
            case .span(let span):
                lines.append(
                    "{\"span\":\(quoted(span.kind.rawValue)),\"offset\":\(span.offset),\"length\":\(span.length),\"name\":\(quoted(span.name))}"
                )
            case .scope(let name): lines.append("{\"scope\":\(quoted(name))}")
            case .record(let record): lines += self.lines(of: record)
            }
        }
        lines.append(totals)
        return lines
    }

    private var totals: String {
        var line = "{\"status\":\(quoted(Self.statusName(status))),\"records\":\(records),\"operations\":\(operations)"
        line += ",\"filtered\":\(filtered),\"rejected\":\(rejected),\"bytes\":\(bytesRead),\"accounted\":\(bytesAccounted)"
        if let failure { line += ",\"failure\":\(quoted(failure))" }
        if let failureOffset, failureOffset >= 0 { line += ",\"at\":\(failureOffset)" }
        if !violations.isEmpty { line += ",\"violations\":[\(violations.map(quoted).joined(separator: ","))]" }
        return line + "}"
    }

    static func statusName(_ status: Int32) -> String {
        let names = ["ok", "refused", "settings", "cancelled", "input", "limit", "internal"]
        return names.indices.contains(Int(status)) ? names[Int(status)] : "internal"
    }

    private func lines(of record: RecordedRecord) -> [String] {
        let place = "{\"record\":\(record.number),\"offset\":\(record.offset),\"length\":\(record.length)"
        if let rejection = record.rejection {
            return ["\(place),\"reject\":\(quoted(rejection.code)),\"message\":\(quoted(rejection.message))}"]
        }
        guard !record.operations.isEmpty else { return ["\(place),\"filtered\":true}"] }
        return record.operations.map { place + "," + members(of: $0) + "}" }
    }

    private func members(of operation: RecordedOperation) -> String {
        var text = "\"do\":\(quoted(operation.verb.rawValue))"
        switch operation.subject {
        case .twin(let id, let model):
            text += ",\"twin\":\(quoted(id))"
            if !model.isEmpty { text += ",\"model\":\(quoted(model))" }
        case .relationship(let source, let name, let target, let id):
            text += ",\"source\":\(quoted(source)),\"name\":\(quoted(name))"
            if !target.isEmpty { text += ",\"target\":\(quoted(target))" }
            if !id.isEmpty { text += ",\"id\":\(quoted(id))" }
        }
        let set = operation.properties.filter { $0.value != .absent }
        let unset = operation.properties.filter { $0.value == .absent }
        if !set.isEmpty { text += ",\"set\":{\(set.map { quoted($0.name) + ":" + $0.value.json }.joined(separator: ","))}" }
        if !unset.isEmpty { text += ",\"unset\":[\(unset.map { quoted($0.name) }.joined(separator: ","))]" }
        return text
    }

    private func quoted(_ text: String) -> String { RecordedValue.quoted(text) }
}

extension RecordedValue {
    /// The value as a golden file has it.
    var json: String {
        switch self {
        case .absent: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .double(let value):
            JSON.numberText(value).contains(where: { $0 == "." || $0 == "e" })
                ? JSON.numberText(value) : JSON.numberText(value) + ".0"
        case .text(let text): Self.quoted(text)
        case .dateTime(let microseconds, let offset): "{\"$dateTime\":\"\(Self.dateTimeText(microseconds, offset))\"}"
        case .date(let days): "{\"$date\":\"\(Self.dateText(Int(days)))\"}"
        case .time(let microseconds): "{\"$time\":\"\(Self.timeText(microseconds))\"}"
        case .duration(let months, let microseconds): "{\"$duration\":{\"months\":\(months),\"microseconds\":\(microseconds)}}"
        case .json(let text): "{\"$json\":\((try? JSON(parsing: text).text()) ?? Self.quoted(text))}"  // Unreadable: as a text.
        }
    }

    static func quoted(_ text: String) -> String { JSON.string(text).text() }

    /// Local time with its offset: `2024-05-01T10:00:00+02:00`.
    static func dateTimeText(_ microseconds: Int64, _ offsetMinutes: Int32) -> String {
        let local = microseconds + Int64(offsetMinutes) * 60_000_000
        var (days, time) = local.quotientAndRemainder(dividingBy: 86_400_000_000)
        if time < 0 {
            days -= 1
            time += 86_400_000_000
        }
        return dateText(Int(days)) + "T" + timeText(time) + RFC3339.offset(minutes: Int(offsetMinutes))
    }

    /// `2024-05-01`.
    static func dateText(_ days: Int) -> String { CivilDate(daysSince1970: days).description }

    static func timeText(_ microseconds: Int64) -> String {
        let seconds = Int(microseconds / 1_000_000)
        let fraction = Int(microseconds % 1_000_000)
        let clock = RFC3339.clock(seconds: seconds)
        return fraction == 0 ? clock : clock + "." + RFC3339.padded(fraction, 6)
    }
}
