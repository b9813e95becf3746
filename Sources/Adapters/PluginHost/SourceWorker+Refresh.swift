import DropCore
import SystemKit
import ThreadKit

extension SourceWorker {
    /// What the next drop of the source runs.
    struct Loaded: Sendable {
        let plugin: LoadedPlugin
        let transformDigest: ContentDigest
    }

    /// A moment by two clocks.
    struct Examined: Sendable {
        /// Nanoseconds since 1970; may jump.
        let wall = SystemClock.wall()
        /// Nanoseconds; never jumps.
        let monotonic = SystemClock.monotonic()
    }

    /// So long what was examined counts for drops that were claimed before. Nobody starts a command in that time.
    private static let examinedFor: Int64 = 20_000_000

    /// What the next drop runs, if the files were examined after it was claimed (milliseconds since 1970) and just now; nil where
    /// they must be examined again. From any thread.
    func examined(after claimedAt: UInt64) -> Loaded? {
        state.withoutWaking { state in
            guard state.defect == nil, let loaded = state.loaded, let examined = state.examined,
                Int64(clamping: claimedAt) < examined.wall / 1_000_000,
                SystemClock.monotonic() - examined.monotonic < Self.examinedFor
            else { return nil }
            return loaded
        }
    }

    /// Reads the files again that changed on disk since the last call: library, manifest, mapping, lookups. If their content
    /// changed, the next drop gets a new worker. Inside the source worker.
    ///
    /// Errors: what makes the new files unusable (remedy suspendSource), again at each call until they change or `resume` is
    /// called; `plugin-changing` (retry) while one of them is being written.
    @discardableResult
    func refresh() throws(DropError) -> Loaded {
        let (known, loaded, defect) = state.with { ($0.marks, $0.loaded, $0.defect) }
        let examined = Examined()
        var marks = FileVersion.all(files(of: source))
        if let known, known == marks {
            if let defect { throw defect }
            if let loaded {
                state.withoutWaking { $0.examined = examined }
                return loaded
            }
        }
        if known != nil, marks.values.contains(where: \.isFresh) {
            throw DropError(
                .pluginChanging, "A file that source \(name) runs by was changed a moment ago.",
                hint: "You need not do anything: it is read when it has not changed for a second.",
                remedy: .retry(after: .milliseconds(250)))
        }
        do throws(DropError) {
            var next = source
            if known != nil, let reread = host.reread {
                next = try reread(name)
            } else if let defect = next.defect {
                throw defect
            }
            for path in files(of: next) where marks[path] == nil { marks[path] = FileVersion(of: path) }
            let plugin = try host.plugin(at: next.libraryPath)
            let fresh = Loaded(plugin: plugin, transformDigest: next.transformDigest(library: plugin.library.digest))
            if fresh.transformDigest != loaded?.transformDigest { discard() }
            state.with { state in
                state.source = next
                state.marks = marks
                state.examined = examined
                state.defect = nil
                if fresh.transformDigest != state.loaded?.transformDigest {
                    // Failures of the earlier plugin do not count for this one.
                    state.hello = nil
                    state.suspension = nil
                    state.failed.removeAll()
                    state.hasProved = false
                }
                state.loaded = fresh
            }
            return fresh
        } catch {
            state.with { state in
                state.marks = marks
                state.examined = nil
                if error.remedy == .suspendSource { state.defect = error }
            }
            throw error
        }
    }

    /// How long after a worker could not be started it is tried again: the cause need not be one of the source's files.
    private static let startRetry = Duration.seconds(60)

    /// Whether the source is suspended, and a file it runs by was changed since.
    var isWorthAnotherTry: Bool {
        let (marks, defect, suspension, since) = state.with { ($0.marks, $0.defect, $0.suspension, $0.suspendedAt) }
        guard defect != nil || suspension != nil, let marks else { return false }
        let rested = SystemClock.monotonic() - since
        if defect == nil, suspension?.code == .pluginMissing, rested >= Self.startRetry.wholeNanoseconds { return true }
        let now = FileVersion.all(files(of: source))
        return now != marks && !now.values.contains(where: \.isFresh)
    }

    private func files(of source: PluginSource) -> [String] {
        source.files + [source.libraryPath, PluginCatalog.manifestPath(ofLibrary: source.libraryPath)]
    }
}
