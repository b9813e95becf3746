import HomeConfiguration
import HomeReports
import DropCore
import Evidence
import Foundation
import Logging
import ThreadKit
import TwinStore

/// What is done while nothing else is: the write-ahead log goes into the database, waiting relationships expire, old history and
/// old receipts go, as far as the configuration says so.
final class Maintenance: Sendable {
    private struct Due {
        var reservation: UInt64?
        var expiry: UInt64 = 0
        var pruning: UInt64 = 0
    }

    private let store: TwinStore
    private let retention: Retention
    private let receipts: String
    private let log: Logger
    private let due = Monitor(Due())

    /// A run that ends sooner makes no room for commits to come. Units: milliseconds.
    private static let reservationDelay: UInt64 = 2000

    init(store: TwinStore, retention: Retention, receipts: String, log: Logger) {
        self.store = store
        self.retention = retention
        self.receipts = receipts
        self.log = log
    }

    /// Called while idle, with the label time in milliseconds since 1970.
    @Sendable func maintain(_ now: UInt64) throws(DropError) {
        let (expires, prunes, reserves) = due.with { due in
            due.reservation = due.reservation ?? now + Self.reservationDelay
            defer {
                if due.expiry <= now { due.expiry = now + 60_000 }
                if due.pruning <= now { due.pruning = now + 3_600_000 }
            }
            return (due.expiry <= now, due.pruning <= now, due.reservation! <= now)
        }
        try store.maintenance.tendLog(reserving: reserves)
        if expires { try expire(now) }
        if prunes { try prune(now) }
    }

    private func expire(_ now: UInt64) throws(DropError) {
        let count = try store.history.expirePending(now: now)
        if count > 0 {
            log.warning("Relationships waited too long for a twin and were given up.", metadata: ["count": .number(count)])
        }
    }

    private func prune(_ now: UInt64) throws(DropError) {
        if let age = retention.revisions {
            let count = try store.maintenance.prune(before: Self.time(now, minus: age))
            if count > 0 { log.info("Old history was removed.", metadata: ["revisions": .number(count)]) }
        }
        if let age = retention.receipts {
            let count = removeReceipts(before: Self.time(now, minus: age))
            if count > 0 { log.info("Old receipts were removed.", metadata: ["files": .number(count)]) }
        }
    }

    private static func time(_ now: UInt64, minus age: Duration) -> UInt64 {
        let milliseconds = UInt64(max(0, age / .milliseconds(1)))
        return now > milliseconds ? now - milliseconds : 0
    }

    /// Removes receipts and rejects of drops that were claimed before a time, which their ids tell, and their second names.
    private func removeReceipts(before time: UInt64) -> Int {
        let files = FileManager.default
        var count = 0
        // A folder or file that cannot be read or removed stays for the next time; it does no harm.
        for source in (try? files.contentsOfDirectory(atPath: receipts)) ?? [] {
            let folder = receipts + "/" + source
            for name in (try? files.contentsOfDirectory(atPath: folder)) ?? [] {
                let path = folder + "/" + name
                guard let drop = DropID(name.prefix(26)) ?? ReceiptWriter.drop(ofReceiptAt: path), drop.milliseconds < time
                else { continue }
                if (try? files.removeItem(atPath: path)) != nil { count += 1 }
            }
        }
        return count
    }
}
