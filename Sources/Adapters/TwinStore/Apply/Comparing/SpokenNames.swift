/// Of a drop that leaves word of what it spoke of: the properties it named, and what it deleted. Pure.
struct SpokenNames {
    /// Global keys that all its statements about twins have; nil before the first.
    private(set) var commonKeys: Set<UInt32>?
    /// Those that any has.
    private(set) var allKeys: Set<UInt32> = []
    /// The names of what it deleted, each with a NUL behind it (`DeliveredRow.names`).
    private(set) var deleted: [UInt8] = []

    /// Notes the properties that a statement about a twin has.
    mutating func note(_ keys: Set<UInt32>) {
        commonKeys = commonKeys?.intersection(keys) ?? keys
        allKeys.formUnion(keys)
    }

    mutating func noteDelete(ofTwin id: [UInt8]) { deleted += id + [0] }

    mutating func noteDelete(ofRelationship id: [UInt8], of twin: [UInt8]) { deleted += Self.deleted(id, of: twin) + [0] }

    /// The name of a relationship that was deleted.
    static func deleted(_ id: [UInt8], of twin: [UInt8]) -> [UInt8] { twin + [1] + id }

    /// The name of one that was stated, and waited.
    static func waiting(_ id: [UInt8], of twin: [UInt8]) -> [UInt8] { twin + [2] + id }
}
