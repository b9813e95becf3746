import SystemKit

/// Files that are read and written whole. All calls block.
enum SmallFile {
    static func read(_ path: String, bytesMax: Int) throws(SystemError) -> [UInt8] {
        let file = try OpenFile(reading: path)
        var bytes: [UInt8] = []
        while true {
            let chunk = try file.read(65_536)
            if chunk.isEmpty { return bytes }
            bytes += chunk
            guard bytes.count <= bytesMax else { throw .tooLarge("read", path) }
        }
    }

    /// Beside, synced, renamed: the file has either its old content or `bytes`, whatever happens. Mode 0600.
    static func replace(_ path: String, with bytes: [UInt8]) throws(SystemError) {
        try DurableFile.replace(path, with: bytes, beside: path + ".new")
    }

    /// Renames within a folder, durably.
    static func rename(_ old: String, _ path: String) throws(SystemError) { try DurableFile.rename(old, to: path) }

    /// It is not a failure if the file does not exist.
    static func remove(_ path: String) throws(SystemError) { try System.remove(path) }

    /// The names in a folder, sorted by their bytes; empty if there is none.
    static func names(in folder: String) -> [String] { (try? System.names(in: folder)) ?? [] }

    /// Makes a folder for the owner alone, if it is missing.
    static func makeFolder(_ path: String) throws(SystemError) { try System.makeFolder(path) }

    /// `path` with every symbolic link followed; it must exist.
    static func physical(_ path: String) throws(SystemError) -> String { try System.physical(path) }

    /// Microseconds since 1970.
    static func now() -> Int64 { SystemClock.wall() / 1000 }
}
