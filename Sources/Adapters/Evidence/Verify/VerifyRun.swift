import CodecKit
import DropCore
import TwinModel

/// One pass over the chain. Memory grows with the number of drops (their ids and digests), not with their bytes.
struct VerifyRun {
    private let places: ArchivePlaces
    private let prove: DropID?
    private let head: ChainHead?
    private let seals: SealRow
    private let register: RegisteredArchive?
    /// Somebody wrote to the chain when the pass began.
    private var isWritten = false
    private var result = VerifyResult()

    private var tree = MerkleTree()
    private var nextSeal = 0
    private var leaves: [ContentDigest] = []
    private var proofRecord: (index: Int, text: String)?

    private var expectedIndex: UInt64 = 0
    /// Indexes that were skipped and have not turned up since.
    private var skipped: Set<UInt64> = []
    /// The leaf that the next record must name; nil after damage, when any leaf is accepted.
    private var lastLeaf: ContentDigest? = ChainRecord.origin
    private var lastTime: UInt64 = 0
    /// False when the chain itself is damaged: the consequences are not reported again.
    private var chainIsSound = true

    private var closed: [DropID: ContentDigest] = [:]
    private var containers: Set<String> = []
    private var open: (record: ChainRecord, drops: [ChainRecord], offset: UInt64)?

    init(places: ArchivePlaces, full: Bool, prove: DropID?, head: ChainHead?, seals: SealRow, register: RegisteredArchive?) {
        self.places = places
        self.prove = prove
        self.head = head
        self.seals = seals
        self.register = register
        result.full = full
        result.findings = seals.findings
    }

    /// Reads the chain, and each container where its records end.
    mutating func chain(_ progress: (UInt64) -> Void) throws(DropError) {
        guard try Storage.exists(places.chain) else {
            find(VerifyFinding(.chainMissing, "chain.log is missing."))
            return
        }
        let opened = try VerifyFinding.collecting(into: &result.findings, .chainUnreadable, "chain.log") {
            () throws(DropError) in
            try StorageFile(places.chain, .read)
        }
        guard let file = opened else { return }
        isWritten = file.isWritten
        let size = try file.size()
        if let head, size < head.bytes {
            find(
                VerifyFinding(.chainTruncated, "chain.log has \(size) bytes; \(head.bytes) were durable: its end was cut off."))
        }
        var reader = try ChainReader(file)
        while let line = try next(&reader) {
            if line.text == nil, !line.isEnded {
                torn(line)
            } else if let text = line.text, let record = ChainRecord(parsing: text) {
                try take(record, text, at: line.offset, progress)
            } else {
                damage(
                    VerifyFinding(
                        line.text == nil ? .recordDamaged : .recordAltered,
                        "chain.log bytes \(line.offset) to \(line.end): record \(expectedIndex) is not as it was written.",
                        record: expectedIndex))
                lastLeaf = nil
                expectedIndex += 1
            }
        }
        try closeContainer(progress)
        missing()
        isWritten = isWritten || file.isWritten
        behindHead(end: max(size, reader.end))
    }

    /// Bytes after the head are being written just now, or come from an interrupted run or a stranger.
    private mutating func behindHead(end: UInt64) {
        guard let head, !isWritten, chainIsSound, end > head.bytes else { return }
        find(
            VerifyFinding(
                .chainUnfinished,
                "chain.log has \(end - head.bytes) bytes after the \(head.bytes) that its writer made durable, and nobody writes to "
                    + "it: a run was interrupted, or somebody else wrote them. The next start of `twindrop run` settles the first."
            ))
    }

    /// Adds what was found before the pass.
    mutating func note(_ findings: [VerifyFinding]) { result.findings += findings }

    /// The next line; nil at the end, and if the rest cannot be read.
    private mutating func next(_ reader: inout ChainReader) throws(DropError) -> ChainReader.Line? {
        let line = try VerifyFinding.collecting(into: &result.findings, .chainUnreadable, "chain.log") { () throws(DropError) in
            try reader.next()
        }
        return line ?? nil
    }

    private mutating func torn(_ line: ChainReader.Line) {
        if let head, line.offset >= head.bytes {
            result.unpublishedBytes = line.bytes
        } else {
            damage(
                VerifyFinding(
                    .chainTorn, "chain.log ends within record \(expectedIndex), at byte \(line.offset).", record: expectedIndex)
            )
        }
    }

