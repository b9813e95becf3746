/// Replaces files as a whole: a reader sees the old file or the new one, whatever happens.
package enum DurableFile {
    /// Writes `bytes` beside `path`, makes them durable, and gives them its name; then the folder is synced.
    ///
    /// - Parameter beside: its temporary name in the same folder; an existing file of that name is emptied.
    package static func replace(_ path: String, with bytes: [UInt8], beside: String) throws(SystemError) {
        try write(bytes, to: beside)
        try rename(beside, to: path)
    }

    /// Renames within a folder, durably.
    package static func rename(_ old: String, to path: String) throws(SystemError) {
        try System.rename(old, to: path)
        try System.syncFolder(System.parent(of: path))
    }

    /// Makes or empties a file, writes `bytes`, and makes them durable; the folder is left to the caller. A link is not followed.
    package static func write(_ bytes: [UInt8], to path: String) throws(SystemError) {
        let file = Descriptor(try System.open(path, [.write, .create, .empty, .noLink]))
        try System.write(bytes, to: file.number, path)
        try System.sync(file.number, path)
    }
}
