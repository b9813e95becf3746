import Glibc

/// The names in a folder.
package enum FolderListing {
    /// The errno of opendir(3) or readdir(3).
    package struct Failure: Error {
        package let number: CInt
    }

    /// Without `.` and `..`, sorted by their bytes. Names that are no UTF-8 come out with replacement characters: they are
    /// nothing of ours. Blocking; safe from any thread.
    ///
    /// - Parameter plainOnly: only what the file system says is a plain file.
    package static func names(in folder: String, plainOnly: Bool = false) throws(Failure) -> [String] {
        guard let stream = unsafe opendir(folder) else { throw Failure(number: errno) }
        defer { unsafe closedir(stream) }
        // The entry is only as long as its name: it must not be copied as the type that Swift sees.
        let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else { throw Failure(number: errno) }
                return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            }
            if plainOnly, unsafe entry.pointee.d_type != UInt8(DT_REG) { continue }
            let name = unsafe String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
            if name != ".", name != ".." { names.append(name) }
        }
    }
}
