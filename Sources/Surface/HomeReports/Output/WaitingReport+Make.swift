import CodecKit
package import DropCore
import DropSpooling
package import DropWatch
package import HomeConfiguration
package import Pipeline
package import PluginHost
import TwinModel
package import TwinStore

extension WaitingReport {
    /// Of a running engine, as it knows it.
    ///
    /// - Parameter present: what a look at the drop zone left; nil: the watcher is asked.
    package static func running(
        _ home: Home, _ watcher: DropWatcher, _ pipeline: DropPipeline, _ host: PluginHost, present: DropWatcher.Waiting?,
        now: UInt64
    ) -> WaitingReport {
        let seen = present ?? watcher.waiting(limit: filesMax) ?? DropWatcher.Waiting(files: [], folders: [])
        let snapshot = pipeline.snapshot()
        let mistaken = mistaken(home)
        let drops = pipeline.waitingDrops().map { drop in
            Drop(record: drop.record, reason: drop.reason, seconds: seconds(since: drop.since, now))
        }
        var suspended: [Unserved] = snapshot.suspensions.filter(\.value.isOfItsOwn).map { source, why in
            Unserved(source: source.text, reason: suspension(why.error), seconds: seconds(since: why.since, now))
        }
        // A plugin that cannot run is known before a drop has come.
        for plugin in host.status() where snapshot.suspensions[plugin.source] == nil {
            guard let error = plugin.suspension, error.remedy == .suspendSource else { continue }
            suspended.append(Unserved(source: plugin.source.text, reason: suspension(error), seconds: 0))
        }
        let files = withNewSources(of: home, besidesFolders(of: home, seen.files))
            .map { snapshot.diskIsFull ? $0.asDiskIsFull : $0 }
        return WaitingReport(
            files: files + mistaken.files, drops: drops,
            unserved: mistaken.unserved + unused(seen.folders) + suspended.sorted { ($0.source ?? "") < ($1.source ?? "") }
                + storage(snapshot, now))
    }

    /// What keeps the archive, or the receipts of a source, from being written.
    private static func storage(_ snapshot: PipelineSnapshot, _ now: UInt64) -> [Unserved] {
        var found: [Unserved] = []
        if let reason = snapshot.archiveReason, let since = snapshot.archiveTrouble?.since {
            found.append(Unserved(source: nil, reason: reason, seconds: seconds(since: since, now)))
        }
        for (source, trouble) in snapshot.receiptTroubles.sorted(by: { $0.key < $1.key }) {
            found.append(
                Unserved(source: source.text, reason: trouble.receiptReason, seconds: seconds(since: trouble.since, now)))
        }
        return found
    }

    /// Of a home at rest, from its folders and its database.
    package static func atRest(_ home: Home, _ store: TwinStore) throws(DropError) -> WaitingReport {
        let seen = try explainer(home, store).survey(limit: filesMax)
        let mistaken = mistaken(home)
        let suspensions = SuspensionFile(state: home.paths.state).read()
        let now = WallClock.milliseconds()
        var drops: [Drop] = []
        let held = try store.register.drops(in: [.held])
        for record in try store.register.drops(in: [.claimed, .registered]) {
            // What the archive has closed, as after a restore, is among the drops that need a person.
            guard record.judged(in: home).state == record.state else { continue }
            var reason = WaitingReason(.ready, "It is claimed, and no daemon runs.")
            if let blocker = try blocker(of: record, home, store, held) {
                reason = WaitingReason(behind: blocker)
            } else if let known = suspensions[record.source] {
                reason = known.reason
            }
            drops.append(Drop(record: record, reason: reason, seconds: seconds(since: record.claimedAt, now)))
        }
        let unserved = suspensions.sorted { $0.key < $1.key }.map { source, known in
            Unserved(source: source.text, reason: known.reason, seconds: seconds(since: known.since, now))
        }
        // What a start will suspend, as far as the files of the configuration say it.
        let unfit = home.configuration.sources.filter { !$0.mistakes.isEmpty && suspensions[$0.name] == nil }.map { source in
            Unserved(source: source.name.text, reason: WaitingReason(mistakes: source.mistakes), seconds: 0)
        }
        return WaitingReport(
            files: besidesFolders(of: home, seen.files) + mistaken.files, drops: drops,
            unserved: mistaken.unserved + unfit + unused(seen.folders.filter { !isMadeAtStart($0, home) }) + unserved)
    }

    /// Looks at the landing folders as a daemon would, without one.
    package static func explainer(_ home: Home, _ store: TwinStore) throws(DropError) -> Explainer {
        let paths = home.paths
        return Explainer(
            sources: home.configuration.sources.map(\.watched), dropZone: paths.dropzone,
            ownership: FolderOwnership(instance: try store.facts.instanceID(), stateFolder: paths.state, homeFolder: paths.home),
            truncation: HomeLock.truncation(state: paths.state),
            copying: CopyRoom(
                of: paths.state,
                reserve: SpaceReserve(
                    share: home.configuration.limits.space.softShare, bytes: home.configuration.limits.space.softBytes)),
            owner: store.owner(of:))
    }

