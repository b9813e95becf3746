import DropCore

/// The Merkle tree hash of RFC 9162, section 2.1, over chain records in order.
///
/// Only the roots of the complete subtrees are kept (one per bit of the size), so that an append costs a few hashes.
struct MerkleTree: Equatable {
    private(set) var size: UInt64 = 0
    /// Roots of complete subtrees, the largest first: one for each bit that is set in `size`.
    private(set) var peaks: [ContentDigest] = []

    init() {}

    /// The tree that had these subtree roots; nil unless they are as many as `size` has bits set.
    init?(size: UInt64, peaks: [ContentDigest]) {
        guard size.nonzeroBitCount == peaks.count else { return nil }
        self.size = size
        self.peaks = peaks
    }

    mutating func append(leaf: ContentDigest) {
        var node = leaf
        var bits = size
        while bits & 1 == 1 {
            node = Self.node(peaks.removeLast(), node)
            bits >>= 1
        }
        peaks.append(node)
        size += 1
    }

    /// The root; of an empty tree, the SHA-256 of nothing.
    var root: ContentDigest {
        guard var root = peaks.last else { return StreamHash.digest(of: []) }
        for peak in peaks.dropLast().reversed() { root = Self.node(peak, root) }
        return root
    }

    /// SHA-256(0x00 ‖ record)
    static func leaf(_ record: ArraySlice<UInt8>) -> ContentDigest {
        StreamHash.digest(of: [0] + record)
    }

    /// SHA-256(0x01 ‖ left ‖ right)
    static func node(_ left: ContentDigest, _ right: ContentDigest) -> ContentDigest {
        StreamHash.digest(of: [1] + left.bytes + right.bytes)
    }

    /// One step of a proof: hash the running value with `sibling`, which is at `side`.
    struct Step: Equatable {
        enum Side: String { case left, right }

        let side: Side
        let sibling: ContentDigest
    }

    /// The inclusion path (RFC 9162, section 2.1.3.1) of `index` in the tree over `leaves`, from the leaf up.
    static func path(to index: Int, in leaves: ArraySlice<ContentDigest>) -> [Step] {
        guard leaves.count > 1 else { return [] }
        var half = 1
        while half * 2 < leaves.count { half *= 2 }
        let middle = leaves.startIndex + half
        if index < half {
            return path(to: index, in: leaves[..<middle]) + [Step(side: .right, sibling: root(of: leaves[middle...]))]
        }
        return path(to: index - half, in: leaves[middle...]) + [Step(side: .left, sibling: root(of: leaves[..<middle]))]
    }

    /// The root that `path` leads to from `leaf`.
    static func root(from leaf: ContentDigest, along path: [Step]) -> ContentDigest {
        path.reduce(leaf) { $1.side == .left ? node($1.sibling, $0) : node($0, $1.sibling) }
    }

    private static func root(of leaves: ArraySlice<ContentDigest>) -> ContentDigest {
        var tree = MerkleTree()
        for leaf in leaves { tree.append(leaf: leaf) }
        return tree.root
    }
}
