package import DropCore
import TwinModel

/// Checks an archive offline, from its folder alone, and changes nothing. Also beside a running writer.
package struct ArchiveVerifier: Sendable {
    private let places: ArchivePlaces

    /// - Parameter root: the archive folder, absolute.
    package init(root: String) { places = ArchivePlaces(root: root) }

    /// Chain, tree, seals, and each container's compressed SHA-256; with `full`, every member decompressed and hashed.
    ///
    /// - Parameters:
    ///   - prove: a drop whose inclusion is to be proved; the proof is against the newest seal that covers it.
    ///   - anchor: path of a seal kept elsewhere: the archive must hold everything it covered, unchanged.
    ///   - progress: gets the number of containers checked so far.
    /// - Returns: findings name each damage; none means the archive is sound.
    /// - Throws: `missing` where there is no archive; `anchor` where the anchor is no seal; storage errors. Blocking.
    package func verify(
        full: Bool = false, prove: DropID? = nil, anchor: String? = nil, progress: (UInt64) -> Void = { _ in }
    ) throws(DropError) -> VerifyResult {
        // The order matters beside a running writer: files first, then the head that announces the next one, then the chain.
        let files = try places.files()
        let hasChain = try Storage.exists(places.chain)
        guard hasChain || !files.isEmpty else {
            throw DropError(
                "missing", "\(places.root) holds no archive.", hint: "Name the folder that holds chain.log.", remedy: .stop)
        }
        let head = try ChainHead.read(places)
        let seals = try SealRow(places, head: head, anchor: anchor)
        var run = VerifyRun(places: places, full: full, prove: prove, head: head, seals: seals)
        try run.chain(progress)
        run.strangers(files)
        return run.finished()
    }
}

/// The seals of an archive as far as they can be checked without the chain.
struct SealRow {
    var seals: [(name: String, seal: Seal)] = []
    var anchor: Seal?
    var findings: [VerifyFinding] = []

    init(_ places: ArchivePlaces, head: ChainHead?, anchor path: String?) throws(DropError) {
        var previous = ChainRecord.origin
        for (name, _) in try Seal.names(in: places) {
            let file = try StorageFile(places.path(of: name), .read).readAll(bytesMax: Seal.fileBytesMax)
            guard let seal = Seal(file: file), seal.name == name else {
                findings.append(
                    VerifyFinding("seal-altered", "\(Escaping.visible(name)) is not a seal as it was written.", seal: name))
                previous = StreamHash.digest(of: file)
                continue
            }
            if seal.previous != previous {
                let before = seals.last.map { "\($0.name) was changed, or a seal between them" } ?? "the one before it"
                findings.append(VerifyFinding("seal-chain", "\(name) does not follow on: \(before) is missing.", seal: name))
            }
            previous = StreamHash.digest(of: file)
            seals.append((name, seal))
        }
        if let known = head?.seal, known != previous, !seals.contains(where: { $0.seal.digest == known }) {
            findings.append(
                VerifyFinding("seal-missing", "The newest seal (of \(head?.sealed ?? 0) records) is missing, or was changed."))
        }
        if let path {
            anchor = Seal(file: try StorageFile(path, .read).readAll(bytesMax: Seal.fileBytesMax))
            guard anchor != nil else {
                throw DropError(
                    "anchor", "\(path) is no seal.", hint: "Give a file copied from the archive's seals folder.", remedy: .stop)
            }
        }
    }
}
