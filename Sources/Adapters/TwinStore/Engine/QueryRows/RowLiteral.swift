import TwinModel

/// A value of a query, ready to be compared with bytes.
enum RowLiteral {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case text([UInt8])

    init(_ json: JSON) {
        switch json {
        case .bool(let value): self = .bool(value)
        case .int(let number): self = .integer(number)
        case .double(let number): self = .double(number)
        case .string(let text): self = .text(Array(text.utf8))
        case .null, .array, .object: self = .null
        }
    }

    var json: JSON {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let number): .int(number)
        case .double(let number): .double(number)
        case .text(let bytes): .string(String(decoding: bytes, as: UTF8.self))
        }
    }
}

extension RawStatement {
    /// Binds a value of a query as SQLite has it.
    func bind(_ index: Int32, _ literal: RowLiteral) {
        switch literal {
        case .null: bindNull(index)
        case .bool(let value): bind(index, Int64(value ? 1 : 0))
        case .integer(let number): bind(index, number)
        case .double(let number): bind(index, number)
        case .text(let bytes): bind(text: index, bytes)
        }
    }
}