    private mutating func take(
        _ record: ChainRecord, _ text: ArraySlice<UInt8>, at offset: UInt64, _ progress: (UInt64) -> Void
    ) throws(DropError) {
        let leaf = MerkleTree.leaf(text)
        order(record)
        if let lastLeaf, record.previous != lastLeaf {
            damage(
                VerifyFinding(
                    .recordAltered,
                    "Record \(record.index) does not continue the one before it: that one was changed, or records between them "
                        + "were removed or inserted.", record: record.index))
        }
        lastLeaf = leaf
        tree.append(leaf: leaf)
        result.records += 1
        if prove != nil { leaves.append(leaf) }
        if record.at.milliseconds < lastTime {
            find(VerifyFinding(.recordTime, "Record \(record.index) is dated before the one before it.", record: record.index))
        }
        lastTime = record.at.milliseconds
        if record.index == 0, record.kind != .archive || record.extra?["format"] != 1 {
            find(
                VerifyFinding(
                    .formatUnknown, "The archive is of no format that this version knows (format 1): use a newer TwinDrop.",
                    record: 0))
        }
        try content(record, text, at: offset, progress)
        try compare(record)
        seal()
    }

    /// Compares a record that closes a drop with the row of the drop in the database.
    private mutating func compare(_ record: ChainRecord) throws(DropError) {
        guard let register, record.kind.closesDrop, let drop = record.drop, let row = try register.drop(drop) else { return }
        var differences: [String] = []
        func differ(_ what: String, _ known: String?, _ said: String?) {
            if let known, let said, !known.utf8.elementsEqual(said.utf8) {
                differences.append("\(what) \(said) in place of \(known)")
            }
        }
        differ("the SHA-256", row.digest?.description, record.content?.description)
        differ("bytes:", String(row.bytes), record.bytes.map { String($0) })
        differ("the source", row.source.text, record.source?.text)
        differ("the file", row.fileName.description, record.file)
        differ("the container", row.container, record.container)
        guard !differences.isEmpty else { return }
        find(
            VerifyFinding(
                .registerDiffers,
                "Drop \(drop): the archive has \(differences.joined(separator: ", ")), which the database knows.",
                record: record.index,
                container: record.container, drop: drop))
    }

    /// Checks whether the record is in its right place.
    private mutating func order(_ record: ChainRecord) {
        if record.index == expectedIndex {
            expectedIndex += 1
        } else if record.index > expectedIndex, record.index - expectedIndex <= 1 << 20, skipped.count < 1 << 20 {
            skipped.formUnion(expectedIndex..<record.index)
            chainIsSound = false
            expectedIndex = record.index + 1
            lastLeaf = nil
        } else if skipped.remove(record.index) != nil {
            damage(VerifyFinding(.recordMoved, "Record \(record.index) is out of order.", record: record.index))
            lastLeaf = nil
        } else {
            damage(
                VerifyFinding(
                    .recordInserted, "Record \(record.index) is where record \(expectedIndex) belongs.",
                    record: record.index))
            lastLeaf = nil
        }
    }

    private mutating func content(
        _ record: ChainRecord, _ text: ArraySlice<UInt8>, at offset: UInt64, _ progress: (UInt64) -> Void
    ) throws(DropError) {
        if record.kind == .container {
            try closeContainer(progress)
            open = (record, [], offset)
        }
        act(record)
        guard record.kind.closesDrop, let drop = record.drop, let content = record.content else { return }
        result.drops += 1
        if drop == prove, proofRecord == nil { proofRecord = (leaves.count - 1, String(decoding: text, as: UTF8.self)) }
        if closed.updateValue(content, forKey: drop) != nil, chainIsSound {
            find(VerifyFinding(.dropTwice, "Drop \(drop) is closed twice.", record: record.index, drop: drop))
        }
        if let same = record.same, closed[same] != content, chainIsSound {
            find(
                VerifyFinding(
                    .sameUnknown, "The drop that holds the bytes of drop \(drop) is not in the archive.", record: record.index,
                    drop: drop))
        }
        if open?.record.container == record.container {
            open?.drops.append(record)
        } else if chainIsSound {
            find(
                VerifyFinding(
                    .recordContainer, "Record \(record.index) names a container that is not the last one.",
                    record: record.index, drop: drop))
        }
    }

    /// Checks that the record of an act says who did what, and is there only once.
    private mutating func act(_ record: ChainRecord) {
        guard record.kind == .act else { return }
        if let lack = record.lackOfAct, chainIsSound {
            find(
                VerifyFinding(
                    .actIncomplete, "Record \(record.index) is the act of a person and does not say \(lack).",
                    record: record.index, drop: record.drop))
        }
        guard let id = record.actID else { return }
        if result.acts.updateValue(record.index, forKey: id) != nil, chainIsSound {
            find(VerifyFinding(.actTwice, "The act \(id) is recorded twice.", record: record.index, drop: record.drop))
        }
    }

