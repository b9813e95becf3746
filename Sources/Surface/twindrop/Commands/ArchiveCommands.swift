import ArgumentParser
import CodecKit
import HomeConfiguration
import DropCore
import Evidence
import Foundation
import HomeReports
import TwinModel
import TwinStore

struct ArchiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive", abstract: "Finds and reads archived drops.",
        discussion: "Example:\n  twindrop archive cat assets.csv > original.csv",
        subcommands: [List.self, Cat.self, Extract.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists drops, oldest first: those in the archive, then those of the home that wait to come into it.",
            discussion: """
                KIND says how a drop ended when it was archived, and stays: applied, duplicate, quarantined or discarded. Held drops,
                and those on their way, have their state there and no time of archiving; with --from or --through, which are about
                archiving, they are left out. "forgotten" marks those that the database of the home does not know, as after a
                restore.

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
            let consistency = try options.consistency()
            var listed: Set<DropID> = []
            try reporting { () throws(DropError) in
                if isUnused { return }
                try ArchiveCatalogue(root: folder).list(filter) { drop in
                    listed.insert(drop.drop)
                    guard when.includes(drop.archivedAt) else { return true }
                    // A database that cannot be asked about one drop is said by `doctor`; the list is of the archive.
                    let isForgotten = (try? consistency?.isForgotten(drop)) ?? false
                    if asJSON {
                        Terminal.print(drop.json.adding("forgotten", isForgotten ? JSON.bool(true) : nil))
                    } else {
                        table.add(
                            drop.drop.description, drop.kind + (isForgotten ? ", forgotten" : ""), drop.source.text,
                            Times.shown(drop.archivedAt),
                            Sizes.text(drop.bytes), drop.file)
                    }
                    return true
                }
            }
            // What a database that is older than the archive still has as waiting stands above.
            for drop in when.isAlways ? try options.waiting() : []
            where (owner == nil || owner == drop.source) && !listed.contains(drop.id) {
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
            abstract: "Writes a drop's original bytes to a new file; of a held drop, too.",
            discussion: """
                The file's name is generated, because a sender's may be anything. With --keep-name it has the name it was dropped
                under: so it can be delivered again where a source goes by names.

                With --rejects it is the drop's file of rejects, as it lay beside the receipt: the refused records that nobody has
                corrected. `twindrop plan --drop DROP` says why each was refused.

                Examples:
                  twindrop archive extract assets.csv --into evidence
                  twindrop archive extract assets.csv --into again --keep-name
                """)

        @OptionGroup var options: ArchiveOptions
        @Argument(help: "A ULID, the start of one, or a file name.", completion: Completions.drop) var drop: String
        @Option(help: ArgumentHelp("The folder; it is made where it does not exist.", valueName: "dir"), completion: .directory)
        var into: String
        @Flag(help: "Under the name that its sender gave it.") var keepName = false
        @Flag(help: "Only the refused records that nobody has corrected, as in the drop's file of rejects.") var rejects = false

        mutating func validate() throws {
            guard rejects, keepName || options.archive != nil else { return }
            throw ValidationError(
                "--rejects goes with neither --keep-name nor --archive: only the database knows refused records.")
        }

        mutating func run() throws {
            let folder = URL(fileURLWithPath: into).standardizedFileURL.path
            guard !FileCalls.isTaken(folder) || FileCalls.isFolder(folder) else {
                throw CommandFailure(.usage, "\(Escaping.visible(folder)) is no folder.", "Name a folder, or one to be made.")
            }
            if rejects { return try extractRejects(into: folder) }
            let found = try ArchivedName.find(drop, options)
            let id: DropID
            let path: String
            switch found {
            case .archived(let archived):
                id = archived.drop
                if keepName {
                    let name = try PlainName.check(shown: archived.file)
                    path = folder + "/" + name
                    let catalogue = ArchiveCatalogue(root: try options.folder())
                    try write(path, in: folder) { (file) throws(CommandFailure) in
                        try reporting { () throws(DropError) in try catalogue.cat(archived.drop, to: file.descriptor) }
                    }
                } else {
                    let catalogue = ArchiveCatalogue(root: try options.folder())
                    path = try reporting { [folder] () throws(DropError) in
                        try catalogue.path(extracting: archived.drop, into: folder)
                    }
                    guard !FileCalls.isTaken(path) else { throw FileCalls.taken(path) }
                    try reporting { [folder] () throws(DropError) in _ = try catalogue.extract(archived.drop, into: folder) }
                }
            case .waiting(let record):
                id = record.id
                // Under the name its member would have: nothing of the sender's name but a plain ending is used.
                let ending = record.fileName.pathExtension
                let plain = "\(record.id).\(ending.isEmpty ? "dat" : ending)"
                let name = try keepName ? PlainName.check(shown: record.fileName.description) : plain
                path = folder + "/" + name
                let bytes = try DropBytes(record, in: try options.home.open()).open()
                defer { bytes.close() }
                try write(path, in: folder) { (file) throws(CommandFailure) in
                    try bytes.forEachBlock { block throws(CommandFailure) in
                        try FileCalls.write(block, to: file.descriptor, path)
                    }
                }
            }
            print(id, path)
        }

        private func extractRejects(into folder: String) throws(CommandFailure) {
            let home = try options.home.open()
            let file = try ExtractedRejects(of: drop, home, try home.openGraph(withModels: false))
            print(file.drop, try file.write(into: folder))
        }

        private func print(_ id: DropID, _ path: String) {
            if options.home.json {
                Terminal.print(["drop": .string(id.description), "path": .string(path)])
            } else {
                Terminal.print(path)
            }
        }

        /// Makes the file, which must not be there yet, durable; takes it away again where that fails.
        private func write(
            _ path: String, in folder: String, _ fill: (FileCalls.Opened) throws(CommandFailure) -> Void
        ) throws(CommandFailure) {
            try reporting { () throws(DropError) in try Folders.make([folder]) }
            let file = try FileCalls.created(path, mode: 0o600)
            defer { file.close() }
            do throws(CommandFailure) {
                try fill(file)
                guard file.sync() else { throw CommandFailure(.storage, "\(path) cannot be synced.", "Check the disk.") }
            } catch {
                FileCalls.remove(path)
                throw error
            }
        }
    }
}
