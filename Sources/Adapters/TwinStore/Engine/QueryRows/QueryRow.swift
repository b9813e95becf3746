import DropCore
import TwinModel

/// What one variable of a query is bound to: a twin or a relationship, its record as bytes. Used again from row to row.
final class QueryRow {
    let kind: Query.Variable.Kind
    var number: UInt32 = 0
    /// Model of a twin, name of a relationship: a global key.
    var key: UInt32 = 0
    var id: [UInt8] = []
    var record: [UInt8] = []
    var source: UInt32 = 0
    var target: UInt32 = 0
    /// False while only the number is known.
    var isLoaded = false
    /// True when a relationship's name and ends are known, loaded or not.
    var hasEnds = false
    /// The whole as JSON, once somebody asked for it.
    var document: JSON?

    init(_ kind: Query.Variable.Kind) { self.kind = kind }

    /// Binds another number.
    func bind(_ number: UInt32) {
        self.number = number
        isLoaded = false
        hasEnds = false
        document = nil
    }

    /// Binds a relationship that was followed.
    func bind(_ link: GraphLink) {
        bind(link.number)
        (key, source, target, hasEnds) = (link.name, link.source, link.target, true)
    }

    /// Binds a whole entity.
    func bind(_ entity: StoredEntity) {
        bind(entity.number)
        key = entity.key
        id = Array(entity.id.utf8)
        record = entity.record.encoded()
        source = entity.source
        target = entity.target
        isLoaded = true
    }

    /// Takes what a cursor stands at.
    @inline(__always)
    func take(_ cursor: EntityCursor) {
        cursor.copyID(into: &id)
        key = cursor.key
        cursor.copyRecord(into: &record)
        if kind == .relationship { (source, target) = (cursor.source, cursor.target) }
        isLoaded = true
    }

    func entity() throws(DropError) -> StoredEntity {
        StoredEntity(
            number: number, id: String(decoding: id, as: UTF8.self), key: key, source: source, target: target,
            record: try TwinRecord(record))
    }
}
