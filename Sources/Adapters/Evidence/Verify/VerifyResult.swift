package import DropCore
package import TwinModel

/// One fault in an archive.
package struct VerifyFinding: Sendable, Equatable {
    package let code: Code
    /// One sentence that names the thing.
    package let message: String
    package var record: UInt64?
    package var container: String?
    package var drop: DropID?
    package var seal: String?

    package init(
        _ code: Code, _ message: String, record: UInt64? = nil, container: String? = nil, drop: DropID? = nil,
        seal: String? = nil
    ) {
        self.code = code
        self.message = message
        self.record = record
        self.container = container
        self.drop = drop
        self.seal = seal
    }
}

/// The proof that a drop's record is in the tree: hashing from `leaf` along `path` must give `root`.
package struct InclusionProof: Sendable, Equatable {
    package let drop: DropID
    /// The record's text as it is in the chain.
    package let recordText: String
    package let index: UInt64
    /// Size of the tree that `root` is of.
    package let size: UInt64
    package let leaf: ContentDigest
    /// From the leaf up; `left`: the sibling goes before the running hash.
    package let path: [(side: String, sibling: ContentDigest)]
    package let root: ContentDigest
    /// The seal that states `root`; nil if no seal covers the record yet.
    package let seal: String?

    package static func == (left: Self, right: Self) -> Bool { left.json == right.json }

    package var json: JSON {
        .object([
            .init("drop", .string(drop.description)), .init("record", .string(recordText)),
            .init("index", .int(Int64(clamping: index))), .init("size", .int(Int64(clamping: size))),
            .init("leaf", .string(leaf.description)),
            .init(
                "path",
                .array(
                    path.map { step in
                        .object([.init("side", .string(step.side)), .init("sibling", .string(step.sibling.description))])
                    })),
            .init("root", .string(root.description)), .init("seal", seal.map { .string($0) } ?? .null),
        ])
    }
}

/// What `verify` found.
package struct VerifyResult: Sendable, Equatable {
    package var full = false
    package var records: UInt64 = 0
    package var drops: UInt64 = 0
    /// The records of acts of people, by the acts' ids.
    package var acts: [DropID: UInt64] = [:]
    package var containers: UInt64 = 0
    /// Compressed bytes of the containers that were read.
    package var containerBytes: UInt64 = 0
    package var seals: UInt64 = 0
    /// Records that the newest seal covers.
    package var sealed: UInt64 = 0
    /// The tree's root over all records.
    package var root = ContentDigest(bytes: [UInt8](repeating: 0, count: 32))
    /// Bytes at the end of the chain that a running or interrupted writer has not made durable. They are not a finding.
    package var unpublishedBytes: UInt64 = 0
    package var findings: [VerifyFinding] = []
    package var proof: InclusionProof?

    /// The result before anything was checked.
    package init() {}

    package var isSound: Bool { findings.isEmpty }

    /// The form that docs/schemas/verify.schema.json describes.
    package var json: JSON {
        func count(_ name: String, _ value: UInt64) -> JSON.Member { .init(name, .int(Int64(clamping: value))) }
        return .object([
            .init("sound", .bool(isSound)), .init("full", .bool(full)), count("records", records), count("drops", drops),
            count("acts", UInt64(acts.count)),
            count("containers", containers), count("containerBytes", containerBytes), count("seals", seals),
            count("sealed", sealed), .init("root", .string(root.description)), count("unpublishedBytes", unpublishedBytes),
            .init("findings", .array(findings.map(\.json))), .init("proof", proof?.json ?? .null),
        ])
    }
}

extension VerifyFinding {
    package var json: JSON {
        var members: [JSON.Member] = [.init("code", .string(code.rawValue)), .init("message", .string(message))]
        if let record { members.append(.init("record", .int(Int64(clamping: record)))) }
        if let container { members.append(.init("container", .string(container))) }
        if let drop { members.append(.init("drop", .string(drop.description))) }
        if let seal { members.append(.init("seal", .string(seal))) }
        return .object(members)
    }
}
