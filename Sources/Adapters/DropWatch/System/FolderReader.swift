package import DropCore
package import SystemKit

/// Reads the names of one folder in pieces, so that a large folder is never in memory as a whole.
///
/// One thread at a time.
package struct FolderReader: ~Copyable {
    /// A name in the folder.
    package struct Entry: Sendable, Equatable {
        package let name: FileName
        package let inode: UInt64
        /// Known without another call on most file systems; nil elsewhere.
        package let isFolder: Bool?
    }

    private let names: FolderNames

    /// The folder's descriptor, for calls relative to it; valid as long as this value.
    package var descriptor: CInt { names.descriptor }

    package init(path: String) throws(SystemError) { names = try FolderNames(path: path) }

    /// Opens a subfolder without following a link.
    package init(_ name: FileName, in folder: CInt) throws(SystemError) { names = try FolderNames(name.bytes, in: folder) }

    /// Appends up to `max` more names, without `.` and `..`; false at the end of the folder.
    package func next(max: Int, into entries: inout [Entry]) throws(SystemError) -> Bool {
        try names.next(max: max) { name, inode, kind in
            entries.append(Entry(name: FileName(bytes: name), inode: inode, isFolder: kind.map { $0 == .folder }))
        }
    }
}
