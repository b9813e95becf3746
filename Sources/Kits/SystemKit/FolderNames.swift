import CodecKit
import Glibc

/// Reads the names of one folder in pieces, so that a large folder is never in memory as a whole.
///
/// One thread at a time.
@safe package struct FolderNames: ~Copyable {
    private let stream: OpaquePointer

    /// The folder's descriptor, for calls relative to it; valid as long as this value.
    package let descriptor: CInt

    /// Follows links: the path is of somebody we trust.
    package init(path: String) throws(SystemError) {
        try self.init(owning: try System.open(path, [.read, .folder]), Escaping.visible(path))
    }

    /// Opens a subfolder without following a link.
    package init(_ name: [UInt8], in folder: CInt) throws(SystemError) {
        try self.init(owning: try System.open(name, in: folder, [.read, .folder, .noLink]), Escaping.visible(name))
    }

    private init(owning number: CInt, _ path: String) throws(SystemError) {
        guard let stream = unsafe fdopendir(number) else {
            let code = errno
            System.close(number)
            throw SystemError(number: code, call: "fdopendir", path: path)
        }
        unsafe self.stream = stream
        descriptor = number
    }

    deinit { unsafe closedir(stream) }

    /// Gives up to `max` more names, without `.` and `..`, to `take`; false at the end of the folder. The kind is known without
    /// another call on most file systems; nil elsewhere.
    package func next(
        max: Int, _ take: (_ name: [UInt8], _ inode: UInt64, _ kind: FileFacts.Kind?) -> Void
    ) throws(SystemError) -> Bool {
        var left = max
        while left > 0 {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                let number = errno
                guard number == 0 else { throw SystemError(number: number, call: "readdir", path: "folder") }
                return false
            }
            let name = unsafe Self.name(of: entry)
            if name == [0x2E] || name == [0x2E, 0x2E] { continue }
            take(name, unsafe UInt64(entry.pointee.d_ino), Self.kind(unsafe entry.pointee.d_type))
            left -= 1
        }
        return true
    }

    private static func kind(_ type: UInt8) -> FileFacts.Kind? {
        switch Int(type) {
        case Int(DT_UNKNOWN): nil
        case Int(DT_REG): .file
        case Int(DT_DIR): .folder
        case Int(DT_LNK): .symbolicLink
        case Int(DT_FIFO): .fifo
        case Int(DT_SOCK): .socket
        default: .device
        }
    }

    /// The entry is only as long as its name: it must not be copied as the type that Swift sees.
    private static func name(of entry: UnsafeMutablePointer<dirent>) -> [UInt8] {
        let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
        let start = unsafe UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
        let length = unsafe strlen(start)
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: length))
    }
}

extension System {
    /// The names in a folder, without `.` and `..`, sorted by their bytes. Names that are not UTF-8 get replacement characters:
    /// TwinDrop did not make them.
    ///
    /// - Parameter plainOnly: only what the file system says is a plain file.
    package static func names(in folder: String, plainOnly: Bool = false) throws(SystemError) -> [String] {
        let reader = try FolderNames(path: folder)
        var names: [[UInt8]] = []
        while try reader.next(max: 1024, { name, _, kind in if !plainOnly || kind == .file { names.append(name) } }) {}
        return names.sorted { $0.lexicographicallyPrecedes($1) }.map { String(decoding: $0, as: UTF8.self) }
    }
}
