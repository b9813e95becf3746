import ArgumentParser
import HomeConfiguration
import DropCore
import Evidence
import Foundation
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

struct ArchiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive", abstract: "Finds and reads archived drops.",
        discussion: "Example:\n  twindrop archive cat assets.csv > original.csv",
        subcommands: [List.self, Cat.self, Extract.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists drops, oldest first: those in the archive, then those of the home that wait to come into it.",
            discussion: """
                Held drops, and those on their way, have their state as KIND and no time of archiving; with --from or --through,
                which are about archiving, they are left out.

                Example:
                  twindrop archive list --from 2024-01-01 --source assets
                """)

        @OptionGroup var options: ArchiveOptions
        @Option(help: "First day or time of archiving: 2026-11-21 (UTC), 2026-11-21T09:30+01:00.") var from: String?
        @Option(help: "Last day or time of archiving, itself included.") var through: String?
        @Option(help: "Only drops of this source.", completion: Completions.source) var source: String?
        @Option(help: "Only files whose name contains this.") var file: String?

        mutating func run() throws {
            let when = try ArchivedWhen(from: from, through: through)
            let folder = try options.folder()
            let owner = try source.map { text throws(CommandFailure) in try known(text, folder) }
            var filter = ArchiveCatalogue.Filter()
            (filter.file, filter.source) = (file, owner)
            let isUnused = try options.isUnused(folder)
            var table = Table("DROP", "KIND", "SOURCE", "ARCHIVED", "SIZE", "FILE")
            let asJSON = options.home.json
            try reporting { () throws(DropError) in
                if isUnused { return }
                try ArchiveCatalogue(root: folder).list(filter) { drop in
                    guard when.includes(drop.archivedAt) else { return true }
                    if asJSON {
                        Terminal.print(drop.json)
                    } else {
                        table.add(
                            drop.drop.description, drop.kind, drop.source.text, Times.shown(drop.archivedAt),
                            Sizes.text(drop.bytes), drop.file)
                    }
                    return true
                }
            }
            for drop in when.isAlways ? try options.waiting() : [] where owner == nil || owner == drop.source {
                guard file.map({ drop.fileName.description.contains($0) }) ?? true else { continue }
                if asJSON {
                    Terminal.print(DropReport.waiting(drop))
                } else {
                    table.add(
                        drop.id.description, drop.state.rawValue, drop.source.text, "-", Sizes.text(drop.bytes),
                        drop.fileName.description)
                }
            }
            if !asJSON { table.print(whenEmpty: isEmptyFor(owner)) }
        }

        private func isEmptyFor(_ owner: SourceName?) -> String {
            from == nil && through == nil && owner == nil && file == nil ? "No archived drops." : "No archived drop is like that."
        }

        /// A source that the home has, or that the archive has drops of.
        private func known(_ text: String, _ folder: String) throws(CommandFailure) -> SourceName {
            if let name = SourceName(text) {
                if options.archive == nil, try options.home.open().configuration.source(name) != nil { return name }
                var filter = ArchiveCatalogue.Filter()
                filter.source = name
                var isThere = false
                if try !options.isUnused(folder) {
                    try reporting { () throws(DropError) in
                        try ArchiveCatalogue(root: folder).list(filter) { _ in
                            isThere = true
                            return false
                        }
                    }
                }
                if isThere { return name }
            }
            throw CommandFailure(
                .usage, "There is no source \(Escaping.visible(text)), and the archive has no drop of one.",
                "`twindrop archive list` shows the sources in its third column.")
        }
    }

    struct Cat: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes a drop's original bytes to stdout; of a held drop, too.",
            discussion: """
                The bytes are exactly those that were dropped. On a terminal, signs that would steer it are shown as \\u{…},
                unless --raw asks for them.

                Example:
                  twindrop archive cat assets.csv > original.csv
                """)

        @OptionGroup var options: ArchiveOptions
        @Argument(help: "A ULID, the start of one, or a file name.", completion: Completions.drop) var drop: String
        @Flag(help: "Exact bytes on a terminal, too.") var raw = false

        mutating func run() throws {
            let bytes: FileCalls.Opened
            switch try ArchivedName.find(drop, options) {
            case .archived(let found):
                let catalogue = ArchiveCatalogue(root: try options.folder())
                guard Terminal.isInteractive, !raw else {
                    return try reporting { () throws(DropError) in try catalogue.cat(found.drop, to: 1) }
                }
                let copy = try FileCalls.unnamed()
                try reporting { () throws(DropError) in try catalogue.cat(found.drop, to: copy.descriptor) }
                bytes = try copy.rewound()
            case .waiting(let record): bytes = try DropBytes(record, in: try options.home.open()).open()
            }
            defer { bytes.close() }
            let isShown = Terminal.isInteractive && !raw
            var line: [UInt8] = []
            try bytes.forEachBlock { block throws(CommandFailure) in
                guard isShown else { return try FileCalls.write(block, to: 1, "The output") }
                line += block
                guard let end = line.lastIndex(of: 0x0A) else { return }
                Terminal.print(lines: Self.shown(line[..<end]))
                line.removeSubrange(...end)
            }
            if !line.isEmpty { Terminal.print(lines: Self.shown(line[...])) }
        }

        private static func shown(_ bytes: ArraySlice<UInt8>) -> String {
            bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
                Escaping.visible(line.last == 0x0D ? line.dropLast() : line, scalarsMax: line.count)
            }.joined(separator: "\n")
        }
    }

    struct Extract: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes a drop's original bytes to a new file with a generated name; of a held drop, too.",
            discussion: "Example:\n  twindrop archive extract assets.csv --into evidence")

        @OptionGroup var options: ArchiveOptions
        @Argument(help: "A ULID, the start of one, or a file name.", completion: Completions.drop) var drop: String
        @Option(help: ArgumentHelp("The folder; it is made where it does not exist.", valueName: "dir"), completion: .directory)
        var into: String

        mutating func run() throws {
            let folder = URL(fileURLWithPath: into).standardizedFileURL.path
            let id: DropID
            let path: String
            switch try ArchivedName.find(drop, options) {
            case .archived(let found):
                id = found.drop
                let catalogue = ArchiveCatalogue(root: try options.folder())
                path = try reporting { () throws(DropError) in try catalogue.extract(found.drop, into: folder) }
            case .waiting(let record):
                id = record.id
                path = try extract(record, into: folder)
            }
            if options.home.json {
                Terminal.print(["drop": .string(id.description), "path": .string(path)])
            } else {
                Terminal.print(path)
            }
        }

        /// Under the name its member would have: nothing of the sender's name but a plain ending is used.
        private func extract(_ record: DropRecord, into folder: String) throws(CommandFailure) -> String {
            let bytes = try DropBytes(record, in: try options.home.open()).open()
            defer { bytes.close() }
            try reporting { () throws(DropError) in try Folders.make([folder]) }
            let ending = record.fileName.pathExtension
            let path = "\(folder)/\(record.id).\(ending.isEmpty ? "dat" : ending)"
            let file = try FileCalls.created(path, mode: 0o600)
            defer { file.close() }
            try bytes.forEachBlock { block throws(CommandFailure) in try FileCalls.write(block, to: file.descriptor, path) }
            guard file.sync() else { throw CommandFailure(.storage, "\(path) cannot be synced.", "Check the disk.") }
            return path
        }
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
        let witness = try options.witness()
        let isUnused = drop == nil ? try options.isUnused(folder) : false
        var result = isUnused ? VerifyResult() : try verified(folder, drop, witness)
        try reporting { () throws(DropError) in
            if let finding = try witness?.missing(), !result.findings.contains(where: { $0.code == finding.code }) {
                result.findings.append(finding)
            }
        }
        if isUnused, let anchor {
            result.findings.append(
                VerifyFinding("rolled-back", "There is a seal, \(Escaping.visible(anchor)), and no archive that it could be of."))
        }
        if let finding = options.withoutDatabase() { result.findings.append(finding) }
        if let witness {
            let acts = result.acts
            result.findings += try reporting { () throws(DropError) in try witness.lostActs(acts) }
        }
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

    private func verified(_ folder: String, _ drop: DropID?, _ witness: ArchiveWitness?) throws(CommandFailure) -> VerifyResult {
        let showsProgress = Terminal.errorsAreInteractive && !options.home.json
        return try reporting { [full, anchor] () throws(DropError) in
            let register = try witness?.register()
            do throws(DropError) {
                return try ArchiveVerifier(root: folder).verify(full: full, prove: drop, anchor: anchor, register: register) {
                    done in
                    if showsProgress, done % 100 == 0 { Terminal.error("checked \(done) containers") }
                }
            } catch {
                // In a home the database knows better what is missing.
                guard error.code == "missing", try witness?.missing() != nil else { throw error }
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
