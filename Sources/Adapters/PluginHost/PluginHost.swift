import CTwinDropWire
package import DropCore
import Synchronization
import SystemKit
import ThreadKit

/// Runs the plugins of all sources, each in a separate sandboxed process (`twindrop-worker`), which stays ready between the drops
/// of its source. A plugin can fail only its own drop.
///
/// Blocking; safe from any thread. Drops of different sources run in parallel, those of one source one after the other.
package final class PluginHost: Transformer {
    /// What the host is made of.
    package struct Configuration: Sendable {
        /// The program `twindrop-worker`.
        package var workerPath: String
        package var sources: [PluginSource]
        package var keyTable: any KeyTable
        /// Warm workers of all sources together; past that the longest idle ones end.
        package var warmWorkersMax: Int = 16
        /// True: do not run plugins if the kernel lacks a layer of the sandbox. False: they run with the other layers, and
        /// `sandboxMissing` names the missing ones.
        package var requiresWholeSandbox = false
        /// Reads a source again after one of its files changed; nil if nothing is ever read again but library and manifest.
        /// Errors: what is wrong with the files, remedy suspendSource. Blocking; called on any thread.
        package var reread: (@Sendable (SourceName) throws(DropError) -> PluginSource)?
        /// Called when a worker was ended for doing something while it had no work.
        package var emit: @Sendable (SourceName, String) -> Void = { _, _ in }

        package init(workerPath: String, sources: [PluginSource], keyTable: any KeyTable) {
            self.workerPath = workerPath
            self.sources = sources
            self.keyTable = keyTable
        }
    }

    /// What a loaded plugin says about itself.
    package struct Identity: Sendable, Equatable {
        package let id: String
        package let version: String
        package let abiMajor: UInt16
        package let abiMinor: UInt16
        package let digest: ContentDigest
        /// Layers of the sandbox that this kernel lacks, in words; empty when it is whole.
        package let sandboxMissing: [String]
    }

    /// How a source stands, for `status`.
    package struct SourceStatus: Sendable, Equatable {
        package let source: SourceName
        package let isRunning: Bool
        package let hasWarmWorker: Bool
        /// Different drops that failed one after the other.
        package let failuresInARow: Int
        package let suspension: DropError?
        /// Worker processes started since the host was made.
        package let workerStarts: Int
    }

    private let sourceWorkers: [SourceName: SourceWorker]
    private let context: HostContext
    private let warmWorkersMax: Int
    private let watch: WorkerWatch

    /// Nothing is loaded or started yet.
    package init(configuration: Configuration) {
        let context = HostContext(configuration)
        self.context = context
        warmWorkersMax = configuration.warmWorkersMax
        var sourceWorkers: [SourceName: SourceWorker] = [:]
        for source in configuration.sources { sourceWorkers[source.name] = SourceWorker(source: source, host: context) }
        self.sourceWorkers = sourceWorkers
        watch = WorkerWatch(Array(sourceWorkers.values), emit: configuration.emit)
    }

    deinit { close() }

    /// See `Transformer`. Beside the errors named there: `input-failed`, `plugin-failed` (TD_INTERNAL), quarantine;
    /// `plugin-digest`, `plugin-manifest`, suspendSource; `key-table`, stop; and whatever the sink throws.
    /// `cancelled` has the remedy retry, because nothing is wrong with the drop.
    package func transform(
        _ job: TransformJob, into sink: any OperationSink, ran: inout TransformSummary?
    ) throws(DropError) {
        let sourceWorker = try sourceWorker(of: job.source)
        watch.start()
        trim(except: job.source)
        try sourceWorker.alone(isCancelled: job.isCancelled) { sourceWorker throws(DropError) in
            try sourceWorker.transform(job, into: sink, ran: &ran)
        }
    }

    /// How sure the plugin of `source` is that it can read a file of this name which starts with `head` (64 KiB of it count): 0
    /// no, 100 certain. Waits for the current drop, for `patience` at most; then the error is `cancelled`.
    package func probe(
        _ source: SourceName, name: FileName, head: [UInt8], patience: Duration = .seconds(3600)
    ) throws(DropError) -> Int {
        let sourceWorker = try sourceWorker(of: source)
        let end = ContinuousClock.now + patience
        return try sourceWorker.alone(isCancelled: { ContinuousClock.now > end }) { sourceWorker throws(DropError) in
            try sourceWorker.probe(name, head: head)
        }
    }

    /// Layers of the sandbox that this kernel lacks, in words; empty when it is whole. Starts a worker for it, without a plugin,
    /// the first time. Nil if none can be started.
    package func sandboxMissing() -> [String]? { context.sandboxMissing() }

    /// Loads the plugin of `source` in a worker and returns what it says of itself: settings are checked by it, too.
    package func identify(_ source: SourceName) throws(DropError) -> Identity {
        let sourceWorker = try sourceWorker(of: source)
        let (hello, library) = try sourceWorker.alone(isCancelled: { false }) { sourceWorker throws(DropError) in
            (try sourceWorker.identify(), try sourceWorker.refresh().plugin.library)
        }
        return Identity(
            id: hello.id, version: hello.version, abiMajor: hello.abi.major, abiMinor: hello.abi.minor, digest: library.digest,
            sandboxMissing: HostContext.missing(from: hello.sandbox))
    }

    /// The errors of the plugin of `source` about its settings, a sentence each, which begins with the setting's path; empty if
    /// it accepts them. The plugin itself is asked, in a worker.
    ///
    /// Errors: other reasons why it cannot run.
    package func complaints(of source: SourceName) throws(DropError) -> [String] {
        try sourceWorker(of: source).alone(isCancelled: { false }) { sourceWorker throws(DropError) in
            try sourceWorker.complaints()
        }
    }

    /// The names of the source's keys in the order of their numbers, from 1.
    package func keys(for source: SourceName) throws(DropError) -> [String] {
        try sourceWorker(of: source).keys().texts
    }

    /// SHA-256 over the plugin's digest, the settings and the lookup tables of a source. See `Transformer`.
    package func transformDigest(of source: SourceName) throws(DropError) -> ContentDigest {
        try sourceWorker(of: source).alone(isCancelled: { false }) { sourceWorker throws(DropError) in
            try sourceWorker.refresh().transformDigest
        }
    }

    package func transformDigest(of source: SourceName, claimedAt: UInt64) throws(DropError) -> ContentDigest {
        if let known = sourceWorkers[source]?.examined(after: claimedAt) { return known.transformDigest }
        return try transformDigest(of: source)
    }

    package func dialect(of source: SourceName) -> TextDialect? { sourceWorkers[source]?.source.dialect }

    /// Ends a suspension: the source's plugin and files are tried again.
    package func resume(_ source: SourceName) {
        sourceWorkers[source]?.state.with { state in
            state.suspension = nil
            state.failed.removeAll()
            if state.defect != nil { (state.defect, state.loaded) = (nil, nil) }
        }
    }

    /// Whether `source` is suspended and the files it runs by were changed since: `resume` may help. Looks at the files.
    package func isWorthAnotherTry(_ source: SourceName) -> Bool { sourceWorkers[source]?.isWorthAnotherTry ?? false }

    /// All sources, by name.
    package func status() -> [SourceStatus] {
        sourceWorkers.values.sorted { $0.name < $1.name }.map { sourceWorker in
            sourceWorker.state.with { state in
                SourceStatus(
                    source: sourceWorker.name, isRunning: state.isBusy, hasWarmWorker: state.hasWorker,
                    failuresInARow: state.failed.count, suspension: state.suspension ?? state.defect, workerStarts: state.starts)
            }
        }
    }

    /// Ends the idle workers. Running drops end by themselves or by their `isCancelled`. New ones are refused as `cancelled`.
    package func close() {
        watch.stop()
        for sourceWorker in sourceWorkers.values { sourceWorker.retire(close: true) }
    }

    private func sourceWorker(of source: SourceName) throws(DropError) -> SourceWorker {
        if let sourceWorker = sourceWorkers[source] { return sourceWorker }
        throw DropError(
            .pluginMissing, "Source \(source) has no plugin.", hint: "Name a plugin in the source's configuration.",
            remedy: .suspendSource)
    }

    /// Ends the longest idle workers until a new one fits.
    private func trim(except source: SourceName) {
        let warm = sourceWorkers.values.compactMap { sourceWorker in
            sourceWorker.state.with { $0.hasWorker ? (used: $0.lastUsedAt, sourceWorker: sourceWorker) : nil }
        }
        guard warm.count >= warmWorkersMax else { return }
        let idle = warm.filter { $0.sourceWorker.name != source }.sorted { $0.used < $1.used }
        for victim in idle.prefix(warm.count - warmWorkersMax + 1) { victim.sourceWorker.retire() }
    }
}

