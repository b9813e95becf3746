import ArgumentParser
import HomeConfiguration
import DropCore
import Evidence
import Foundation
import TwinModel

/// Commands that need an archive and nothing else: `--archive DIR` in place of `--home`.
struct ArchiveOptions: ParsableArguments {
    @OptionGroup var home: HomeOptions
    @Option(help: ArgumentHelp("An archive folder, in place of a home.", valueName: "dir")) var archive: String?

    /// The archive folder, absolute.
    func folder() throws(CommandFailure) -> String {
        if let archive { return URL(fileURLWithPath: archive).standardizedFileURL.path }
        return try home.open().paths.archive
    }

    /// What the home's database knows of its archive; nil with `--archive`, and where there is no database yet.
    func witness() throws(CommandFailure) -> ArchiveWitness? {
        guard archive == nil else { return nil }
        let opened = try home.open()
        guard Folders.exists(opened.paths.state + "/twin.db") else { return nil }
        let store = try opened.openGraph(withModels: false)
        return try reporting { () throws(DropError) in try ArchiveWitness(store, root: opened.paths.archive) }
    }

    /// True in a home whose archive has not begun.
    func isUnused(_ folder: String) throws(CommandFailure) -> Bool {
        guard archive == nil, !Folders.exists(folder + "/chain.log") else { return false }
        return try witness()?.isEmpty ?? true
    }
}

struct BatchesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batches", abstract: "Lists the containers of the archive, oldest first.",
        discussion: "Example:\n  twindrop batches --archive /mnt/copy/archive")

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
                        Times.text(batch.archivedAt), batch.container, String(batch.drops), String(batch.bytes),
                        String(batch.compressedBytes), batch.sha256.description)
                }
                return true
            }
        }
        if !asJSON { table.print(whenEmpty: "The archive is empty.") }
    }
}

struct ArchiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive", abstract: "Finds and reads archived drops.",
        discussion: "Example:\n  twindrop archive cat 01KAJ4 > original.csv",
        subcommands: [List.self, Cat.self, Extract.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists archived drops, oldest first.",
            discussion: "Example:\n  twindrop archive list --from 2026-11-01 --source inventory")

        @OptionGroup var options: ArchiveOptions
        @Option(help: "First day of archiving (UTC), YYYY-MM-DD.") var from: String?
        @Option(help: "Last day of archiving (UTC), YYYY-MM-DD.") var through: String?
        @Option(help: "Only drops of this source.") var source: String?
        @Option(help: "Only files whose name contains this.") var file: String?

        mutating func run() throws {
            var filter = ArchiveCatalogue.Filter()
            filter.from = from
            filter.through = through
            filter.file = file
            if let source {
                guard let name = SourceName(source) else {
                    throw CommandFailure(.usage, "\(Escaping.visible(source)) is no name of a source.")
                }
                filter.source = name
            }
            let folder = try options.folder()
            let catalogue = ArchiveCatalogue(root: folder)
            let isUnused = try options.isUnused(folder)
            var table = Table("DROP", "KIND", "SOURCE", "ARCHIVED", "BYTES", "FILE")
            let asJSON = options.home.json
            try reporting { () throws(DropError) in
                if isUnused { return }
                try catalogue.list(filter) { drop in
                    if asJSON {
                        Terminal.print(drop.json)
                    } else {
                        table.add(
                            drop.drop.description, drop.kind, drop.source.text, Times.text(drop.archivedAt), String(drop.bytes),
                            drop.file)
                    }
                    return true
                }
            }
            if !asJSON { table.print(whenEmpty: "No archived drops.") }
        }
    }

    struct Cat: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes a drop's original bytes to stdout.",
            discussion: "Example:\n  twindrop archive cat 01KAJ4 > original.csv")

        @OptionGroup var options: ArchiveOptions
        @Argument(help: "A ULID, the start of one, or a file name.") var drop: String

        mutating func run() throws {
            let catalogue = ArchiveCatalogue(root: try options.folder())
            let found = try ArchivedName(drop).find(in: catalogue)
            try reporting { () throws(DropError) in try catalogue.cat(found.drop, to: 1) }
        }
    }

    struct Extract: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes a drop's original bytes to a new file with a generated name.",
            discussion: "Example:\n  twindrop archive extract 01KAJ4 --into evidence")

        @OptionGroup var options: ArchiveOptions
        @Argument(help: "A ULID, the start of one, or a file name.") var drop: String
        @Option(help: ArgumentHelp("The folder; it is made where it does not exist.", valueName: "dir")) var into: String

        mutating func run() throws {
            let catalogue = ArchiveCatalogue(root: try options.folder())
            let found = try ArchivedName(drop).find(in: catalogue)
            let folder = URL(fileURLWithPath: into).standardizedFileURL.path
            let path = try reporting { () throws(DropError) in try catalogue.extract(found.drop, into: folder) }
            if options.home.json {
                Terminal.print(["drop": .string(found.drop.description), "path": .string(path)])
            } else {
                Terminal.print(path)
            }
        }
    }
}

