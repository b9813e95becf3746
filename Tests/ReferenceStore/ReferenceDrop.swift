import DropCore
import TwinModel

/// What a drop says about one twin or relationship in one operation.
struct Statement {
    enum Kind { case merge, patch, replace, delete }

    let kind: Kind
    let isTwin: Bool
    let twin: Name
    /// The relationship's id.
    let id: Name
    let word: String?
    let target: Name?
    let properties: [(name: Name, value: PropertyValue)]
    let record: UInt64
    var link: LinkName { LinkName(source: twin, id: id) }
}

/// One record of a drop: all its statements, or why there are none.
struct Record {
    let number: UInt64
    let offset: UInt64
    let length: UInt64
    var statements: [Statement] = []
    var rejection: (code: String, message: String)?
    /// The plugin ended it: what else it would have named is not known.
    var isOfPlugin = false
}

/// A drop as it was read: what `OperationStream.swift` describes, in plain values.
struct ReferenceDrop {
    let job: ApplyJob
    private(set) var records: [Record] = []
    private(set) var spans: [FileSpan] = []
    private(set) var scope = ""
    private var keys: [String] = []
    private var position: UInt64 = 0
    private var isInRecord = false
    init(_ job: ApplyJob) { self.job = job }
    var bytesAccounted: UInt64 { records.reduce(0) { $0 + $1.length } + spans.reduce(0) { $0 + $1.length } }

    mutating func read(_ bytes: [UInt8]) throws(DropError) {
        let span = bytes.span
        var reader = OperationReader(end: bytes.count)
        while let entry = try reader.entry(span) {
            switch entry {
            case .record(let gap, let length):
                let offset = advance(gap, length)
                records.append(Record(number: UInt64(records.count + 1), offset: offset, length: length))
                isInRecord = true
            case .span(let kind, let gap, let length, let name):
                let offset = advance(gap, length)
                spans.append(FileSpan(kind: kind, offset: offset, length: length, name: text(bytes, name)))
                isInRecord = false
            case .reject(let code, let message):
                guard isInRecord else { throw reader.failure("a refusal outside of a record") }
                records[records.count - 1].rejection = (text(bytes, code), text(bytes, message))
                records[records.count - 1].isOfPlugin = true
            case .key(let name): keys.append(text(bytes, name))
            case .scope(let name): scope = text(bytes, name)
            case .operation(let verb, _, let body):
                guard isInRecord else { throw reader.failure("an operation outside of a record") }
                let head = try OperationReader.head(verb, body, span, base: 0, validating: false)
                do throws(DropError) {
                    records[records.count - 1].statements.append(try statement(verb, head, bytes))
                } catch {
                    guard error.code == .badValue else { throw error }
                    records[records.count - 1].rejection = ("bad-value", error.message)
                }
            }
        }
    }

    private mutating func advance(_ gap: Int64, _ length: UInt64) -> UInt64 {
        let offset = UInt64(Int64(position) + gap)
        position = max(position, offset + length)
        return offset
    }

    private func text(_ bytes: [UInt8], _ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private func key(_ number: UInt32) throws(DropError) -> String? {
        guard number > 0 else { return nil }
        guard Int(number) <= keys.count else { throw OperationReader.failure("an undefined key", 0, 0) }
        return keys[Int(number) - 1]
    }

    private func statement(
        _ verb: OperationVerb, _ head: OperationHead, _ bytes: [UInt8]
    ) throws(DropError) -> Statement {
        let word = try key(head.key)
        let (target, id) = (text(bytes, head.target), text(bytes, head.relationship))
        let span = bytes.span
        var reader = OperationReader(at: head.properties.lowerBound, end: head.properties.upperBound)
        var properties: [(Name, PropertyValue)] = []
        while let property = try reader.property(span) {
            guard let name = try key(property.key) else { throw reader.failure("a property without key") }
            properties.append(
                (
                    Name(name),
                    try PropertyValue(encoded: Array(bytes[(property.value.lowerBound - 1)..<property.value.upperBound]))
                ))
        }
        let kind: Statement.Kind =
            switch verb {
            case .upsertTwin, .upsertRelationship: .merge
            case .patchTwin: .patch
            case .replaceTwin, .replaceRelationship: .replace
            case .deleteTwin, .deleteRelationship: .delete
            }
        return Statement(
            kind: kind, isTwin: verb.rawValue <= OperationVerb.deleteTwin.rawValue, twin: Name(text(bytes, head.id)),
            id: Name(id.isEmpty ? "\(word ?? ""):\(target)" : id), word: word, target: target.isEmpty ? nil : Name(target),
            properties: properties, record: UInt64(records.count))
    }
}
