public import CTwinDropPlugin

/// A plugin that turns the files of one kind of system into operations on twins.
///
/// One instance serves one source: it is made once and transforms one file after the other, on one thread. The same bytes and
/// settings give the same operations: no clock, no random numbers, no files, no network. Export it with one line:
///
///     @_cdecl("twindrop_plugin_v1")
///     public func entry(major: UInt16, minor: UInt16) -> UnsafePointer<td_plugin>? {
///         unsafe exportPlugin(MyPlugin.self, major, minor)
///     }
public protocol TransformerPlugin {
    /// As in the manifest: lower-case-with-hyphens.
    static var id: StaticString { get }
    /// As in the manifest: a semantic version.
    static var version: StaticString { get }

    /// Reads the settings and interns every name it will use.
    ///
    /// Errors: kind `settings`, with the path of the setting.
    init(host: Host) throws(PluginError)

    /// How sure it is that it can read a file of this name that starts with `head` (at most 64 KiB): 0 no, 100 certain.
    func probe(name: Bytes, head: Bytes) -> Int

    /// Reads the whole input and gives its operations.
    mutating func transform(_ input: Input, into output: Output) throws(PluginError)
}

/// Makes the descriptor of `plugin`, the one plugin of this library. `major` and `minor` are the newest ABI of the host; nil when
/// that is older than what this SDK was built with.
public func exportPlugin(_ plugin: any TransformerPlugin.Type, _ major: UInt16, _ minor: UInt16) -> UnsafePointer<td_plugin>? {
    guard major == UInt16(TD_ABI_MAJOR), minor >= UInt16(TD_ABI_MINOR) else { return nil }
    unsafe PluginExport.type = plugin
    unsafe PluginExport.descriptor.pointee.id = cString(plugin.id)
    unsafe PluginExport.descriptor.pointee.version = cString(plugin.version)
    return unsafe UnsafePointer(PluginExport.descriptor)
}

private func cString(_ text: StaticString) -> UnsafePointer<CChar> {
    unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// One plugin instance behind the opaque pointer of the ABI.
@safe
private final class InstanceBox {
    let host: UnsafePointer<td_host>
    var plugin: any TransformerPlugin

    init(host: UnsafePointer<td_host>, plugin: any TransformerPlugin) {
        unsafe self.host = host
        self.plugin = plugin
    }

    static func of(_ instance: OpaquePointer) -> InstanceBox {
        unsafe Unmanaged<InstanceBox>.fromOpaque(UnsafeRawPointer(instance)).takeUnretainedValue()
    }
}

private enum PluginExport {
    /// Written by the entry function only, which the host calls once, before all else, on the worker's one thread.
    nonisolated(unsafe) static var type: (any TransformerPlugin.Type)?

    /// Written as above; never freed.
    nonisolated(unsafe) static let descriptor: UnsafeMutablePointer<td_plugin> = {
        let descriptor = UnsafeMutablePointer<td_plugin>.allocate(capacity: 1)
        unsafe descriptor.initialize(
            to: td_plugin(
                struct_size: UInt32(MemoryLayout<td_plugin>.size), abi_major: UInt16(TD_ABI_MAJOR),
                abi_minor: UInt16(TD_ABI_MINOR),
                id: cString(""), version: cString(""),
                create: { host, instance in unsafe create(host, instance) },
                probe: { instance, name, head, length in unsafe probe(instance, name, head, length) },
                transform: { instance in unsafe transform(instance) },
                destroy: { instance in
                    guard let instance = unsafe instance else { return }
                    unsafe Unmanaged<InstanceBox>.fromOpaque(UnsafeRawPointer(instance)).release()
                },
                extension: nil))
        return unsafe descriptor
    }()

    static func create(_ host: UnsafePointer<td_host>?, _ instance: UnsafeMutablePointer<OpaquePointer?>?) -> Int32 {
        guard let host = unsafe host, let instance = unsafe instance, let type = unsafe type else {
            return PluginError.Kind.internal.rawValue
        }
        unsafe instance.pointee = nil
        do throws(PluginError) {
            let plugin = try type.init(host: unsafe Host(host))
            let box = unsafe InstanceBox(host: host, plugin: plugin)
            unsafe instance.pointee = OpaquePointer(Unmanaged.passRetained(box).toOpaque())
            return 0
        } catch {
            unsafe Host(host).fail(error)
            return error.kind.rawValue
        }
    }

    static func probe(_ instance: OpaquePointer?, _ name: td_text, _ head: UnsafeRawPointer?, _ length: Int) -> Int32 {
        guard let instance = unsafe instance else { return 0 }
        let confidence = unsafe InstanceBox.of(instance).plugin.probe(
            name: bytes(UnsafeRawPointer(name.bytes), name.length), head: bytes(head, length))
        return Int32(max(0, min(100, confidence)))
    }

    static func transform(_ instance: OpaquePointer?) -> Int32 {
        guard let instance = unsafe instance else { return PluginError.Kind.internal.rawValue }
        let box = unsafe InstanceBox.of(instance)
        do throws(PluginError) {
            try unsafe box.plugin.transform(Input(box.host), into: Output(box.host))
            return 0
        } catch {
            unsafe Host(box.host).fail(error)
            return error.kind.rawValue
        }
    }

    private static func bytes(_ start: UnsafeRawPointer?, _ count: Int) -> Bytes {
        guard let start = unsafe start else { return .empty }
        return unsafe Bytes(start: start.assumingMemoryBound(to: UInt8.self), count: count)
    }
}
