import CodecKit
package import HomeConfiguration
package import DropCore
import DropSpooling
import Evidence
import Foundation
import SystemKit
import TwinModel
package import TwinStore

/// A home folder and what its configuration says.
package struct Home {
    package let configuration: Configuration

    package var paths: Configuration.Paths { configuration.paths }
    package var controlSocket: String { paths.state + "/control.sock" }

    package init(_ folder: String) throws(CommandFailure) {
        System.keepFilesToOwner()
        if let refusal = Access.refusal(of: folder + "/" + Configuration.fileName) { throw refusal }
        guard FileManager.default.fileExists(atPath: folder + "/" + Configuration.fileName) else {
            throw CommandFailure(
                .usage, "\(folder) is no TwinDrop home: it has no \(Configuration.fileName).",
                "Make one with `twindrop init \(folder)`, or name another with --home.")
        }
        do {
            configuration = try Configuration.tolerant(home: folder, installedPlugins: Installation.current.plugins)
        } catch { throw Self.failure(error) }
    }

    /// What is served must be right: a mistake outside the sources, or in all of them, is told, and nothing begins. One in a
    /// source stops only that source.
    package func checkServable() throws(CommandFailure) {
        let isServed = configuration.sources.contains { $0.mistakes.isEmpty }
        let isMistaken = !configuration.broken.isEmpty || configuration.sources.contains { !$0.mistakes.isEmpty }
        guard !configuration.mistakes.isEmpty || isMistaken && !isServed, let all = configuration.allMistakes else { return }
        throw Self.failure(all)
    }

    /// A file that as a whole cannot be read names no source: to say that there are none would not be true.
    package func checkReadable() throws(CommandFailure) {
        guard configuration.sources.isEmpty, configuration.broken.isEmpty,
            configuration.mistakes.contains(where: { [.syntax, .unreadable, .tooLarge].contains($0.code) }),
            let all = configuration.allMistakes
        else { return }
        throw Self.failure(all)
    }

    package static func failure(_ errors: ConfigurationErrors) -> CommandFailure {
        CommandFailure(.usage, lines: errors.description.split(separator: "\n").map(String.init))
    }

    /// The drop a person means (`DropChoice`).
    package func drop(_ text: String, in store: TwinStore) throws(CommandFailure) -> DropRecord {
        let names = [FileName(text)] + [FileName(escaped: text)].compactMap { $0 }.filter { $0.bytes != Array(text.utf8) }
        let found = try reporting { () throws(DropError) in
            // As the file system has the name, or as commands show it.
            try store.register.find(text, limit: 200)
                + (names.count > 1 ? store.register.drops(named: names[1], limit: 200) : [])
        }
        let candidates = found.map { (drop) in
            DropChoice.Candidate(
                id: drop.id, name: names.contains(drop.fileName) ? drop.fileName.description : nil, value: drop)
        }
        guard let drop = try DropChoice.choose(text, candidates) else {
            if let failure = forgottenDrop(text) { throw failure }
            throw CommandFailure(
                .negative, "No drop has the id or file name \(Escaping.visible(text)).", "`twindrop drops` lists them.")
        }
        return drop
    }

    /// What is said of a drop that the archive has and the database, which is older, has forgotten; nil: the archive has none.
    package func forgottenDrop(_ text: String) -> CommandFailure? {
        guard let forgotten = forgotten(text) else { return nil }
        return CommandFailure(
            .negative,
            "The database has forgotten drop \(forgotten.drop) (\(forgotten.file) of source \(forgotten.source)), archived "
                + "\(Times.shown(forgotten.archivedAt)) as \(forgotten.kind).",
            "Its bytes come back with `twindrop archive extract \(forgotten.drop) --into DIR --keep-name`; "
                + "`twindrop drop FILE --source \(forgotten.source)` delivers them again.")
    }

    /// The newest drop of this id or file name in the archive alone: the database is older.
    private func forgotten(_ text: String) -> ArchivedDrop? {
        guard Folders.exists(paths.archive + "/chain.log") else { return nil }
        let prefix = text.uppercased()
        var found: ArchivedDrop?
        // An archive that cannot be read is said by `verify`; here it knows of nothing.
        try? ArchiveCatalogue(root: paths.archive).list(damaged: true) { drop in
            if drop.file == text || drop.drop.description.hasPrefix(prefix) { found = drop }
            return true
        }
        return found
    }

    /// The database for reading, beside a daemon or without one. In a home that never ran it is made first, under the lock.
    ///
    /// - Parameter forManyTwins: with the index of all twins, which takes a second per million; without it each twin is searched
    ///   for.
    /// - Parameter withModels: false where only drops are looked at.
    package func openGraph(forManyTwins: Bool = false, withModels: Bool = true) throws(CommandFailure) -> TwinStore {
        if let refusal = Access.refusal(of: paths.state + "/twin.db") { throw refusal }
        return try reporting { () throws(DropError) in
            if !TwinStore.exists(folder: paths.state) || TwinStore.wasInterrupted(folder: paths.state) {
                try ArchiveConsistency.checkForDatabase(state: paths.state, archive: paths.archive)
                try Folders.make([paths.state])
                let lock = try HomeLock(state: paths.state)
                try TwinStore.open(folder: paths.state).close()
                if !lock.wasUnclean { try lock.release() }  // What an end by a fault asks for is the next start's.
            }
            return try forManyTwins
                ? TwinStore.openForDryRun(folder: paths.state)
                : TwinStore.openReader(folder: paths.state, withModels: withModels)
        }
    }

    package func source(_ name: String) throws(CommandFailure) -> Source {
        if let name = SourceName(name), let source = configuration.source(name) { return source }
        if let broken = configuration.broken.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
            throw CommandFailure(.usage, lines: broken.mistakes.map(\.description) + [consequence(of: broken)])
        }
        try checkReadable()
        throw CommandFailure(
            .usage, "No source is called \(Escaping.visible(name)).",
            "Sources: " + configuration.sources.map(\.name.text).joined(separator: ", "))
    }
}

extension Home {
    private func consequence(of broken: BrokenSource) -> String {
        guard HomeLock.isHeld(state: paths.state) else {
            return "Source \(broken.name) is not served until that is corrected."
        }
        let folder = broken.watched.map { "its folder \(Escaping.visible($0.folder))" } ?? "its folder"
        return "This command goes by the file as it is now. The daemon goes on with the configuration it started with, "
            + "and takes what is put into \(folder)."
    }
}

extension TwinStore {
    /// The source of a drop; nil where it is not known. Who cannot be told by a name stays where it is.
    @Sendable package func owner(of drop: DropID) -> SourceName? { (try? register.drop(drop))?.source }
}

extension Installation {
    /// What this executable belongs to.
    package static let current = Installation(
        executable: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0])

    /// A program of the installation; where it is missing, its name, which then cannot be started and is reported.
    package func path(of program: String) -> String {
        (program == "twindrop-watch" ? watch : worker) ?? searched[0] + "/" + program
    }
}
