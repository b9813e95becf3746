package import TwinModel

/// What a graph knows beyond the present: its state at an earlier moment, how it came about, and what still waits. Calls block,
/// and are safe from any thread.
package protocol GraphHistory: Sendable {
    /// The twin as the twin service shows it; nil if there was none. Errors: `pruned` if the history of `moment` is gone.
    func twin(_ id: String, asOf moment: Moment) throws(DropError) -> JSON?
    /// The relationships that started at a twin, as the twin service shows them; in the order of their ids.
    func relationships(of id: String, asOf moment: Moment) throws(DropError) -> [JSON]
    /// Calls `body` with every twin of a moment, those deleted since included, in no promised order. The callback must not use
    /// the store.
    func forEachTwin(asOf moment: Moment, _ body: (JSON) -> Void) throws(DropError)

    /// The life of a twin, newest first: of the one with this id now, then of those that had it before. At most `limit` steps.
    func history(_ id: String, limit: Int) throws(DropError) -> [HistoryStep]
    /// The life of a relationship of a twin. Its name has the pointer `/$relationshipName`, its target `/$targetId`.
    func history(ofRelationship id: String, of twin: String, limit: Int) throws(DropError) -> [HistoryStep]

    /// Relationships that wait for a twin, oldest first.
    func pending(limit: Int) throws(DropError) -> [PendingRelationship]
    /// Gives up relationships that have waited too long. Returns how many.
    @discardableResult
    func expirePending(now milliseconds: UInt64) throws(DropError) -> Int
}

/// The moment a question is about: order is the commit sequence, not the clock.
package enum Moment: Sendable, Equatable {
    case now
    /// After the commit with this number.
    case sequence(UInt64)
    /// After the last commit at or before this time, in milliseconds since 1970.
    case time(UInt64)
}

/// Where a change came from.
package struct Provenance: Sendable, Equatable {
    package enum Origin: Sendable, Equatable {
        case record(RecordOrigin)
        case call(CallOrigin)
    }

    /// A record of a dropped file.
    package struct RecordOrigin: Sendable, Equatable {
        package let drop: DropID
        package let source: SourceName
        package let fileName: FileName
        /// The file that this one corrects: the record is the one of that file with this number.
        package let corrects: FileName?
        /// Number of the record in the file, from 1; 0 if no record said it (absent from a snapshot).
        package let record: UInt64
        /// Identifier and version of the plugin; nil if the drop has none.
        package let plugin: String?

        package init(
            drop: DropID, source: SourceName, fileName: FileName, corrects: FileName? = nil, record: UInt64, plugin: String?
        ) {
            (self.drop, self.source, self.fileName, self.corrects) = (drop, source, fileName, corrects)
            (self.record, self.plugin) = (record, plugin)
        }
    }

    /// A call of the twin service.
    package struct CallOrigin: Sendable, Equatable {
        package let caller: Caller
        /// What was called: `put twin`.
        package let what: String

        package init(caller: Caller, what: String) { (self.caller, self.what) = (caller, what) }
    }

    package let origin: Origin
    package let sequence: UInt64
    /// Milliseconds since 1970.
    package let time: UInt64

    package init(origin: Origin, sequence: UInt64, time: UInt64) {
        (self.origin, self.sequence, self.time) = (origin, sequence, time)
    }

    /// The record, where it was one.
    package var record: RecordOrigin? { if case .record(let origin) = origin { origin } else { nil } }

    /// The call, where it was one.
    package var call: CallOrigin? { if case .call(let origin) = origin { origin } else { nil } }
}

/// One step in the life of a twin or relationship.
package struct HistoryStep: Sendable, Equatable {
    package enum Kind: String, Sendable { case created, updated, deleted }

    /// A property that changed; nil means no value. The model has the pointer `/$metadata/$model`.
    package struct Change: Sendable, Equatable {
        package let pointer: String
        package let before: JSON?
        package let after: JSON?

        package init(pointer: String, before: JSON?, after: JSON?) {
            (self.pointer, self.before, self.after) = (pointer, before, after)
        }
    }

    package let kind: Kind
    package let provenance: Provenance
    package let changes: [Change]

    package init(kind: Kind, provenance: Provenance, changes: [Change]) {
        (self.kind, self.provenance, self.changes) = (kind, provenance, changes)
    }
}

/// A relationship that waits for a twin.
package struct PendingRelationship: Sendable, Equatable {
    package let source: SourceName
    package let drop: DropID
    package let record: UInt64
    package let sourceID: String
    package let name: String
    package let targetID: String
    package let id: String
    /// Milliseconds since 1970.
    package let expires: UInt64

    package init(
        source: SourceName, drop: DropID, record: UInt64, sourceID: String, name: String, targetID: String, id: String,
        expires: UInt64
    ) {
        (self.source, self.drop, self.record) = (source, drop, record)
        (self.sourceID, self.name, self.targetID, self.id) = (sourceID, name, targetID, id)
        self.expires = expires
    }
}
