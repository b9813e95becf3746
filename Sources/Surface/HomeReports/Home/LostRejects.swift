package import DropCore
import Evidence
import HomeConfiguration
package import TwinStore

/// Drops with refused records that nobody has corrected, and whose file of rejects is gone: it was not in the backup, or somebody
/// removed it. It can be made anew from the bytes of the drop.
package enum LostRejects {
    /// How many open drops are looked at: the newest.
    private static let openMax = 1000

    /// Whether the file is gone for certain.
    package static func includes(_ record: DropRecord, in home: Home) -> Bool {
        guard record.state.isApplied, record.closedBy == nil, let rejected = record.books?.recordsRejected, rejected > 0 else {
            return false
        }
        let name = RejectsFile(of: record, records: rejected).name
        return FileCalls.isMissing("\(home.paths.receipts)/\(record.source.text)/\(name)")
    }

    /// The newest first, without those that are older than receipts are kept (`retention.receipts`).
    package static func all(_ home: Home, _ store: TwinStore) throws(DropError) -> [DropRecord] {
        let kept = home.configuration.retention.receipts.map { UInt64(max(0, $0 / .milliseconds(1))) } ?? .max
        let now = WallClock.milliseconds()
        return try store.register.page(
            source: nil, states: nil, outcomes: nil, openRejects: true, before: nil, limit: openMax
        ).filter { now < $0.claimedAt || now - $0.claimedAt < kept }.filter { includes($0, in: home) }
    }

    /// What makes the file anew.
    package static func command(for record: DropRecord) -> String { "twindrop archive extract \(record.id) --into DIR --rejects" }
}