/// The archived drop a person means: a ULID, a unique prefix of one, or a file name (the newest).
struct ArchivedName {
    private let text: String

    init(_ text: String) { self.text = text }

    func find(in catalogue: ArchiveCatalogue) throws(CommandFailure) -> ArchivedDrop {
        let prefix = text.uppercased()
        var byID: [ArchivedDrop] = []
        var byName: ArchivedDrop?
        try reporting { () throws(DropError) in
            try catalogue.list { drop in
                if drop.file.utf8.elementsEqual(text.utf8) { byName = drop }
                if drop.drop.description.hasPrefix(prefix) { byID.append(drop) }
                return true
            }
        }
        if let byName { return byName }
        guard let first = byID.first else {
            throw CommandFailure(
                .negative, "The archive has no drop \(Escaping.visible(text)).", "`twindrop archive list` lists them.")
        }
        guard byID.count == 1 else {
            throw CommandFailure(
                .negative, "\(Escaping.visible(text)) is the start of \(byID.count) drop ids.",
                "Give more of it: " + byID.prefix(5).map(\.drop.description).joined(separator: ", "))
        }
        return first
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
              twindrop verify --full --archive /mnt/copy/archive
              twindrop verify --prove 01KAJ4
            """)

    @OptionGroup var options: ArchiveOptions
    @Flag(help: "Decompress and hash every archived file.") var full = false
    @Option(help: ArgumentHelp("Also print a proof that this drop is in the archive.", valueName: "drop")) var prove: String?
    @Option(help: ArgumentHelp("A seal that was kept elsewhere: finds a roll-back of the whole archive.", valueName: "seal"))
    var anchor: String?

    mutating func run() throws {
        let folder = try options.folder()
        let catalogue = ArchiveCatalogue(root: folder)
        let drop = try prove.map { text throws(CommandFailure) in try ArchivedName(text).find(in: catalogue).drop }
        let showsProgress = Terminal.errorsAreInteractive && !options.home.json
        let witness = try options.witness()
        let isHome = options.archive == nil
        var isUnused = false
        var result = try reporting { [full, anchor] () throws(DropError) in
            do throws(DropError) {
                return try ArchiveVerifier(root: folder).verify(full: full, prove: drop, anchor: anchor) { done in
                    if showsProgress, done % 100 == 0 { Terminal.error("checked \(done) containers") }
                }
            } catch {
                // In a home it has not begun, or the database knows better: see below.
                guard isHome, error.code == "missing" else { throw error }
                isUnused = true
                return VerifyResult()
            }
        }
        if let finding = witness?.missing { result.findings.append(finding) }
        if options.home.json {
            Terminal.print(result.json)
        } else if isUnused, result.isSound {
            Terminal.print("Nothing has been archived yet.")
        } else {
            Self.print(result)
        }
        guard result.isSound else {
            throw CommandFailure(.negative, "The archive is not as it was written: \(counted(result.findings.count, "finding")).")
        }
    }

    private static func print(_ result: VerifyResult) {
        for finding in result.findings { Terminal.print("FOUND  \(finding.message) [\(finding.code)]") }
        let depth = result.full ? "every file read" : "containers hashed"
        Terminal.print(
            "\(counted(result.drops, "drop")) in \(counted(result.containers, "container")), "
                + "\(counted(result.records, "record")) in the chain, \(counted(result.seals, "seal")); \(depth)."
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
