import DropCore

/// Where a drop stands among those of its source: the key its file name has by `sequence` (empty where the source has none), then
/// the number of the drop; an amendment stands where the drop it amends stands.
struct DeliveryPlace: Equatable {
    var key: String
    var number: UInt64
}

/// What a drop left word of: what it spoke of, and where it stands among those of its source.
struct DeliveredRow {
    let drop: UInt64
    let scope: String
    let kind: DeliveredKind
    let twins: NumberRuns
    let relationships: NumberRuns
    /// What it deleted by name, whether it was there or not: ids of twins, and of relationships behind their twin's and a 1.
    /// Behind their twin's and a 2 the relationships it stated that waited.
    let names: Set<[UInt8]>
    /// Global keys that each of its statements about a twin has, and those that any has.
    let keys: Set<UInt32>
    let allKeys: Set<UInt32>
}

/// What a delivered drop was.
enum DeliveredKind: Int64 {
    case increment = 0
    /// A complete list that withheld nothing, or whose refused records have all been corrected.
    case snapshot = 1
    /// A list of which something is not known.
    case openSnapshot = 2
}