/// A library as it was read, with the manifest that lay beside it then.
final class LoadedPlugin: Sendable {
    let library: PluginLibrary
    let manifest: PluginManifest?

    init(library: PluginLibrary, manifest: PluginManifest?) {
        self.library = library
        self.manifest = manifest
    }
}

/// Shared by all lanes: the worker program, and each library once.
final class HostContext: Sendable {
    let workerPath: String
    let keyTable: any KeyTable
    let sandbox = UInt32(TD_SANDBOX_ALL)
    let requiresWholeSandbox: Bool
    let reread: (@Sendable (SourceName) throws(DropError) -> PluginSource)?
    let known = Mutex<[String]?>(nil)
    private let plugins = Mutex<[String: (plugin: LoadedPlugin, marks: [String: FileVersion])]>([:])

    init(_ configuration: PluginHost.Configuration) {
        workerPath = configuration.workerPath
        keyTable = configuration.keyTable
        requiresWholeSandbox = configuration.requiresWholeSandbox
        reread = configuration.reread
    }

    /// The library at `path` with its manifest, read the first time and after either file changed. Without a manifest the
    /// library's own words count.
    func plugin(at path: String) throws(DropError) -> LoadedPlugin {
        try plugins.withLock { known throws(DropError) in
            let marks = FileVersion.all([path, PluginCatalog.manifestPath(ofLibrary: path)])
            if let known = known[path], known.marks == marks { return known.plugin }
            let library = try PluginLibrary(path: path)
            let found = PluginCatalog.inspect(libraryPath: path) { () throws(DropError) in library }
            if let defect = found.defect, !(defect.code == .pluginManifest && found.isWithoutManifest) { throw defect }
            let plugin = LoadedPlugin(library: library, manifest: found.manifest)
            known[path] = (plugin, marks)
            return plugin
        }
    }

