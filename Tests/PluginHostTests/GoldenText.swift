import DropCore
import TwinModel

/// An operation stream as the golden files of TwinDropTesting have it (NDJSON), for the value types door-counter uses. Made from
/// the real worker's output, so that a golden file also proves that worker and harness agree.
struct GoldenText {
    private(set) var lines: [String] = []
    private var cursor: StreamText.Cursor
    private var position: Int64 = 0
    private var record: (number: Int, offset: Int64, length: UInt64, entries: Int) = (0, 0, 0, 1)
    private var operations = 0
    private var filtered = 0
    private var rejected = 0
    private var accounted: UInt64 = 0

    init(stream: [UInt8], inputBytes: Int) {
        cursor = StreamText.Cursor(bytes: stream)
        while cursor.at < stream.count { entry() }
        endRecord()
        lines.append(
            "{\"status\":\"ok\",\"records\":\(record.number),\"operations\":\(operations),\"filtered\":\(filtered),"
                + "\"rejected\":\(rejected),\"bytes\":\(inputBytes),\"accounted\":\(accounted)}")
    }

    private var place: String { "{\"record\":\(record.number),\"offset\":\(record.offset),\"length\":\(record.length)" }

    private mutating func entry() {
        let kind = cursor.bytes[cursor.at]
        switch OperationEntry(rawValue: kind) {
        case .record:
            endRecord()
            cursor.at += 1
            let (offset, length) = part()
            record = (record.number + 1, offset, length, 0)
        case .span:
            cursor.at += 1
            let name = ["header", "footer", "remainder"][Int(cursor.byte())]
            let (offset, length) = part()
            lines.append("{\"span\":\"\(name)\",\"offset\":\(offset),\"length\":\(length),\"name\":\(quoted(cursor.text()))}")
        case .reject:
            cursor.at += 1
            lines.append("\(place),\"reject\":\(quoted(cursor.text())),\"message\":\(quoted(cursor.text()))}")
            record.entries += 1
            rejected += 1
        case .key, .scope: _ = cursor.entry()
        case nil: operation()
        }
    }

    private mutating func endRecord() {
        guard record.entries == 0 else { return }
        lines.append("\(place),\"filtered\":true}")
        filtered += 1
    }

    private mutating func part() -> (Int64, UInt64) {
        let offset = position + cursor.zigzag()
        let length = cursor.varint()
        position = offset + Int64(length)
        accounted += length
        return (offset, length)
    }

    private mutating func operation() {
        let verb = OperationVerb(rawValue: cursor.byte())!
        let length = (0..<4).reduce(0) { $0 | Int(cursor.byte()) << (8 * $1) }
        let end = cursor.at + length
        let word = "\(verb)".replacing("Twin", with: "").replacing("Relationship", with: "")
        var line = "\(place),\"do\":\"\(word)\""
        if verb.rawValue <= OperationVerb.deleteTwin.rawValue {
            line += ",\"twin\":\(quoted(cursor.text()))"
            if verb != .deleteTwin { line += ",\"model\":\(quoted(cursor.key()))" }
        } else {
            line += ",\"source\":\(quoted(cursor.text())),\"name\":\(quoted(cursor.key()))"
            line += ",\"target\":\(quoted(cursor.text())),\"id\":\(quoted(cursor.text()))"
        }
        var properties: [String] = []
        while cursor.at < end { properties.append(quoted(cursor.key()) + ":" + value()) }
        if !properties.isEmpty { line += ",\"set\":{" + properties.joined(separator: ",") + "}" }
        lines.append(line + "}")
        record.entries += 1
        operations += 1
    }

    private mutating func value() -> String {
        switch PropertyType(rawValue: cursor.byte())! {
        case .false: return "false"
        case .true: return "true"
        case .integer: return "\(cursor.zigzag())"
        case .double:
            let bits = (0..<8).reduce(UInt64(0)) { $0 | UInt64(cursor.byte()) << UInt64(8 * $1) }
            return "\(Double(bitPattern: bits))"
        case .string: return quoted(cursor.text())
        case .dateTime:
            let seconds = cursor.zigzag() / 1_000_000
            _ = cursor.zigzag()
            return "{\"$dateTime\":\"\(DateText.utc(seconds))\"}"
        default: return "?"
        }
    }

    private func quoted(_ text: String) -> String { JSON.string(text).text() }
}
