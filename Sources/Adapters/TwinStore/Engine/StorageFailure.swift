import DropCore
import GRDB

/// Turns what SQLite reports into what the caller should do (docs/failure-model.md, "Database" and "Errors from storage").
enum StorageFailure {
    static func error(_ error: any Error) -> DropError {
        if let known = error as? DropError { return known }
        if let database = error as? DatabaseError {
            return Self.error(database.extendedResultCode.rawValue, database.message ?? "no message")
        }
        return DropError(.storage, "The twin database failed: \(error).", hint: stopHint, remedy: .stop)
    }

    static func error(_ code: Int32, _ message: String) -> DropError {
        switch code & 0xFF {
        case 13:  // SQLITE_FULL
            DropError(
                .diskFull, "The twin database cannot grow: \(message).", hint: "Free some space; the work is tried again.",
                remedy: .retry(after: .seconds(1)))
        case 5, 6:  // SQLITE_BUSY, SQLITE_LOCKED
            DropError(
                .busy, "The twin database is in use by somebody else: \(message).",
                hint: "Close other programs that have state/twin.db open.", remedy: .retry(after: .seconds(1)))
        case 9:  // SQLITE_INTERRUPT
            DropError(.interrupted, "The query was interrupted.", hint: "Ask for less.", remedy: .retry(after: .seconds(1)))
        case 11, 26:  // SQLITE_CORRUPT, SQLITE_NOTADB: also where its log is gone, which had a part of it
            DropError(
                .damaged, "The twin database is damaged (SQLite \(code)): \(message).",
                hint: "Put state/twin.db and state/twin.db-wal back as they were, or restore the newest backup with "
                    + "`twindrop restore FILE`. If there is none, move both away: `twindrop run --accept-database` starts with an "
                    + "empty graph.",
                remedy: .stop)
        default:
            DropError(.storage, "The twin database failed (SQLite \(code)): \(message).", hint: stopHint, remedy: .stop)
        }
    }

    static func damaged(_ what: String) -> DropError {
        DropError(.storage, "The twin database is damaged: \(what).", hint: stopHint, remedy: .stop)
    }

    static func otherVersion(_ version: Int, known: Int) -> DropError {
        DropError(
            .storage, "The twin database has schema \(version); this program knows \(known).",
            hint: version < known
                ? "Start `twindrop run`, or `twindrop run --once`, once: it brings the database up to date."
                : "A newer version wrote it: use that one, or restore a backup made by this one.",
            remedy: .stop)
    }

    private static let stopHint =
        "Check the disk and its file system, then start again. `twindrop doctor` says what is damaged, and "
        + "`twindrop restore FILE` puts a backup in place."
}