    /// Refuses a sandbox that lacks a layer, if all layers are required.
    func check(sandbox layers: UInt32) throws(WorkerFailure) {
        let missing = Self.missing(from: layers)
        guard requiresWholeSandbox, !missing.isEmpty else { return }
        throw WorkerFailure(
            .sandbox,
            "This kernel cannot build the whole sandbox, which is required; missing: \(missing.joined(separator: ", ")).")
    }

    /// Compares what the plugin says about itself with its manifest.
    func check(_ hello: Worker.Hello, plugin: LoadedPlugin) throws(WorkerFailure) {
        if let manifest = plugin.manifest,
            Array(manifest.id.utf8) != Array(hello.id.utf8) || Array(manifest.version.utf8) != Array(hello.version.utf8)
        {
            throw WorkerFailure(
                .manifest,
                "The library says it is \(hello.id) \(hello.version), its manifest says \(manifest.id) \(manifest.version)."
            )
        }
    }

    static func missing(from layers: UInt32) -> [String] {
        let names: [(Int, String)] = [
            (TD_SANDBOX_LIMITS, "resource limits"), (TD_SANDBOX_NO_PRIVILEGES, "no_new_privs"),
            (TD_SANDBOX_FILES, "Landlock for files"), (TD_SANDBOX_NETWORK, "Landlock for TCP"),
            (TD_SANDBOX_SIGNALS, "Landlock for signals"), (TD_SANDBOX_CALLS, "seccomp"),
        ]
        return names.compactMap { Int(layers) & $0.0 == 0 ? $0.1 : nil }
    }
}
