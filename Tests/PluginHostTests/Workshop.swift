import CTwinDropWire
import DropCore
import Foundation
import Glibc
import ProgramKit
import Synchronization

@testable import PluginHost

/// Compiles the C sources of `Hostile/`, once each, and knows where the built worker is.
enum Workshop {
    static let testsFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    static let root = testsFolder.deletingLastPathComponent().deletingLastPathComponent()

    /// One folder for the whole run, removed at its end; left to the system's cleaning of temporary files when a test crashes.
    static let folder: URL = {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("plugin-host-tests-\(getpid())")
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)  // compile() says what fails
        atexit { try? FileManager.default.removeItem(at: Workshop.folder) }
        return folder
    }()

    private static let built = Mutex<Set<String>>([])

    static let worker = BuiltPrograms.path("twindrop-worker")

    /// The library of plugin `name`.
    static func plugin(_ name: String) -> String {
        compile(
            name + ".so",
            [
                "-shared", "-fPIC", "-I\(root.path)/Sources/PluginSide/CTwinDropPlugin/include",
                "\(testsFolder.path)/Hostile/\(name).c",
                "-lpthread",
            ])
    }

    /// The program `name`, with the host's end of the wire.
    static func program(_ name: String) -> String {
        compile(
            name,
            [
                "-I\(root.path)/Sources/Adapters/CTwinDropWire/include", "\(testsFolder.path)/Hostile/\(name).c",
                "\(root.path)/Sources/Adapters/CTwinDropWire/wire_host.c",
            ])
    }

    /// A plugin of the repository, from its folder.
    static func repositoryPlugin(_ name: String, sources: [String]) -> String {
        let files = sources.map { "\(root.path)/Plugins/\(name)/Sources/\($0)" }
        return compile(name + ".so", ["-shared", "-fPIC", "-I\(root.path)/Sources/PluginSide/CTwinDropPlugin/include"] + files)
    }

    /// A library made of C source text, compiled as docs/plugin-abi.md says.
    static func plugin(_ name: String, source: String) -> String {
        let file = folder.appendingPathComponent(name + ".c").path
        do { try source.write(toFile: file, atomically: true, encoding: .utf8) } catch { fatalError("\(file): \(error)") }
        let include = "-I\(root.path)/Sources/PluginSide/CTwinDropPlugin/include"
        return compile(name + ".so", ["-std=c11", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", include, file])
    }

    private static func compile(_ product: String, _ arguments: [String]) -> String {
        let path = folder.appendingPathComponent(product).path
        return built.withLock { built in
            guard built.insert(product).inserted else { return path }
            let words = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-o", path] + arguments
            do {
                let ended = try Child.run("cc", words, merging: true)
                precondition(ended.code == 0, "\(product) does not compile: \(ended.text)")
            } catch { fatalError("cc cannot be run: \(error)") }
            return path
        }
    }

    private static let counter = Atomic<UInt64>(1)

    /// A drop id that no other test has.
    static func dropID() -> DropID { DropID(high: 1, low: counter.add(1, ordering: .relaxed).newValue) }

    /// An open descriptor on a memory file with this content.
    static func input(_ content: String) -> CInt {
        let bytes = Array(content.utf8)
        return unsafe bytes.withUnsafeBytes { unsafe td_wire_seal("input", $0.baseAddress, $0.count) }
    }
}

/// No keys before the first drop.
struct EmptyKeyTable: KeyTable {
    var names: [String] = []
    func keys(of source: SourceName) throws(DropError) -> [String] { names }
}

/// Keeps what it is given.
final class RecordingSink: OperationSink {
    private(set) var bytes: [UInt8] = []
    private(set) var frames = 0
    private(set) var restarts = 0
    /// Thrown by the next `absorb`, once.
    var error: DropError?

    func absorb(_ entries: RawSpan) throws(DropError) {
        if let error {
            self.error = nil
            throw error
        }
        frames += 1
        unsafe entries.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }

    func restart() throws(DropError) {
        bytes.removeAll()
        restarts += 1
    }

    var entries: [String] { StreamText.lines(of: bytes) }
}

/// One host with one source, made for a test.
struct Bench {
    let host: PluginHost
    let source = SourceName("tests")!

    /// Limits so short that a test that meets one is over soon, and long enough for a busy machine.
    static func limits() -> WorkerLimits {
        var limits = WorkerLimits()
        limits.addressSpace = 128 << 20  // so that it is full soon
        limits.silence = .seconds(3)
        limits.processorTime = .milliseconds(500)
        limits.wallTime = .seconds(20)
        limits.outputBytes = 8 << 20
        return limits
    }

    init(
        _ plugin: String, settings: String = "{}", lookups: [PluginSource.Lookup] = [], limits: WorkerLimits = Bench.limits(),
        worker: String = Workshop.worker, keys: [String] = []
    ) {
        let path = plugin.contains("/") ? plugin : Workshop.plugin(plugin)
        host = PluginHost(
            configuration: .init(
                workerPath: worker,
                sources: [PluginSource(name: source, libraryPath: path, settings: settings, lookups: lookups, limits: limits)],
                keyTable: EmptyKeyTable(names: keys)))
    }

    /// Transforms `content` into `sink`.
    @discardableResult
    func run(
        _ content: String = "a 1\n", name: String = "drop.csv", drop: DropID = Workshop.dropID(),
        into sink: RecordingSink = RecordingSink(), isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(DropError) -> TransformSummary {
        let descriptor = Workshop.input(content)
        defer { close(descriptor) }
        return try host.transform(
            TransformJob(
                drop: drop, source: source, fileName: FileName(name), descriptor: descriptor, bytes: UInt64(content.utf8.count),
                isCancelled: isCancelled), into: sink)
    }

    /// The error of a run that fails.
    func failure(
        _ content: String = "a 1\n", name: String = "drop.csv", drop: DropID = Workshop.dropID(),
        into sink: RecordingSink = RecordingSink()
    ) -> DropError? {
        do throws(DropError) {
            try run(content, name: name, drop: drop, into: sink)
            return nil
        } catch { return error }
    }

    /// The process number the plugin `honest` logged.
    static func pid(_ summary: TransformSummary) -> Int32? {
        summary.log.first { $0.hasPrefix("info: pid ") }.flatMap { Int32($0.dropFirst("info: pid ".count)) }
    }
}
