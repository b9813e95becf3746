import CodecKit
package import DropCore
import TwinModel

/// Checks an archive offline, from its folder alone, and changes nothing. Also beside a running writer.
package struct ArchiveVerifier: Sendable {
    private let places: ArchivePlaces

    /// - Parameter root: the archive folder, absolute.
    package init(root: String) { places = ArchivePlaces(root: root) }

    /// Chain, tree, seals, and each container's compressed SHA-256; with `full`, every member decompressed and hashed.
    ///
    /// Anything in the folder that is not as it must be, of any kind, is a finding, and the check continues.
    ///
    /// - Parameters:
    ///   - prove: a drop whose inclusion to prove; the proof is against the newest seal that covers it.
    ///   - anchor: path of a seal kept elsewhere: the archive must hold everything it covered, unchanged.
    ///   - register: what the database of the same home knows, which is compared with every record.
    ///   - progress: gets the number of containers checked so far.
    /// - Returns: findings name each damage; none means the archive is sound.
    /// - Throws: `missing` if there is no archive; `anchor` (a mistake of the caller's) where the anchor is not a seal; temporary
    ///   trouble, such as a lack of descriptors. Blocking.
    package func verify(
        full: Bool = false, prove: DropID? = nil, anchor: Anchor? = nil, register: RegisteredArchive? = nil,
        progress: (UInt64) -> Void = { _ in }
    ) throws(DropError) -> VerifyResult {
        var findings: [VerifyFinding] = []
        // Beside a running writer the order matters: read the files first, then the head that announces the next one, then the
        // chain.
        let files = try places.files { folder, error in
            findings.append(VerifyFinding(.folderUnreadable, "\(folder) cannot be listed: \(error.message)"))
        }
        let hasChain = try Storage.exists(places.chain)
        guard hasChain || !files.isEmpty || !findings.isEmpty else {
            throw DropError(
                .missing, "\(places.root) holds no archive.", hint: "Name the folder that holds chain.log.", remedy: .stop)
        }
        let head = try VerifyFinding.collecting(into: &findings, .headAltered, "chain.head") { () throws(DropError) in
            try ChainHead.read(places)
        }
        let seals = try SealRow(places, head: head ?? nil, known: register?.head?.seal, anchor: anchor?.seal)
        var run = VerifyRun(places: places, full: full, prove: prove, head: head ?? nil, seals: seals, register: register)
        run.note(findings)
        try run.chain(progress)
        run.strangers(files)
        return run.finished()
    }
}

/// What the database of a home knows of its archive: a second witness, which a writer of the archive folder cannot change.
package struct RegisteredArchive {
    /// The state of the archive when the database last noted it; nil before the first drop was archived.
    let head: ArchiveHead?
    /// The row of a drop; nil if the database has none, as after the restore of an older backup.
    let drop: (DropID) throws(DropError) -> DropRecord?

    package init(head: ArchiveHead?, drop: @escaping (DropID) throws(DropError) -> DropRecord?) {
        self.head = head
        self.drop = drop
    }
}

extension VerifyFinding {
    /// Runs `body`, which reads the file `name` of the archive. If it refuses the file or cannot read it, that is a finding, and
    /// the result is nil.
    ///
    /// - Throws: temporary trouble, which says nothing about the archive.
    static func collecting<T>(
        into findings: inout [VerifyFinding], _ code: Code, _ name: String, _ body: () throws(DropError) -> T
    ) throws(DropError) -> T? {
        do throws(DropError) { return try body() } catch {
            guard error.remedy == .stop else { throw error }
            findings.append(VerifyFinding(code, "\(name) is not as it was written: \(error.message)"))
            return nil
        }
    }
}

/// The seals of an archive as far as they can be checked without the chain.
struct SealRow {
    var seals: [(name: String, seal: Seal)] = []
    let anchor: Seal?
    var findings: [VerifyFinding] = []

    /// - Parameter known: digest of the newest seal that the database of the home saw.
    init(_ places: ArchivePlaces, head: ChainHead?, known seen: ContentDigest?, anchor: Seal?) throws(DropError) {
        self.anchor = anchor
        var previous = ChainRecord.origin
        for (name, _) in try Seal.names(in: places) {
            let shown = Escaping.visible(name)
            let file = try VerifyFinding.collecting(into: &findings, .sealAltered, shown) { () throws(DropError) in
                try StorageFile(places.path(of: name), .read).readAll(bytesMax: Seal.fileBytesMax)
            }
            guard let file else { continue }
            guard let seal = Seal(file: file), seal.name == name else {
                findings.append(VerifyFinding(.sealAltered, "\(shown) is not a seal as it was written.", seal: shown))
                previous = StreamHash.digest(of: file)
                continue
            }
            if seal.previous != previous {
                let before = seals.last.map { "\($0.name) was changed, or a seal between them" } ?? "the one before it"
                findings.append(VerifyFinding(.sealChain, "\(name) does not follow on: \(before) is missing.", seal: name))
            }
            previous = StreamHash.digest(of: file)
            seals.append((name, seal))
        }
        if let known = head?.seal, known != previous, !seals.contains(where: { $0.seal.digest == known }) {
            findings.append(
                VerifyFinding(.sealMissing, "The newest seal (of \(head?.sealed ?? 0) records) is missing, or was changed."))
        } else if let seen, seen != previous, !seals.contains(where: { $0.seal.digest == seen }) {
            // Whoever removes a seal can take chain.head away with it.
            findings.append(
                VerifyFinding(.sealMissing, "A seal that the database saw is missing, or was changed (SHA-256 \(seen))."))
        }
    }
}
