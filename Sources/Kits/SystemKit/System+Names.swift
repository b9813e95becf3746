import CLinuxFiles
import CodecKit
import Glibc

/// Names of files and folders, and the files that have them.
extension System {
    // MARK: By path

    /// What has the path; with `ofLink`, a link at its end itself.
    package static func facts(of path: String, ofLink: Bool = false) throws(SystemError) -> FileFacts {
        var status = stat()
        try make("stat", Escaping.visible(path)) { unsafe ofLink ? lstat(path, &status) : stat(path, &status) }
        return FileFacts(status)
    }

    /// The same; nil if it cannot be examined, for any reason.
    package static func factsIfThere(_ path: String, ofLink: Bool = false) -> FileFacts? {
        try? facts(of: path, ofLink: ofLink)  // For callers that treat a file they cannot examine as missing.
    }

    /// Whether anything has this name; a link counts, wherever it points.
    package static func exists(_ path: String) throws(SystemError) -> Bool {
        do { _ = try facts(of: path, ofLink: true) } catch {
            if error.isNowhere { return false }
            throw error
        }
        return true
    }

    /// Whether the path leads to anything, as access(2) tells.
    package static func leadsSomewhere(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Makes a folder; false where something has its name.
    @discardableResult
    package static func makeFolder(_ path: String, mode: UInt32 = 0o700) throws(SystemError) -> Bool {
        do { try make("mkdir", Escaping.visible(path)) { unsafe mkdir(path, mode_t(mode)) } } catch {
            if error.isTaken { return false }
            throw error
        }
        return true
    }

    /// Renames, replacing what has the new name.
    package static func rename(_ old: String, to new: String) throws(SystemError) {
        try make("rename", Escaping.visible(new)) { unsafe Glibc.rename(old, new) }
    }

    /// Removes a name; false if nothing has it.
    @discardableResult
    package static func remove(_ path: String) throws(SystemError) -> Bool {
        do { try make("unlink", Escaping.visible(path)) { unsafe Glibc.unlink(path) } } catch {
            if error.isMissing { return false }
            throw error
        }
        return true
    }

    /// Gives a file a second, unused name (a hard link).
    package static func link(_ file: String, as name: String) throws(SystemError) {
        try make("link", Escaping.visible(name)) { unsafe Glibc.link(file, name) }
    }

    package static func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        try make("chmod", Escaping.visible(path)) { unsafe chmod(path, mode_t(mode)) }
    }

    /// `path` with every symbolic link followed; it must exist.
    package static func physical(_ path: String) throws(SystemError) -> String {
        guard let resolved = unsafe realpath(path, nil) else {
            throw SystemError(number: errno, call: "realpath", path: Escaping.visible(path))
        }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// The folder that a path's last name is in: `/a` of `/a/b`, `/` of `/a`, and `.` of `a`.
    package static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Whether the process, as its effective user, has these rights on a path.
    package static func mayAccess(_ path: String, _ rights: AccessRights) -> Bool {
        unsafe faccessat(AT_FDCWD, path, rights.rawValue, AT_EACCESS) == 0
    }

    // MARK: In a folder that is open

    /// The file with this name; a link itself, not its target.
    package static func facts(of name: [UInt8], in folder: CInt) throws(SystemError) -> FileFacts {
        let path = terminated(name)
        var status = stat()
        try make("stat", Escaping.visible(name)) { unsafe fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) }
        return FileFacts(status)
    }

    /// Renames; an existing target is an error (`EEXIST`), never replaced.
    package static func renameToFree(
        _ name: [UInt8], in folder: CInt, to target: [UInt8], in targetFolder: CInt
    ) throws(SystemError) {
        let (from, to) = (terminated(name), terminated(target))
        try make("rename", Escaping.visible(name)) { unsafe linux_rename_noreplace(folder, from, targetFolder, to) }
    }

    /// Renames, and replaces what already has the new name.
    package static func rename(_ name: [UInt8], to target: [UInt8], in folder: CInt) throws(SystemError) {
        let (from, to) = (terminated(name), terminated(target))
        try make("rename", Escaping.visible(name)) { unsafe renameat(folder, from, folder, to) }
    }

    package static func remove(_ name: [UInt8], in folder: CInt) throws(SystemError) {
        let path = terminated(name)
        try make("unlink", Escaping.visible(name)) { unsafe unlinkat(folder, path, 0) }
    }

    /// Whether the process has these rights on a name in the folder, without following links.
    package static func mayAccess(_ name: [UInt8], in folder: CInt, _ rights: AccessRights) -> Bool {
        let path = terminated(name)
        return unsafe faccessat(folder, path, rights.rawValue, AT_EACCESS | AT_SYMLINK_NOFOLLOW) == 0
    }

    // MARK: Of an open file

    package static func facts(of descriptor: CInt, _ path: @autoclosure () -> String) throws(SystemError) -> FileFacts {
        var status = stat()
        try make("fstat", path()) { unsafe fstat(descriptor, &status) }
        return FileFacts(status)
    }

    package static func setMode(_ descriptor: CInt, _ mode: UInt32, _ path: @autoclosure () -> String) throws(SystemError) {
        try make("fchmod", path()) { fchmod(descriptor, mode_t(mode)) }
    }

    /// Sets the file's times to now; a sign of life, whose failure changes nothing.
    package static func touch(_ descriptor: CInt) { _ = futimens(descriptor, nil) }

    /// The magic number of the file system it is on (statfs(2)).
    package static func fileSystemMagic(_ descriptor: CInt) throws(SystemError) -> UInt32 {
        UInt32(truncatingIfNeeded: try make("fstatfs", name(of: descriptor)) { linux_file_system_magic(descriptor) })
    }

    // MARK: Room

    /// Bytes of a file system: free for an ordinary user, and all.
    package struct Space: Sendable {
        package let bytesFree: UInt64
        package let bytesTotal: UInt64

        init(_ status: statvfs) {
            let unit = UInt64(status.f_frsize)
            bytesFree = UInt64(status.f_bavail) * unit
            bytesTotal = UInt64(status.f_blocks) * unit
        }
    }

    /// Of the file system that holds the path.
    package static func space(of path: String) throws(SystemError) -> Space {
        var status = statvfs()
        try make("statvfs", Escaping.visible(path)) { unsafe statvfs(path, &status) }
        return Space(status)
    }

    /// Of the file system the descriptor is on.
    package static func space(of descriptor: CInt) throws(SystemError) -> Space {
        var status = statvfs()
        try make("fstatvfs", name(of: descriptor)) { unsafe fstatvfs(descriptor, &status) }
        return Space(status)
    }
}

/// What a process may do to a file or folder.
package struct AccessRights: OptionSet, Sendable {
    package let rawValue: CInt

    package init(rawValue: CInt) { self.rawValue = rawValue }

    package static let read = AccessRights(rawValue: R_OK)
    package static let write = AccessRights(rawValue: W_OK)
    /// Runs a file, passes through a folder.
    package static let pass = AccessRights(rawValue: X_OK)
}
