import ArgumentParser
import CodecKit
import HomeConfiguration
import DropCore
import Evidence
import Foundation
import HomeReports
import TwinModel
import TwinStore

struct BatchesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batches", abstract: "Lists the containers of the archive, oldest first.",
        discussion: "Example:\n  twindrop batches --archive archive")

    @OptionGroup var options: ArchiveOptions

    mutating func run() throws {
        let folder = try options.folder()
        let catalogue = ArchiveCatalogue(root: folder)
        let isUnused = try options.isUnused(folder)
        var table = Table("ARCHIVED", "CONTAINER", "DROPS", "BYTES", "COMPRESSED", "SHA-256")
        let asJSON = options.home.json
        try reporting { () throws(DropError) in
            if isUnused { return }
            try catalogue.batches { batch in
                if asJSON {
                    Terminal.print(batch.json)
                } else {
                    table.add(
                        Times.shown(batch.archivedAt), batch.container, String(batch.drops), Sizes.text(batch.bytes),
                        Sizes.text(batch.compressedBytes), batch.sha256.description)
                }
                return true
            }
        }
        if !asJSON { table.print(whenEmpty: "The archive is empty.") }
    }
}

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Proves that the archive is whole and unaltered; offline, from its folder alone.",
        discussion: """
            Checks the chain, its tree, the seals and each container's SHA-256; with --full every archived file as well.
            Exits 1 when anything was changed, removed, added or reordered, and names it. In a home it also compares with the
            database, which finds an archive that is away or was rolled back as a whole.

            Examples:
              twindrop verify
              twindrop verify --full --archive archive
              twindrop verify --prove assets.csv
            """)

    @OptionGroup var options: ArchiveOptions
    @Flag(help: "Decompress and hash every archived file.") var full = false
    @Option(
        help: ArgumentHelp("Also print a proof that this drop is in the archive.", valueName: "drop"),
        completion: Completions.drop) var prove: String?
    @Option(
        help: ArgumentHelp("A seal that was kept elsewhere: finds a roll-back of the whole archive.", valueName: "seal"),
        completion: .file())
    var anchor: String?

    mutating func run() throws {
        let folder = try options.folder()
        if let anchor, !FileCalls.isFile(anchor) {
            throw CommandFailure(
                .usage, "There is no seal \(Escaping.visible(anchor)).", "Give a file copied from the archive's seals folder.")
        }
        let drop = try prove.map { text throws(CommandFailure) in try proved(text) }
        let consistency = try options.consistency()
        let isUnused = drop == nil ? try options.isUnused(folder) : false
        var result = isUnused ? VerifyResult() : try verified(folder, drop, consistency)
        try reporting { () throws(DropError) in
            if let finding = try consistency?.missing(), !result.findings.contains(where: { $0.code == finding.code }) {
                result.findings.append(finding)
            }
        }
        if isUnused, let anchor {
            result.findings.append(
                VerifyFinding(.rolledBack, "There is a seal, \(Escaping.visible(anchor)), and no archive that it could be of."))
        }
        if let finding = options.withoutDatabase() { result.findings.append(finding) }
        if let consistency {
            let acts = result.acts
            result.findings += try reporting { () throws(DropError) in try consistency.lostActs(acts) }
        }
        if options.home.json {
            Terminal.print(result.json)
        } else if isUnused, result.isSound {
            Terminal.print("Nothing has been archived yet.")
        } else {
            Self.print(result)
        }
        // The archive is whole; that the home goes without what it proves is another matter, and nobody may miss it.
        let forgotten = try reporting { () throws(DropError) in try consistency?.missed() ?? [] }
        if let last = forgotten.last {
            Terminal.error(
                "twindrop: the database has forgotten \(counted(forgotten.count, "drop")) of this archive, the newest \(last.drop) "
                    + "(\(last.file)); `twindrop doctor` says what to do.")
        }
        guard result.isSound else {
            throw CommandFailure(.negative, "The archive is not as it was written: \(counted(result.findings.count, "finding")).")
        }
    }

    /// The drop to prove; one that is not in the archive yet cannot be. Records that are damaged are passed over, and a whole id
    /// is taken as it is: the rest of the archive is looked at all the same.
    private func proved(_ text: String) throws(CommandFailure) -> DropID {
        let named: ArchivedName
        do { named = try ArchivedName.find(text, options, damaged: true) } catch {
            guard let id = DropID(text) else { throw error }
            return id
        }
        switch named {
        case .archived(let found): return found.drop
        case .waiting(let record):
            throw CommandFailure(
                .negative, "Drop \(record.id) (\(record.fileName)) is \(record.state.rawValue): it is not in the archive yet.",
                "`twindrop show \(record.id)` says what it waits for.")
        }
    }

    private func verified(
        _ folder: String, _ drop: DropID?, _ consistency: ArchiveConsistency?
    ) throws(CommandFailure) -> VerifyResult {
        let showsProgress = Terminal.errorsAreInteractive && !options.home.json
        let known = try reporting { [anchor] () throws(StartError) in
            try anchor.map { path throws(StartError) in try Anchor(file: path) }
        }
        return try reporting { [full] () throws(DropError) in
            let register = try consistency?.register()
            do throws(DropError) {
                return try ArchiveVerifier(root: folder).verify(full: full, prove: drop, anchor: known, register: register) {
                    done in
                    if showsProgress, done % 100 == 0 { Terminal.error("checked \(done) containers") }
                }
            } catch {
                // In a home the database knows better what is missing.
                guard error.code == .missing, try consistency?.missing() != nil else { throw error }
                return VerifyResult()
            }
        }
    }

    private static func print(_ result: VerifyResult) {
        for finding in result.findings { Terminal.print("FOUND   \(finding.message) [\(finding.code)]") }
        let depth = result.full ? "every file read" : "containers hashed"
        Terminal.print(
            "\(counted(result.drops, "drop")) in \(counted(result.containers, "container")), "
                + "\(counted(result.acts.count, "act")) of people, \(counted(result.records, "record")) in the chain, \(counted(result.seals, "seal")); \(depth)."
        )
        Terminal.print("tree root \(result.root)")
        if let proof = result.proof {
            Terminal.print(
                "drop \(proof.drop) is record \(proof.index) of \(proof.size)\(proof.seal.map { ", sealed by \($0)" } ?? "")")
            Terminal.print("leaf      \(proof.leaf)")
            for step in proof.path {
                Terminal.print("\(step.side)\(String(repeating: " ", count: max(1, 10 - step.side.count)))\(step.sibling)")
            }
            Terminal.print("root      \(proof.root)")
        }
        if result.isSound { Terminal.print("The archive is whole.") }
    }
}
