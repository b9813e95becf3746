package import TwinModel

extension PropertyValue {
    /// A JSON value as a store keeps it: typed as its schema is where the typed form prints just the same, so that what a file
    /// and what a caller says of one thing are equal.
    package init(_ json: JSON, _ schema: DTDLSchema?) {
        switch (json, schema) {
        case (.null, _): self = .json(.null)
        case (.bool(let value), _): self = .bool(value)
        case (.int(let number), _): self = .integer(number)
        case (.double(let number), _): self = .double(number)
        case (.array, _), (.object, _): self = .json(json)
        case (.string(let text), .primitive(.dateTime)?):
            self = CalendarText.exactDateTime(text).map { .dateTime(microseconds: $0, offsetMinutes: $1) } ?? .text(text)
        case (.string(let text), .primitive(.date)?):
            self = CalendarText.exactDate(text).map { .date(days: $0) } ?? .text(text)
        case (.string(let text), _): self = .text(text)
        }
    }

    /// A text may hold no NUL; inside JSON it is escaped.
    private static func text(_ text: String) -> PropertyValue {
        text.utf8.contains(0) ? .json(.string(text)) : .string(text)
    }
}
