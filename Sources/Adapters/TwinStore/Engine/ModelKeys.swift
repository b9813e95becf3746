/// Some of the graph's models, by global key.
struct ModelKeys: Equatable {
    private(set) var members: [Bool] = []
    private(set) var isEmpty = true

    mutating func insert(_ key: UInt32) {
        isEmpty = false
        if members.count <= Int(key) { members += Array(repeating: false, count: Int(key) + 1 - members.count) }
        members[Int(key)] = true
    }

    @inline(__always)
    func contains(_ key: UInt32) -> Bool { Int(key) < members.count && members[Int(key)] }

    func intersection(_ other: ModelKeys) -> ModelKeys {
        var result = ModelKeys()
        for (key, isMember) in members.enumerated() where isMember && other.contains(UInt32(key)) { result.insert(UInt32(key)) }
        return result
    }
}
