/// Of a drop that leaves word of what it spoke of: the properties it named, and what it deleted. Pure.
struct SpokenNames {
    /// Global keys that all its statements about twins have; nil before the first.
    private(set) var commonKeys: Set<UInt32>?
    /// Those that any has.
    private(set) var allKeys: Set<UInt32> = []
    /// The names of what it deleted, each with a NUL behind it (`Lateness.Later.deletes`).
    private(set) var deleted: [UInt8] = []

    /// Notes the properties that a statement about a twin has.
    mutating func note(_ keys: Set<UInt32>) {
        commonKeys = commonKeys?.intersection(keys) ?? keys
        allKeys.formUnion(keys)
    }

    mutating func noteDelete(ofTwin id: [UInt8]) { deleted += id + [0] }

    mutating func noteDelete(ofRelationship id: [UInt8], of twin: [UInt8]) { deleted += twin + [1] + id + [0] }
}
