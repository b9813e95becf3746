package import DropCore
package import Logging

/// What a log line says of a drop: the same keys in every line.
package struct DropFactsForLog {
    private let record: DropRecord

    package init(_ record: DropRecord) { self.record = record }

    package var metadata: Logger.Metadata {
        var facts: Logger.Metadata = [
            "drop.id": "\(record.id)", "source": "\(record.source)", "file": "\(record.fileName)",
            "state": "\(record.state.rawValue)", "bytes": .number(record.bytes),
            "seconds": .number(Double(Int64(clamping: record.changedAt) - Int64(clamping: record.claimedAt)) / 1000),
        ]
        if let outcome = record.outcome { facts["outcome"] = "\(outcome.rawValue)" }
        if let books = record.books {
            facts["records"] = .number(books.recordsRead)
            facts["rejected"] = .number(books.recordsRejected)
            if record.state.isApplied { facts["changes"] = .number(books.changes) }
            if let withheld = books.withheld { facts["withheld"] = "\(withheld)" }
        }
        if let reason = record.reason {
            facts["reason"] = "\(reason.message)"
            facts["reason.code"] = "\(reason.code)"
        }
        if let closing = record.closedBy {
            facts["closed.by"] = "\(closing.drop)"
            facts["closed.how"] = "\(closing.how.rawValue)"
        }
        if let plugin = record.plugin { facts["plugin.id"] = "\(plugin.pluginID)" }
        return facts
    }
}
