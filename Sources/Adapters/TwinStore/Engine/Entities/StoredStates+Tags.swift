import CodecKit
import DropCore
import GRDB

extension StoredStates {
    /// A weak tag that changes with every revision: `W/"…"`, shaped like a UUID, from the entity's number and its newest
    /// revision.
    func etag(_ entity: StoredEntity, kind: UInt64) -> String {
        func mix(_ value: UInt64) -> UInt64 {
            var value = value &+ 0x9E37_79B9_7F4A_7C15
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }
        let high = mix(UInt64(entity.number) << 1 | kind)
        let low = mix(high ^ mix(entity.record.revision))
        let all = Array(Hex.text(high) + Hex.text(low))
        let parts = [all[0..<8], all[8..<12], all[12..<16], all[16..<20], all[20..<32]].map { String($0) }
        return "W/\"\(parts.joined(separator: "-"))\""
    }

    /// The id of a twin by number, deleted ones included.
    func twinID(_ number: UInt32, _ database: Database) throws(DropError) -> String {
        let query = try RawStatement.cached(
            "SELECT id FROM twin WHERE no = ?1 UNION ALL SELECT id FROM gone WHERE kind = 0 AND no = ?1", database)
        query.bind(1, number)
        defer { query.reset() }
        return try query.step() ? query.text(0) : ""
    }

    /// When a drop was committed, in milliseconds since 1970; 0 for one that never was.
    func time(ofDrop number: UInt64, _ database: Database) throws(DropError) -> UInt64 {
        let query = try RawStatement.cached("SELECT time FROM drop_commit WHERE drop_no = ?", database)
        query.bind(1, Int64(number))
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : 0
    }
}
