import CodecKit
package import DropCore
import Glibc

/// Reads the names of one folder piece by piece, so that a folder of any size is never held in memory whole.
///
/// One thread at a time.
@safe package struct FolderReader: ~Copyable {
    package struct Entry: Sendable, Equatable {
        package let name: FileName
        package let inode: UInt64
        /// Known without another call on most file systems; nil elsewhere.
        package let isFolder: Bool?
    }

    private let stream: OpaquePointer

    /// The folder's descriptor, for calls relative to it; valid as long as this value.
    package let descriptor: CInt

    package init(path: String) throws(SystemCallError) {
        let number = try SystemCall.check("open", Escaping.visible(path)) {
            unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        try self.init(owning: number, subject: path)
    }

    /// Opens a subfolder without following a link.
    package init(_ name: FileName, in folder: CInt) throws(SystemCallError) {
        let path = SystemCall.terminated(name)
        let number = try SystemCall.check("open", name.description) {
            unsafe openat(folder, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        try self.init(owning: number, subject: name.description)
    }

    private init(owning number: CInt, subject: String) throws(SystemCallError) {
        guard let stream = unsafe fdopendir(number) else {
            let code = errno
            close(number)
            throw SystemCallError(number: code, call: "fdopendir", subject: Escaping.visible(subject))
        }
        unsafe self.stream = stream
        descriptor = number
    }

    deinit { unsafe closedir(stream) }

    /// Appends up to `max` more names, without `.` and `..`; false at the end of the folder.
    package func next(max: Int, into entries: inout [Entry]) throws(SystemCallError) -> Bool {
        var left = max
        while left > 0 {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                let number = errno
                guard number == 0 else { throw SystemCallError(number: number, call: "readdir", subject: "folder") }
                return false
            }
            let name = unsafe Self.name(of: entry)
            if name.bytes == [0x2E] || name.bytes == [0x2E, 0x2E] { continue }
            let type = unsafe entry.pointee.d_type
            let isFolder: Bool? = type == UInt8(DT_UNKNOWN) ? nil : type == UInt8(DT_DIR)
            entries.append(Entry(name: name, inode: unsafe UInt64(entry.pointee.d_ino), isFolder: isFolder))
            left -= 1
        }
        return true
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> FileName {
        let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
        let start = unsafe UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
        let length = unsafe strlen(start)
        return FileName(bytes: unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: length)))
    }
}
