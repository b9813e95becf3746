import DropCore
import Synchronization

/// Numbers that are given out, and the head of history.
///
/// Any thread; `state` is locked for a few integers at a time, and nothing else is locked inside. What is committed in it changes
/// after COMMIT, on the writer's thread.
final class Numbers: Sendable {
    /// As committed; `nextTwin`, `nextRelationship` and `nextDrop` run ahead.
    struct State {
        var nextTwin: UInt32 = 1
        var nextRelationship: UInt32 = 1
        var nextDrop: UInt64 = 1
        var sequence: UInt64 = 0
        var nextRevision: UInt64 = 1
        /// Milliseconds since 1970 of the last commit; labels never run backwards.
        var lastTime: UInt64 = 0
        /// Units of 100 nanoseconds since 1970, of the last call of the twin service.
        var lastTicks: Int64 = 0
        var reservedDrops: [DropID: UInt64] = [:]
        /// Drops on their way that are known to be no repeated intake.
        var freshIntakes: Set<DropID> = []
    }

    let state = Mutex(State())

    func reserve(_ kind: NumberReservation.Kind, _ count: UInt32) -> UInt32 {
        state.withLock { counters in
            switch kind {
            case .twins:
                defer { counters.nextTwin += count }
                return counters.nextTwin
            case .relationships:
                defer { counters.nextRelationship += count }
                return counters.nextRelationship
            }
        }
    }

    func giveBack(_ kind: NumberReservation.Kind, from next: UInt32, to end: UInt32) {
        guard next < end else { return }
        state.withLock { counters in
            switch kind {
            case .twins: if counters.nextTwin == end { counters.nextTwin = next }
            case .relationships: if counters.nextRelationship == end { counters.nextRelationship = next }
            }
        }
    }

    func reserveDrop(_ drop: DropID) -> UInt64 {
        state.withLock { counters in
            if let known = counters.reservedDrops[drop] { return known }
            defer { counters.nextDrop += 1 }
            counters.reservedDrops[drop] = counters.nextDrop
            return counters.nextDrop
        }
    }

    /// A number for a call, of the same row as those of drops. One whose call comes to nothing is left out.
    func reserveCall() -> UInt64 {
        state.withLock { counters in
            defer { counters.nextDrop += 1 }
            return counters.nextDrop
        }
    }
}
