package import DropCore
import Foundation
package import Pipeline
import TwinModel

/// `state/suspended.json`: which sources the last run suspended, and why, so that commands know it when no daemon runs.
package struct SuspensionFile {
    package struct Known: Equatable {
        package let reason: WaitingReason
        /// Milliseconds since 1970.
        package let since: UInt64
    }

    private let path: String

    /// - Parameter state: the state folder, absolute.
    package init(state: String) { path = state + "/suspended.json" }

    /// Empty where there is no such file, or none that can be read: then it only tells less.
    package func read() -> [SourceName: Known] {
        guard let data = FileManager.default.contents(atPath: path), let json = try? JSON(parsing: Array(data)) else {
            return [:]
        }
        var known: [SourceName: Known] = [:]
        for one in json.elements ?? [] {
            guard let source = one["source"]?.string.flatMap({ SourceName($0) }), let message = one["sentence"]?.string else {
                continue
            }
            known[source] = Known(
                reason: WaitingReason(.sourceSuspended, message, hint: one["next"]?.string),
                since: UInt64(max(0, one["since"]?.int ?? 0)))
        }
        return known
    }

    /// Replaces what is there. A file that cannot be written is missed by commands only; the daemon itself goes by what it knows.
    package func write(_ suspensions: [SourceName: Suspension]) {
        let all = suspensions.sorted { $0.key < $1.key }.map { source, why -> JSON in
            .object(
                [.init("source", .string(source.text))] + WaitingReport.suspension(why.error).members
                    + [.init("since", .int(Int64(clamping: why.since)))])
        }
        if all.isEmpty {
            try? FileManager.default.removeItem(atPath: path)
            return
        }
        let beside = path + ".new"
        guard FileManager.default.createFile(atPath: beside, contents: Data((JSON.array(all).text() + "\n").utf8)) else { return }
        try? FileCalls.rename(beside, to: path)
    }
}
