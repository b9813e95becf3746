public import CTwinDropPlugin
internal import Glibc
internal import Synchronization

/// Runs a plugin in this process against a recording host: for golden tests and for looking at what a plugin does.
///
///     let harness = try PluginHarness(library: "libmapping.so", settings: #"{"twins": […]}"#)
///     let recording = try harness.transform(file: "Samples/orders.csv")
///     #expect(try GoldenFile("Samples/orders.golden.ndjson").differences(from: recording).isEmpty)
///
/// There is no sandbox here: a plugin that crashes also ends the test. Use one harness on one thread at a time.
@safe
public final class PluginHarness {
    /// How many records and spans are kept with their operations; the counts of a recording go on. For large inputs.
    public var recordsKept = Int.max

    /// As the plugin states them.
    public let id: String
    public let version: String

    private let plugin: UnsafePointer<td_plugin>
    private let instance: OpaquePointer
    private let host: FakeHost

    /// Between the entry call and `create`, the SDK remembers which plugin a library exports. So harnesses of one process take
    /// turns.
    private static let creation = Mutex(())

    /// Loads the library at `path`, which stays loaded, and makes an instance.
    ///
    /// Errors: the library cannot be loaded, refuses this ABI, or refuses the settings.
    public convenience init(
        library path: String, settings: String = "{}", lookups: [String: [String: String]] = [:]
    ) throws(HarnessError) {
        guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            throw HarnessError("\(path): \(unsafe String(cString: dlerror()))")
        }
        guard let symbol = unsafe dlsym(handle, "twindrop_plugin_v1") else {
            throw HarnessError("\(path) exports no twindrop_plugin_v1. Is it a plugin?")
        }
        let entry = unsafe unsafeBitCast(symbol, to: td_plugin_entry.self)
        try unsafe self.init(entry: entry, settings: settings, lookups: lookups)
    }

    /// Makes an instance of the plugin that `entry` describes: a plugin linked into this process.
    ///
    /// Errors: it refuses this ABI or the settings.
    public init(
        entry: td_plugin_entry, settings: String = "{}", lookups: [String: [String: String]] = [:]
    ) throws(HarnessError) {
        let host = FakeHost(settings: settings, lookups: lookups)
        var found: UnsafePointer<td_plugin>?
        var instance: OpaquePointer?
        var status: Int32 = 0
        Self.creation.withLock { _ in
            unsafe found = entry(UInt16(TD_ABI_MAJOR), UInt16(TD_ABI_MINOR))
            if let plugin = unsafe found { status = unsafe plugin.pointee.create(host.pointer, &instance) }
        }
        guard let plugin = unsafe found else { throw HarnessError("The plugin refuses ABI \(TD_ABI_MAJOR).\(TD_ABI_MINOR).") }
        guard status == 0, let instance = unsafe instance else {
            let message = host.takeFailure() ?? "no message"
            throw HarnessError("create() answers \(Recording.statusName(status)): \(message)")
        }
        id = unsafe String(cString: plugin.pointee.id)
        version = unsafe String(cString: plugin.pointee.version)
        unsafe self.plugin = plugin
        unsafe self.instance = instance
        self.host = host
    }

    deinit { unsafe plugin.pointee.destroy(instance) }

    /// How sure the plugin is that it can read a file of this name with these first bytes: 0 to 100.
    public func probe(name: String, head: [UInt8]) -> Int {
        let name = FakeHost.KeptText(name)
        let head = Array(head.prefix(64 * 1024))
        return unsafe head.withUnsafeBytes { bytes in
            unsafe Int(plugin.pointee.probe(instance, name.text, bytes.baseAddress, bytes.count))
        }
    }

    /// Transforms the file at `path`.
    ///
    /// Errors: the file cannot be read.
    public func transform(file path: String, readBytes: Int = .max) throws(HarnessError) -> Recording {
        let name = path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(decoding: $0, as: UTF8.self) } ?? path
        return transform(try FileBytes.read(path), name: name, readBytes: readBytes)
    }

    /// Transforms `bytes`, handed over in pieces of at most `readBytes`.
    public func transform(_ bytes: [UInt8], name: String, readBytes: Int = .max) -> Recording {
        var position = 0
        return unsafe transform(name: name, size: UInt64(bytes.count)) { buffer in
            let count = min(readBytes, buffer.count, bytes.count - position)
            for index in 0..<count { unsafe buffer[index] = bytes[position + index] }
            position += count
            return count
        }
    }

    /// Transforms what `read` gives: it fills the buffer and says how many bytes, 0 at the end, -1 for a failure.
    public func transform(name: String, size: UInt64, read: @escaping (UnsafeMutableRawBufferPointer) -> Int) -> Recording {
        host.recordsKept = recordsKept
        unsafe host.read = read
        host.begin(name: name, size: size)
        let status = unsafe plugin.pointee.transform(instance)
        unsafe host.read = { _ in 0 }
        return host.end(status: status)
    }

    /// Lets `cancelled()` answer true from now on.
    public func cancel() { host.isCancelled = true }
}
