package import DropCore
package import SystemKit

/// The calls of `System` in the terms of this target: files by the names that senders gave them, in open folders.
///
/// Names are bytes, relative to the descriptor of the folder they lie in. Blocking; safe from any thread.
package enum SystemCall {
    /// What has a folder's name now, with links followed; nil: nothing that `stat` can read.
    static func identity(ofFolder path: FolderPath) -> FolderIdentity? {
        guard let text = path.text, let facts = System.factsIfThere(text) else { return nil }
        return FolderIdentity(
            kind: facts.kind, device: facts.device, inode: facts.inode, mode: facts.mode, owner: facts.owner)
    }

    /// Opens a folder, following symbolic links: its path comes from the configuration.
    package static func openFolder(_ path: String) throws(SystemError) -> Descriptor {
        Descriptor(try System.open(path, [.read, .folder]))
    }

    /// Opens a subfolder without following a link.
    package static func openSubfolder(_ name: FileName, in folder: CInt) throws(SystemError) -> Descriptor {
        Descriptor(try System.open(name.bytes, in: folder, [.read, .folder, .noLink]))
    }

    /// Opens a file for reading. Never follows a link, never waits for a FIFO's writer, never becomes a terminal.
    package static func openFile(_ name: FileName, in folder: CInt) throws(SystemError) -> Descriptor {
        Descriptor(try System.open(name.bytes, in: folder, [.read, .noLink, .noWaiting, .noTerminal]))
    }

    /// Creates a file of mode 0600 that must not exist yet.
    package static func createFile(_ name: FileName, in folder: CInt) throws(SystemError) -> Descriptor {
        Descriptor(try System.open(name.bytes, in: folder, [.readAndWrite, .createNew, .noLink], call: "create"))
    }

    /// The file with this name; a link itself, not its target.
    package static func facts(of name: FileName, in folder: CInt) throws(SystemError) -> FileFacts {
        try System.facts(of: name.bytes, in: folder)
    }

    /// Whether anything has this name.
    package static func exists(_ name: FileName, in folder: CInt) throws(SystemError) -> Bool {
        do { _ = try facts(of: name, in: folder) } catch {
            if error.isMissing { return false }
            throw error
        }
        return true
    }

    package static func facts(of descriptor: CInt) throws(SystemError) -> FileFacts {
        try System.facts(of: descriptor, System.name(of: descriptor))
    }

    /// Renames; an existing target is an error (`EEXIST`), never replaced.
    package static func rename(
        _ name: FileName, in folder: CInt, to target: FileName, in targetFolder: CInt
    ) throws(SystemError) {
        try System.renameToFree(name.bytes, in: folder, to: target.bytes, in: targetFolder)
    }

    /// Renames, replacing what bears the target's name.
    package static func replace(_ target: FileName, with name: FileName, in folder: CInt) throws(SystemError) {
        try System.rename(name.bytes, to: target.bytes, in: folder)
    }

    package static func unlink(_ name: FileName, in folder: CInt) throws(SystemError) {
        try System.remove(name.bytes, in: folder)
    }

    /// Never retried by callers: after a failure the kernel may have dropped the data (docs/failure-model.md, "Errors from
    /// storage").
    package static func sync(_ descriptor: CInt, _ subject: @autoclosure () -> String) throws(SystemError) {
        try System.sync(descriptor, subject())
    }

    /// Makes everything on the folder's file system durable. Costs one flush of the device, where `sync` costs one per file.
    static func syncFileSystem(_ folder: CInt) throws(SystemError) { try System.syncFileSystem(folder, "folder") }

    /// Waits until the file's pages are written, and reports a write error that was not reported before. Makes nothing durable by
    /// itself.
    static func finishWriting(_ descriptor: CInt) throws(SystemError) { try System.finishWriting(descriptor) }

    /// Starts writing the file's dirty pages and does not wait; a hint, whose failure `sync` reports.
    static func startWriting(_ descriptor: CInt) { System.startWriting(descriptor) }

    package static func setMode(_ descriptor: CInt, _ mode: UInt32) throws(SystemError) {
        try System.setMode(descriptor, mode, System.name(of: descriptor))
    }

    /// Reads up to `buffer.count` bytes at `offset`; 0 is the end.
    static func read(_ descriptor: CInt, into buffer: inout [UInt8], at offset: UInt64) throws(SystemError) -> Int {
        try System.read(descriptor, into: &buffer, at: offset, System.name(of: descriptor))
    }

    /// The next piece of the file at or after `offset` that is not a hole; nil when only holes follow.
    static func dataRange(_ descriptor: CInt, from offset: UInt64, bytes: UInt64) throws(SystemError) -> Range<UInt64>? {
        try System.dataRange(descriptor, from: offset, bytes: bytes)
    }

    static func seek(_ descriptor: CInt, to offset: UInt64) throws(SystemError) {
        try System.seek(descriptor, to: offset, System.name(of: descriptor))
    }

    static func setLength(_ descriptor: CInt, _ bytes: UInt64) throws(SystemError) {
        try System.setLength(descriptor, bytes, System.name(of: descriptor))
    }

    /// The free room on the descriptor's file system, for an ordinary user.
    static func freeSpace(of descriptor: CInt) throws(SystemError) -> FreeSpace {
        let space = try System.space(of: descriptor)
        return FreeSpace(bytesFree: space.bytesFree, bytesTotal: space.bytesTotal)
    }

    /// Writes all of `bytes[..<count]` at the end of what was written so far.
    static func write(_ bytes: [UInt8], count: Int, to descriptor: CInt) throws(SystemError) {
        try System.write(bytes, count: count, to: descriptor, System.name(of: descriptor))
    }

    /// The whole of a small file; nil when it is larger than `bytesMax`.
    static func contents(_ descriptor: CInt, bytesMax: Int) throws(SystemError) -> [UInt8]? {
        try System.contents(descriptor, bytesMax: bytesMax, System.name(of: descriptor))
    }

    /// The number of the descriptor's mount, from `/proc/self/fdinfo`; nil if that cannot be read. Two folders of one file system
    /// have different numbers if one of them is a bind mount.
    static func mountNumber(of descriptor: CInt) -> UInt64? {
        guard let folder = try? openFolder("/proc/self/fdinfo"),
            let file = try? openFile(FileName(String(descriptor)), in: folder.number),
            let bytes = try? contents(file.number, bytesMax: 65_536)
        else { return nil }
        let line = bytes.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: "mnt_id:".utf8) }
        return line.flatMap { UInt64(String(decoding: $0.dropFirst(7).filter { $0 > 0x20 }, as: UTF8.self)) }
    }

    /// Whether the process, as its effective user, has these rights on the folder itself.
    static func mayAccess(_ path: String, _ rights: AccessRights) -> Bool { System.mayAccess(path, rights) }

    /// Whether the process has these rights on a name in the folder, without following links.
    static func mayAccess(_ name: FileName, in folder: CInt, _ rights: AccessRights) -> Bool {
        System.mayAccess(name.bytes, in: folder, rights)
    }
}
