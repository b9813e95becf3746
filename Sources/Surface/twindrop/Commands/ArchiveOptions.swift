import ArgumentParser
import CodecKit
import HomeConfiguration
import DropCore
import Evidence
import Foundation
import HomeReports
import TwinModel
import TwinStore

/// Commands that need an archive and nothing else: `--archive DIR` in place of `--home`.
struct ArchiveOptions: ParsableArguments {
    @OptionGroup var home: HomeOptions
    @Option(help: ArgumentHelp("An archive folder, in place of a home.", valueName: "dir"), completion: .directory) var archive:
        String?

    /// The archive folder, absolute. One that was named and is none is an error.
    func folder() throws(CommandFailure) -> String {
        guard let archive else { return try home.open().paths.archive }
        let folder = URL(fileURLWithPath: archive).standardizedFileURL.path
        if let refusal = Access.refusal(of: folder) { throw refusal }
        guard FileCalls.isFolder(folder) else {
            throw CommandFailure(
                .usage, "There is no folder \(Escaping.visible(folder)).", "Name the folder that holds chain.log.")
        }
        // One that cannot be listed is opened below, which says why.
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return folder }
        if names.contains(where: { $0 == "chain.log" || $0 == "seals" || ($0.count == 4 && UInt($0) != nil) }) { return folder }
        throw CommandFailure(.usage, "\(Escaping.visible(folder)) holds no archive.", "Name the folder that holds chain.log.")
    }

    /// The home and its database; nil with `--archive`, and where there is no database yet.
    func opened() throws(CommandFailure) -> (home: Home, store: TwinStore)? {
        guard archive == nil else { return nil }
        let opened = try home.open()
        guard TwinStore.exists(folder: opened.paths.state) else { return nil }
        return (opened, try opened.openGraph(withModels: false))
    }

    /// What the home's database knows of its archive; nil with `--archive`, and where there is no database yet.
    func consistency() throws(CommandFailure) -> ArchiveConsistency? {
        guard let (home, store) = try opened() else { return nil }
        return try reporting { () throws(DropError) in try ArchiveConsistency(store, root: home.paths.archive) }
    }

    /// What is to be said of a home that has an archive and no database; nil where that is not so.
    func withoutDatabase() -> VerifyFinding? {
        guard archive == nil, let opened = try? home.open() else { return nil }  // That it cannot be opened was said before.
        do throws(DropError) {
            try ArchiveConsistency.checkForDatabase(state: opened.paths.state, archive: opened.paths.archive)
            return nil
        } catch {
            return VerifyFinding(.databaseMissing, error.message + " " + error.hint)
        }
    }

    /// True in a home whose archive has not begun.
    func isUnused(_ folder: String) throws(CommandFailure) -> Bool {
        guard archive == nil, !Folders.exists(folder + "/chain.log") else { return false }
        return try consistency()?.isEmpty ?? true
    }

    /// Drops of the home that are not in the archive yet, oldest first: held ones, and those on their way.
    func waiting() throws(CommandFailure) -> [DropRecord] {
        guard let (_, store) = try opened() else { return [] }
        return try reporting { () throws(DropError) in try store.register.unfinished().filter { $0.container == nil } }
    }
}

/// The drop a person means (`DropChoice`), in the archive or on its way there.
enum ArchivedName {
    case archived(ArchivedDrop)
    /// Held, quarantined or in hand: its bytes are in the home's state folder.
    case waiting(DropRecord)

    /// - Parameter damaged: also behind records that are damaged.
    static func find(
        _ text: String, _ options: ArchiveOptions, damaged: Bool = false
    ) throws(CommandFailure) -> ArchivedName {
        let folder = try options.folder()
        let prefix = text.uppercased()
        let names = [text, FileName(text).description]
        var found: [DropChoice.Candidate<ArchivedName>] = []
        if try !options.isUnused(folder) {
            try reporting { () throws(DropError) in
                try ArchiveCatalogue(root: folder).list(damaged: damaged) { drop in
                    let isByName = names.contains { drop.file.utf8.elementsEqual($0.utf8) }
                    if isByName || drop.drop.description.hasPrefix(prefix) {
                        found.append(.init(id: drop.drop, name: isByName ? drop.file : nil, value: .archived(drop)))
                    }
                    return true
                }
            }
        }
        for drop in try options.waiting() where !found.contains(where: { $0.id == drop.id }) {
            let isByName = names.contains(drop.fileName.description)
            if isByName || drop.id.description.hasPrefix(prefix) {
                found.append(.init(id: drop.id, name: isByName ? drop.fileName.description : nil, value: .waiting(drop)))
            }
        }
        guard let one = try DropChoice.choose(text, found) else {
            throw CommandFailure(
                .negative, "The archive has no drop \(Escaping.visible(text)).", "`twindrop archive list` lists them.")
        }
        return one
    }
}

/// First and last moment of archiving, as `--from` and `--through` say it.
struct ArchivedWhen {
    let from: UInt64?
    let through: UInt64?

    init(from: String?, through: String?) throws(CommandFailure) {
        self.from = try from.map { text throws(CommandFailure) in try Self.read(text, "--from").first }
        self.through = try through.map { text throws(CommandFailure) in try Self.read(text, "--through").last }
        if let first = self.from, let last = self.through, last < first {
            throw CommandFailure(.usage, "--through is before --from.", "Name the earlier one with --from.")
        }
    }

    private static func read(_ text: String, _ option: String) throws(CommandFailure) -> Times.Written {
        guard let time = Times.read(text) else { throw MomentOptions.noTime(text, "for \(option)") }
        guard time.first <= WallClock.milliseconds() else {
            throw CommandFailure(
                .usage, "\(Escaping.visible(text)) has not come yet, so nothing was archived then.",
                "It is \(Times.shown(WallClock.milliseconds())).")
        }
        return time
    }

    func includes(_ milliseconds: UInt64) -> Bool { (from ?? 0) <= milliseconds && milliseconds <= (through ?? .max) }

    /// True where every moment counts.
    var isAlways: Bool { from == nil && through == nil }
}