    /// Sources that are not served as they are configured: all of their files stay.
    package static func mistaken(_ home: Home) -> (files: [WaitingFile], unserved: [Unserved]) {
        var result: (files: [WaitingFile], unserved: [Unserved]) = ([], [])
        for broken in home.configuration.broken {
            let reason = broken.reason
            result.unserved.append(Unserved(source: broken.name, reason: reason, seconds: 0))
            guard let watched = broken.watched else { continue }
            // Others may share the folder: what is theirs is not said twice.
            let all = home.configuration.sources.map(\.watched) + [watched]
            let seen = Explainer(sources: all, dropZone: nil).survey(limit: filesMax)
            for file in seen.files where file.source == watched.name && file.reason.code != .temporaryName {
                result.files.append(
                    WaitingFile(source: file.source, folder: file.folder, name: file.name, reason: reason, age: file.age))
            }
        }
        return result
    }

    /// The folder of a source with a mistake is no folder of nobody: the source says what is the matter.
    private static func besidesFolders(of home: Home, _ files: [WaitingFile]) -> [WaitingFile] {
        let theirs = Set(home.configuration.broken.compactMap { $0.watched.map { Escaping.visible($0.folder) } })
        guard !theirs.isEmpty else { return files }
        return files.filter { file in
            file.reason.code != .notWatched || !theirs.contains { "\(file.folder)/".hasPrefix($0 + "/") }
        }
    }

    /// The folder of a source that the file of the configuration has by now is no folder of nobody either.
    private static func withNewSources(of home: Home, _ files: [WaitingFile]) -> [WaitingFile] {
        guard home.configuration.isOutOfDate, files.contains(where: { $0.reason.code == .notWatched }) else { return files }
        return files.map { file in
            // A folder of nobody is named itself, or what is in it.
            guard file.reason.code == .notWatched,
                let new = newSource(of: file.folder, home) ?? newSource(of: "\(file.folder)/\(file.name)", home)
            else { return file }
            return WaitingFile(source: nil, folder: file.folder, name: file.name, reason: new.reason, age: file.age)
        }
    }

    /// The source whose folder this is by the file of the configuration as it is now, and which the running daemon does not know;
    /// nil: none.
    static func newSource(of folder: String, _ home: Home) -> (source: SourceName, reason: WaitingReason)? {
        guard home.configuration.isOutOfDate, let now = try? Home(home.paths.home).configuration,
            let source = now.sources.first(where: { Escaping.visible($0.watched.folder) == folder }),
            home.configuration.source(source.name)?.watched.folder != source.watched.folder
        else { return nil }
        return (
            source.name,
            WaitingReason(
                .notWatched,
                "\(folder) is the folder of source \(source.name), which the daemon does not serve yet: twindrop.yaml was changed "
                    + "since it started.", hint: "Reload the daemon (SIGHUP, `systemctl reload twindrop`).")
        )
    }

    /// A folder in the drop zone that the next run makes.
    private static func isMadeAtStart(_ folder: UnusedFolder, _ home: Home) -> Bool {
        let zone = Escaping.visible(home.paths.dropzone)
        return folder.reason.code == .folderMissing && (folder.folder == zone || folder.folder.hasPrefix(zone + "/"))
    }

    private static func unused(_ folders: [UnusedFolder]) -> [Unserved] {
        folders.flatMap { folder -> [Unserved] in
            let seconds = folder.since.components.seconds
            if folder.sources.isEmpty { return [Unserved(source: nil, reason: folder.reason, seconds: seconds)] }
            return folder.sources.map { Unserved(source: $0.text, reason: folder.reason, seconds: seconds) }
        }
    }

    package static func suspension(_ error: DropError) -> WaitingReason {
        WaitingReason(.sourceSuspended, Escaping.visible(error.message), hint: error.hint)
    }

    private static func blocker(
        of record: DropRecord, _ home: Home, _ store: TwinStore, _ held: [DropRecord]
    ) throws(DropError) -> DropRecord? {
        guard let source = home.configuration.source(record.source), source.order != .none else { return nil }
        let before = held.filter { $0.source == record.source } + (try store.register.blocking(record.source, source.order))
        return before.filter { blocker in
            source.order == .name && blocker.fileName != record.fileName
                ? blocker.fileName.bytes.lexicographicallyPrecedes(record.fileName.bytes) : blocker.id < record.id
        }.min { $0.id < $1.id }
    }

    private static func seconds(since milliseconds: UInt64, _ now: UInt64) -> Int64 {
        now > milliseconds ? Int64(clamping: (now - milliseconds) / 1000) : 0
    }
}

extension WaitingFile {
    /// A complete file that only waits because nothing is claimed now.
    package var asDiskIsFull: WaitingFile {
        guard reason.code == .queued else { return self }
        return WaitingFile(source: source, folder: folder, name: name, reason: WaitingReason(.diskFull), age: age)
    }
}

extension BrokenSource {
    /// Why its files stay, with the place of every mistake.
    package var reason: WaitingReason { WaitingReason(mistakes: mistakes) }
}

extension WaitingReason {
    fileprivate init(mistakes: [ConfigurationError]) {
        let places = mistakes.prefix(3).map(\.description).joined(separator: " ")
        let more = mistakes.count > 3 ? " And \(mistakes.count - 3) more." : ""
        self.init(
            .sourceMistake, places + more,
            hint: "Correct it, then start or reload the daemon; `twindrop source check` names every mistake.")
    }
}
