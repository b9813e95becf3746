public import CTwinDropPlugin

/// The file a plugin transforms, as a stream of bytes. Valid during `transform`.
@safe @frozen
public struct Input {
    @usableFromInline let pointer: UnsafePointer<td_host>

    @inlinable
    init(_ pointer: UnsafePointer<td_host>) { unsafe self.pointer = pointer }

    /// The file's name as its sender gave it, undecodable bytes escaped.
    public var name: String {
        let text = unsafe pointer.pointee.input_name(pointer)
        guard let start = unsafe text.bytes else { return "" }
        return unsafe Bytes(start: UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self), count: text.length).text
    }

    /// Its size in bytes.
    public var size: UInt64 { unsafe pointer.pointee.input_size(pointer) }

    /// Reads the next bytes into `buffer`: how many there were, 0 at the end of the file. May block.
    ///
    /// Errors: kind `input`.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws(PluginError) -> Int {
        let count = unsafe pointer.pointee.read(pointer, buffer.baseAddress, buffer.count)
        guard count >= 0 else { throw PluginError(.input, "The file cannot be read.") }
        return Int(min(count, Int64(buffer.count)))
    }

    /// Ends the work when its result is not wanted any more. Cheap enough for every thousandth record.
    ///
    /// Errors: kind `cancelled`.
    public func checkCancelled() throws(PluginError) {
        if unsafe pointer.pointee.cancelled(pointer) != 0 { throw PluginError(.cancelled, "The work was cancelled.") }
    }

    /// Tells how far the plugin is, in bytes of the file. Call it every few seconds in a long silent phase; readers do it.
    public func progress(_ bytesDone: UInt64) { unsafe pointer.pointee.progress(pointer, bytesDone) }
}
