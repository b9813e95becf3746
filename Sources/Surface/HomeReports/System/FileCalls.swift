import CodecKit
package import DropCore
package import SystemKit

/// Who may do what with files and folders.
package enum FileRights {
    /// Takes these bits from a file or folder; a link is not followed. What belongs to somebody else stays as it is.
    package static func remove(_ bits: UInt32, from path: String) {
        guard let file = try? Descriptor(System.open(path, [.read, .noLink, .noWaiting])),
            let facts = try? System.facts(of: file.number, path), facts.mode & bits != 0
        else { return }
        try? System.setMode(file.number, facts.mode & ~bits, path)
    }

    /// Lets those pass through a new folder whom its parent lets pass.
    package static func inheritPassage(_ path: String) {
        guard let facts = System.factsIfThere(path), let parent = System.factsIfThere(path + "/..") else { return }
        try? System.setMode(path, facts.mode | parent.mode & 0o011)
    }
}

/// The few file calls that the command line makes itself.
package enum FileCalls {
    /// A file opened for reading.
    package struct Opened {
        package let descriptor: CInt
        package let bytes: UInt64
        package let inode: UInt64
        /// Nanoseconds since 1970.
        package let changeTime: Int64

        package func close() { System.close(descriptor) }

        /// Makes the bytes durable; false when that failed.
        package func sync() -> Bool { (try? System.sync(descriptor, "file")) != nil }

        /// Back to the start of a plain file, which always succeeds.
        package func rewind() { try? System.seek(descriptor, to: 0, "file") }

        /// The file at its start, as long as it is now.
        package func rewound() throws(CommandFailure) -> Opened {
            rewind()
            do throws(SystemError) {
                let facts = try System.facts(of: descriptor, "file")
                return Opened(descriptor: descriptor, bytes: facts.bytes, inode: facts.inode, changeTime: changeTime)
            } catch { throw CommandFailure(.storage, "A temporary file cannot be read: \(error.reason).") }
        }

        /// `count` bytes from `offset` on, fewer at the end; nil where they cannot be read.
        package func bytes(at offset: UInt64, _ count: Int) -> [UInt8]? {
            guard Int64(exactly: offset) != nil else { return nil }
            var block = [UInt8](repeating: 0, count: count)
            guard let read = try? System.read(descriptor, into: &block, at: offset, "file") else { return nil }
            return Array(block[..<read])
        }

        /// The lines, counted from 1, that the bytes at `offsets` stand in; nil where bytes do not tell lines: in UTF-16, and in
        /// files whose lines end otherwise. Reads up to the last of them.
        package func lines(at offsets: [UInt64]) -> [Int]? {
            let end = offsets.max() ?? 0
            var (lines, number, returns) = ([UInt64: Int](), 1, 0)
            var wanted = Set(offsets).sorted()[...]
            var offset: UInt64 = 0
            while offset <= end {
                guard let block = bytes(at: offset, 1 << 16), !block.isEmpty else { break }
                if offset == 0, [[0xFF, 0xFE], [0xFE, 0xFF]].contains(Array(block.prefix(2))) { return nil }
                for (index, byte) in block.enumerated() {
                    while wanted.first == offset + UInt64(index) { lines[wanted.removeFirst()] = number }
                    if byte == 0x0A { number += 1 }
                    if byte == 0x0D { returns += 1 }
                }
                offset += UInt64(block.count)
            }
            guard number > 1 || returns == 0 else { return nil }
            let found = offsets.compactMap { lines[$0] }
            return found.count == offsets.count ? found : nil
        }

        /// Hands its bytes from its place on to `take`, block by block.
        package func forEachBlock(_ take: ([UInt8]) throws(CommandFailure) -> Void) throws(CommandFailure) {
            var block = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count: Int
                do throws(SystemError) { count = try System.read(descriptor, into: &block, "file") } catch {
                    throw CommandFailure(.storage, "The bytes cannot be read: \(error.reason).")
                }
                if count == 0 { return }
                try take(Array(block[..<count]))
            }
        }
    }

    /// A file without a name, in the folder for temporary files; gone when it is closed.
    package static func unnamed() throws(CommandFailure) -> Opened {
        let folder = System.temporaryFolder
        do throws(SystemError) {
            let descriptor = try System.unnamedFile(in: folder, prefix: "twindrop-")
            return Opened(descriptor: descriptor, bytes: 0, inode: 0, changeTime: 0)
        } catch { throw CommandFailure(.storage, "No file can be made in \(folder): \(error.reason).") }
    }

    /// Copies an open file into one with a name, in the folder for temporary files; its path.
    package static func named(_ file: Opened) throws(CommandFailure) -> String {
        let path = "\(System.temporaryFolder)/twindrop-\(process)-\(file.descriptor).bytes"
        let copy = try created(path, mode: 0o600)
        defer { copy.close() }
        file.rewind()
        try file.forEachBlock { block throws(CommandFailure) in try write(block, to: copy.descriptor, path) }
        return path
    }

    /// Removes a file; one that is gone is no error.
    package static func remove(_ path: String) { _ = try? System.remove(path) }

    /// Makes a file that must not exist, not even as a link that leads nowhere; the caller closes it.
    package static func created(_ path: String, mode: UInt32 = 0o644) throws(CommandFailure) -> Opened {
        do throws(SystemError) {
            let descriptor = try System.open(path, [.write, .createNew, .noLink], mode: mode)
            return Opened(descriptor: descriptor, bytes: 0, inode: 0, changeTime: 0)
        } catch {
            if error.isTaken { throw taken(path) }
            throw CommandFailure(.storage, "\(path) cannot be made: \(error.reason).")
        }
    }

    /// What is said of a file that is to be made, where something has its name.
    package static func taken(_ path: String) -> CommandFailure {
        CommandFailure(.usage, "\(Escaping.visible(path)) exists already.", "Choose another name or folder.")
    }

    /// Writes all of `bytes`.
    package static func write(_ bytes: [UInt8], to descriptor: CInt, _ what: String) throws(CommandFailure) {
        do throws(SystemError) { try System.write(bytes, to: descriptor, what) } catch {
            throw CommandFailure(.storage, "\(what) cannot be written: \(error.reason).")
        }
    }

    package static func open(_ path: String) throws(CommandFailure) -> Opened {
        do throws(SystemError) {
            let descriptor = try System.open(path, .read)
            do throws(SystemError) {
                let facts = try System.facts(of: descriptor, path)
                return Opened(descriptor: descriptor, bytes: facts.bytes, inode: facts.inode, changeTime: facts.changed)
            } catch {
                System.close(descriptor)
                throw error
            }
        } catch { throw CommandFailure(.storage, "\(path) cannot be opened: \(error.reason).") }
    }

    /// Whether something has this name, a link that leads nowhere included.
    package static func isTaken(_ path: String) -> Bool { System.factsIfThere(path, ofLink: true) != nil }

    /// What has this name in a folder, byte by byte; nil where nothing has it, or it cannot be told.
    package static func facts(of name: [UInt8], in folder: String) -> FileFacts? {
        guard let opened = try? System.open(folder, [.read, .folder]) else { return nil }
        defer { System.close(opened) }
        return try? System.facts(of: name, in: opened)
    }

    /// Whether it is certain that nothing has this name.
    package static func isMissing(_ path: String) -> Bool {
        // Where it cannot be told, it is not certain.
        (try? System.exists(path)) == false
    }

    /// Whether there is a plain file, or a link to one.
    package static func isFile(_ path: String) -> Bool { System.factsIfThere(path)?.kind == .file }

    /// Of a file, or of what a link leads to; nil where there is none.
    package static func inode(_ path: String) -> UInt64? { System.factsIfThere(path)?.inode }

    /// The file system that holds it; nil where there is nothing.
    package static func device(_ path: String) -> UInt64? { System.factsIfThere(path)?.device }

    /// Whether there is a folder, or a link to one.
    package static func isFolder(_ path: String) -> Bool { System.factsIfThere(path)?.kind == .folder }

    /// The room on the file system that holds `path`; nil where it cannot be told.
    package static func space(of path: String) -> FreeSpace? {
        (try? System.space(of: path)).map { FreeSpace(bytesFree: $0.bytesFree, bytesTotal: $0.bytesTotal) }
    }

    package static func rename(_ from: String, to path: String) throws(CommandFailure) {
        do throws(SystemError) { try System.rename(from, to: path) } catch {
            throw CommandFailure(.storage, "\(path) cannot be written: \(error.reason).")
        }
    }

    /// The process's number.
    package static var process: Int32 { System.processID }
}
