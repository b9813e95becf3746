import Logging
import TwinModel

/// Log lines on stderr: readable on a terminal, JSON (one object a line) elsewhere. Messages are constant; facts are metadata.
struct LogLines: LogHandler {
    enum Format: String, Sendable { case auto, text, json }

    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    private let label: String
    private let asJSON: Bool

    init(label: String, format: Format, level: Logger.Level) {
        self.label = label
        logLevel = level
        asJSON =
            switch format {
            case .auto: !Terminal.errorsAreInteractive
            case .text: false
            case .json: true
            }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        let time = Times.text(WallClock.milliseconds())
        if asJSON {
            let head: [JSON.Member] = [
                .init("time", .string(time)), .init("level", .string(event.level.rawValue)),
                .init("message", .string(event.message.description)),
            ]
            Terminal.error(JSON.object(head + facts.map { .init($0.key, Self.json($0.key, $0.value.description)) }))
        } else {
            let tail = facts.map { "\($0.key)=\(Self.quoted($0.value.description))" }.joined(separator: " ")
            Terminal.error("\(time) \(event.level.rawValue.uppercased()) \(event.message)\(tail.isEmpty ? "" : "  " + tail)")
        }
    }

    /// Facts that are numbers, and are numbers in JSON too.
    private static let numbers: Set<String> = [
        "bytes", "bytes.read", "count", "drops", "files", "models", "records", "records.second", "revisions",
    ]

    private static func json(_ key: String, _ text: String) -> JSON {
        numbers.contains(key) ? Int64(text).map { .int($0) } ?? .string(text) : .string(text)
    }

    /// A value that would run into the next fact stands in quotation marks.
    private static func quoted(_ text: String) -> String {
        guard text.isEmpty || text.utf8.contains(where: { [0x20, 0x22, 0x3D].contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"") + "\""
    }
}