    /// Compares the tree with the seals, the anchor and the head of its present size.
    private mutating func seal() {
        while nextSeal < seals.seals.count, seals.seals[nextSeal].seal.size <= tree.size {
            let (name, seal) = seals.seals[nextSeal]
            nextSeal += 1
            result.seals += 1
            result.sealed = seal.size
            guard seal.size == tree.size, chainIsSound, seal.root != tree.root else { continue }
            find(VerifyFinding(.sealRoot, "The first \(seal.size) records are not those that \(name) sealed.", seal: name))
        }
        if let anchor = seals.anchor, anchor.size == tree.size, anchor.root != tree.root {
            find(VerifyFinding(.anchorRoot, "The first \(anchor.size) records are not those that the anchor sealed."))
        }
        if let known = register?.head, known.records == tree.size, chainIsSound, known.root != tree.root {
            find(
                VerifyFinding(
                    .otherThanDatabase,
                    "The first \(tree.size) records are not those that the database saw there (root \(known.root))."))
        }
        if let head, head.tree.size == tree.size, chainIsSound, head.tree.root != tree.root {
            find(VerifyFinding(.chainRewritten, "The first \(tree.size) records are not those that the writer made durable."))
        }
    }

    /// Reports records that are missing.
    private mutating func missing() {
        for index in skipped.sorted().prefix(100) {
            find(VerifyFinding(.recordRemoved, "Record \(index) was removed.", record: index))
        }
        for (name, seal) in seals.seals[nextSeal...] {
            result.seals += 1
            find(VerifyFinding(.chainTruncated, "\(name) covers \(seal.size) records; the chain has \(tree.size).", seal: name))
        }
        if let anchor = seals.anchor, anchor.size > tree.size {
            find(VerifyFinding(.rolledBack, "The anchor covers \(anchor.size) records; the chain has \(tree.size)."))
        }
        if let prove, proofRecord == nil {
            find(VerifyFinding(.dropUnknown, "Drop \(prove) has no record in the chain.", drop: prove))
        }
    }

    private mutating func closeContainer(_ progress: (UInt64) -> Void) throws(DropError) {
        guard let (record, drops, offset) = open, let name = record.container else { return }
        open = nil
        // An append that a running writer has not ended yet may show its first records.
        let isPublished = head.map { offset < $0.bytes } ?? true
        if record.drops != UInt64(drops.count), chainIsSound, isPublished {
            find(
                VerifyFinding(
                    .containerCount,
                    "\(name) was closed with \(record.drops ?? 0) drops; the chain has \(drops.count) of them.",
                    record: record.index, container: name))
        }
        containers.insert(name)
        result.containers += 1
        if isPublished || record.drops == UInt64(drops.count) {
            result.findings += try ContainerCheck(places, record, drops).run(full: result.full)
        }
        result.containerBytes &+= record.bytes ?? 0
        progress(result.containers)
    }

    /// Files in the day folders that no record names.
    mutating func strangers(_ files: [String]) {
        for name in files where !containers.contains(name) && (name != head?.pending || !isWritten) {
            let shown = Escaping.visible(name)
            find(VerifyFinding(.containerExtra, "\(shown) is in no record of the chain.", container: shown))
        }
    }

    func finished() -> VerifyResult {
        var result = result
        result.root = tree.root
        if let proofRecord, let prove { result.proof = proof(of: prove, proofRecord.index, proofRecord.text) }
        return result
    }

    private func proof(of drop: DropID, _ index: Int, _ text: String) -> InclusionProof {
        let covering = seals.seals.last { $0.seal.size > UInt64(index) && $0.seal.size <= tree.size }
        let size = covering.map { Int($0.seal.size) } ?? leaves.count
        let path = MerkleTree.path(to: index, in: leaves[..<size])
        return InclusionProof(
            drop: drop, recordText: text, index: UInt64(index), size: UInt64(size), leaf: leaves[index],
            path: path.map { ($0.side.rawValue, $0.sibling) }, root: MerkleTree.root(from: leaves[index], along: path),
            seal: covering?.name)
    }

    private mutating func damage(_ finding: VerifyFinding) {
        chainIsSound = false
        find(finding)
    }

    /// At most 1000 findings are kept, because nobody looks at more one by one.
    private mutating func find(_ finding: VerifyFinding) {
        if result.findings.count < 1000 { result.findings.append(finding) }
    }
}
