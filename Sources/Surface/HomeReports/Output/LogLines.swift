package import Logging
package import TwinModel

/// Log lines on stderr: readable on a terminal, JSON (one object a line) elsewhere. Messages are constant; facts are metadata.
package struct LogLines: LogHandler {
    package enum Format: String, Sendable { case auto, text, json }

    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level = .info
    private let label: String
    private let asJSON: Bool

    package init(label: String, format: Format, level: Logger.Level) {
        self.label = label
        logLevel = level
        asJSON =
            switch format {
            case .auto: !Terminal.errorsAreInteractive
            case .text: false
            case .json: true
            }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        let time = Times.text(WallClock.milliseconds())
        if asJSON {
            let head: [JSON.Member] = [
                .init("time", .string(time)), .init("level", .string(event.level.rawValue)),
                .init("message", .string(event.message.description)),
            ]
            Terminal.error(JSON.object(head + facts.map { .init($0.key, Self.json($0.value)) }))
        } else {
            let tail = facts.map { "\($0.key)=\(Self.text($0.value.description))" }.joined(separator: " ")
            Terminal.error("\(time) \(event.level.rawValue.uppercased()) \(event.message)\(tail.isEmpty ? "" : "  " + tail)")
        }
    }

    /// Numbers and flags are what they are; all else is text.
    package static func json(_ value: Logger.MetadataValue) -> JSON {
        switch value {
        case .string(let text): .string(text)
        case .array(let values): .array(values.map(json))
        case .dictionary(let values): .object(values.sorted { $0.key < $1.key }.map { .init($0.key, json($0.value)) })
        case .stringConvertible(let fact):
            switch fact {
            case let flag as Bool: .bool(flag)
            case let number as any BinaryInteger: .int(Int64(clamping: number))
            case let number as Double: .double(number)
            default: .string(fact.description)
            }
        }
    }

    /// In quotes, as JSON has them, where a reader could not tell its end otherwise.
    package static func text(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
        return isPlain && !value.isEmpty ? value : JSON.string(value).text()
    }
}

extension Logger.MetadataValue {
    /// A number, written as one.
    package static func number(_ value: some BinaryInteger & Sendable) -> Self { .stringConvertible(Int64(clamping: value)) }

    package static func number(_ value: Double) -> Self { .stringConvertible(value) }
}
