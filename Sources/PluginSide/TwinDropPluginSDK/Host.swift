public import CTwinDropPlugin

/// The number of an interned name: a property (`component/property` for a component's), a relationship name, or a model id.
@frozen
public struct Key: Sendable, Hashable {
    @usableFromInline let number: UInt32

    @inlinable
    init(number: UInt32) { self.number = number }

    /// No key: leaves a twin's model as it is.
    public static let none = Key(number: 0)
}

/// The calls of TwinDrop that a plugin may make at any time. Valid for the life of the plugin instance, on the plugin's thread.
@safe @frozen
public struct Host {
    @usableFromInline let pointer: UnsafePointer<td_host>

    /// `pointer` is what the plugin ABI handed over.
    @inlinable
    public init(_ pointer: UnsafePointer<td_host>) { unsafe self.pointer = pointer }

    /// How important a line of the log is.
    public enum Level: Int32, Sendable { case debug = 0, info = 1, warning = 2, error = 3 }

    /// Writes a line to the drop's log. Control characters are escaped; at most 64 KiB per drop are kept.
    public func log(_ message: String, level: Level = .info) {
        unsafe withText(message) { text in unsafe pointer.pointee.log(pointer, level.rawValue, text) }
    }

    /// The source's settings.
    ///
    /// Errors: kind `settings` when they are not a JSON object, with the byte of the fault.
    public func settings() throws(PluginError) -> SettingsValue {
        let text = unsafe pointer.pointee.settings(pointer)
        guard let start = unsafe text.bytes, unsafe text.length > 0 else { return SettingsValue(path: [], content: .object([])) }
        let bytes = unsafe UnsafeBufferPointer(
            start: UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self), count: text.length)
        return try SettingsValue(json: unsafe Array(bytes))
    }

    /// The number of `name`, the same for the life of the instance. Ask once, in `init` or at the header, not for each record.
    ///
    /// Errors: kind `limit` when the source has 65,535 names already, or the name is empty or longer than 2048 bytes.
    public func key(_ name: String) throws(PluginError) -> Key {
        let number = unsafe withText(name) { text in unsafe pointer.pointee.key(pointer, text) }
        guard number != 0 else {
            throw PluginError(.limit, "'\(name)' cannot be a name: it has no 1 to 2048 bytes, or the source has too many names.")
        }
        return Key(number: number)
    }

    /// The value of `key` in the read-only lookup table `table`; nil when table or key is unknown. Valid as long as the plugin.
    @inlinable
    public func lookup(_ key: Bytes, in table: Bytes) -> Bytes? {
        var value = unsafe td_text(bytes: nil, length: 0)
        let found = unsafe pointer.pointee.lookup(pointer, Host.text(table), Host.text(key), &value)
        guard found != 0 else { return nil }
        guard let start = unsafe value.bytes else { return .empty }
        return unsafe Bytes(start: UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self), count: value.length)
    }

    /// Gives the host the message of a failure.
    func fail(_ error: PluginError) {
        guard !error.message.isEmpty else { return }  // A host function failed: the host knows why.
        let offset = error.offset.flatMap(Int64.init(exactly:)) ?? -1
        unsafe withText(error.message) { text in unsafe pointer.pointee.fail(pointer, text, offset) }
    }

    @inlinable @inline(__always)
    static func text(_ bytes: Bytes) -> td_text {
        unsafe td_text(bytes: UnsafeRawPointer(bytes.start).assumingMemoryBound(to: CChar.self), length: bytes.count)
    }

    private func withText<R>(_ text: String, _ body: (td_text) -> R) -> R {
        var text = text
        return text.withUTF8 { utf8 in
            unsafe body(
                td_text(bytes: UnsafeRawPointer(utf8.baseAddress)?.assumingMemoryBound(to: CChar.self), length: utf8.count))
        }
    }
}
