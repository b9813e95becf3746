import DropCore

/// The operation stream as lines of text. Written for the tests from the grammar alone, as a second reading of it.
enum StreamText {
    static func lines(of bytes: [UInt8]) -> [String] {
        var cursor = Cursor(bytes: bytes)
        var lines: [String] = []
        while cursor.at < bytes.count { lines.append(cursor.entry()) }
        return lines
    }

    struct Cursor {
        let bytes: [UInt8]
        var at = 0
        var keys: [String] = []

        mutating func byte() -> UInt8 {
            defer { at += 1 }
            return bytes[at]
        }

        mutating func varint() -> UInt64 {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while true {
                let next = byte()
                value |= UInt64(next & 0x7F) << shift
                if next < 0x80 { return value }
                shift += 7
            }
        }

        mutating func zigzag() -> Int64 {
            let value = varint()
            return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
        }

        mutating func text() -> String {
            let length = Int(varint())
            defer { at += length }
            return String(decoding: bytes[at..<at + length], as: UTF8.self)
        }

        mutating func key() -> String {
            let number = Int(varint())
            return number == 0 ? "-" : number <= keys.count ? keys[number - 1] : "key?\(number)"
        }

        mutating func entry() -> String {
            let kind = byte()
            switch OperationEntry(rawValue: kind) {
            case .record: return "record \(zigzag()) \(varint())"
            case .span: return "span \(byte()) \(zigzag()) \(varint()) \(text())"
            case .reject: return "reject \(text()) \(text())"
            case .key:
                keys.append(text())
                return "key \(keys.count) \(keys[keys.count - 1])"
            case .scope: return "scope \(text())"
            case nil: return operation(kind)
            }
        }

        mutating func operation(_ kind: UInt8) -> String {
            guard let verb = OperationVerb(rawValue: kind) else { return "unknown \(kind)" }
            let length = (0..<4).reduce(0) { $0 | Int(byte()) << (8 * $1) }
            let end = at + length
            var line: String
            switch verb {
            case .upsertTwin, .patchTwin, .replaceTwin: line = "\(verb) \(text()) \(key())"
            case .deleteTwin: line = "\(verb) \(text())"
            case .upsertRelationship, .replaceRelationship, .deleteRelationship:
                line = "\(verb) \(text()) \(key()) \(text()) \(text())"
            }
            while at < end { line += " " + property() }
            return at == end ? line : line + " torn"
        }

        mutating func property() -> String {
            let name = key()
            switch PropertyType(rawValue: byte()) {
            case .absent: return "\(name)=absent"
            case .false: return "\(name)=false"
            case .true: return "\(name)=true"
            case .integer: return "\(name)=\(zigzag())"
            case .double:
                let bits = (0..<8).reduce(UInt64(0)) { $0 | UInt64(byte()) << UInt64(8 * $1) }
                return "\(name)=\(Double(bitPattern: bits))"
            case .string: return "\(name)='\(text())'"
            case .dateTime: return "\(name)=dateTime(\(zigzag()),\(zigzag()))"
            case .date: return "\(name)=date(\(zigzag()))"
            case .time: return "\(name)=time(\(varint()))"
            case .duration: return "\(name)=duration(\(zigzag()),\(zigzag()))"
            case .json: return "\(name)=json(\(text()))"
            case nil: return "\(name)=?"
            }
        }
    }
}
