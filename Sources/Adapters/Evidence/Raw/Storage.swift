import CodecKit
import DropCore
import SystemKit

/// One open file of the archive. Blocking; one thread at a time.
final class StorageFile {
    enum Access { case read, create, append }

    let descriptor: CInt
    let path: String

    /// Opens `path` without following a link at its end; `create` refuses a file that exists, `append` makes a missing one.
    /// Something that is not a plain file is refused as `unsound`, without waiting for it: anybody who can write to the folder
    /// can put a FIFO there.
    init(_ path: String, _ access: Access) throws(DropError) {
        let options: OpenOptions =
            switch access {
            case .read: [.read, .noWaiting]
            case .create: [.readAndWrite, .createNew]
            case .append: [.readAndWrite, .create]
            }
        do throws(SystemError) { descriptor = try System.open(path, [options, .noLink]) } catch {
            switch error.kind {
            case .link, .nobody: throw .unsound("\(Escaping.visible(path)) is no plain file.")
            default: throw .storage("opened", path, error.number)
            }
        }
        self.path = path
        if access == .read { _ = try size() }
    }

    deinit { System.close(descriptor) }

    /// Runs a call on this file. Its error says that the file could not be `done`.
    private func call<Result>(_ done: String, _ body: () throws(SystemError) -> Result) throws(DropError) -> Result {
        try Storage.call(done, path, body)
    }

    /// Up to `buffer.count` bytes from `offset`; fewer only at the end of the file.
    func read(into buffer: inout [UInt8], at offset: UInt64) throws(DropError) -> Int {
        try read(into: &buffer, count: buffer.count, at: offset)
    }

    /// Up to `bytes` bytes, which fit the buffer, from `offset`; fewer only at the end of the file.
    func read(into buffer: inout [UInt8], count bytes: Int, at offset: UInt64) throws(DropError) -> Int {
        try call("read") { () throws(SystemError) in
            try System.fill(&buffer, count: bytes, from: descriptor, at: offset, path)
        }
    }

    /// The whole file, refused past `bytesMax`.
    func readAll(bytesMax: UInt64) throws(DropError) -> [UInt8] {
        let bytes = try size()
        guard bytes <= bytesMax else { throw .unsound("\(path) has \(bytes) bytes, more than the \(bytesMax) allowed.") }
        var buffer = [UInt8](repeating: 0, count: Int(bytes))
        let count = try read(into: &buffer, at: 0)
        buffer.removeLast(buffer.count - count)
        return buffer
    }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(DropError) {
        try call("written") { () throws(SystemError) in try System.write(bytes, to: descriptor, at: offset, path) }
    }

    func size() throws(DropError) -> UInt64 {
        let facts = try call("examined") { () throws(SystemError) in try System.facts(of: descriptor, path) }
        guard facts.kind == .file else { throw .unsound("\(Escaping.visible(path)) is no plain file.") }
        return facts.bytes
    }

    func truncate(to bytes: UInt64) throws(DropError) {
        try call("cut") { () throws(SystemError) in try System.setLength(descriptor, bytes, path) }
    }

    /// Shows others that somebody writes to the file, until it is closed. Does nothing if somebody shows that already, or the
    /// file system cannot.
    func markWritten() { _ = FileLock.takeForWriting(descriptor) }

    /// Whether somebody writes to it; true if the file system cannot say.
    var isWritten: Bool { FileLock.isRefused(descriptor, forWriting: false) ?? true }

    /// Never retried: after a failure the kernel may have dropped the data (docs/failure-model.md, "Errors from storage").
    func sync() throws(DropError) {
        try call("synced") { () throws(SystemError) in try System.sync(descriptor, dataOnly: true, path) }
    }

    /// Whoever may read the folder may then read the file. If that cannot be set, only the owner may.
    func share(like folder: String) {
        guard let facts = System.factsIfThere(folder), facts.mode & 0o044 != 0 else { return }
        try? System.setMode(descriptor, 0o600 | facts.mode & 0o044, path)
    }

    /// Makes the next reads come from the medium, not from memory.
    func forgetCached() { System.forgetCached(descriptor) }

    /// Puts the position `offset` bytes from the start, for a reader or writer that works by position.
    func seek(to offset: UInt64) throws(DropError) {
        try call("examined") { () throws(SystemError) in try System.seek(descriptor, to: offset, path) }
    }

    /// Where a reader or writer that works by position has come to, in bytes from the start.
    func position() throws(DropError) -> UInt64 {
        try call("examined") { () throws(SystemError) in try System.position(descriptor, path) }
    }
}

/// Folders and names. All paths are absolute.
enum Storage {
    /// Runs a call on `path`. Its error says that it could not be `done`.
    static func call<Result>(
        _ done: String, _ path: @autoclosure () -> String, _ body: () throws(SystemError) -> Result
    ) throws(DropError) -> Result {
        do throws(SystemError) { return try body() } catch { throw .storage(done, path(), error.number) }
    }

    /// Makes `path` and what is missing above it, mode 0700, and syncs each folder that got a new entry.
    static func makeFolder(_ path: String) throws(DropError) {
        do throws(SystemError) { guard try System.makeFolder(path) else { return } } catch {
            guard error.isMissing else { throw .storage("made", path, error.number) }
            try makeFolder(parent(of: path))
            return try makeFolder(path)
        }
        try syncFolder(parent(of: path))
    }

    /// Makes a folder as `makeFolder` does; a new one gives the rights of reading and passing that its parent gives.
    static func makeSharedFolder(_ path: String) throws(DropError) {
        guard try !exists(path) else { return }
        try makeFolder(path)
        guard let facts = System.factsIfThere(parent(of: path)), facts.mode & 0o055 != 0 else { return }
        let own = try call("examined", path) { () throws(SystemError) in try System.facts(of: path) }
        // A service may not be allowed to set the bit that passes the group on. Then only the owner may use the folder.
        try? System.setMode(path, own.mode | facts.mode & 0o055)
    }

    static func syncFolder(_ path: String) throws(DropError) { try sync(path, [.read, .folder]) }

    /// Makes a file durable; a missing one is not an error.
    static func syncFile(_ path: String) throws(DropError) {
        do throws(DropError) { try sync(path, [.read, .noLink]) } catch {
            guard error.code == .missing else { throw error }
        }
    }

    private static func sync(_ path: String, _ options: OpenOptions) throws(DropError) {
        let number = try call("opened", path) { () throws(SystemError) in try System.open(path, options) }
        defer { System.close(number) }
        try call("synced", path) { () throws(SystemError) in try System.sync(number, path) }
    }

    /// Makes everything on the file system of a folder durable: one flush of the medium, where `syncFile` needs one a file.
    static func syncFileSystem(of path: String) throws(DropError) {
        let number = try call("opened", path) { () throws(SystemError) in try System.open(path, [.read, .folder]) }
        defer { System.close(number) }
        try call("synced", path) { () throws(SystemError) in try System.syncFileSystem(number, path) }
    }

    /// Renames, replacing what has the new name.
    static func rename(_ old: String, to new: String) throws(DropError) {
        try call("renamed", old) { () throws(SystemError) in try System.rename(old, to: new) }
    }

    /// Whether anything has this name; a link counts, wherever it points.
    static func exists(_ path: String) throws(DropError) -> Bool {
        try call("examined", path) { () throws(SystemError) in try System.exists(path) }
    }

    /// Removes a file; a missing one is not an error.
    static func remove(_ path: String) throws(DropError) {
        _ = try call("removed", path) { () throws(SystemError) in try System.remove(path) }
    }

    /// Names in a folder, sorted by their bytes, without `.` and `..`; empty if there is no such folder. Names that are not
    /// UTF-8 get replacement characters: TwinDrop did not make them.
    static func names(in path: String) throws(DropError) -> [String] {
        do throws(SystemError) { return try System.names(in: path) } catch {
            if error.isNowhere { return [] }
            throw .storage("listed", path, error.number)
        }
    }

    /// Writes `bytes` under `path` in one step: readers see the old file or the new one. With `durable`, it survives a power cut;
    /// `shared`, it may be read by those who may read its folder.
    static func replace(_ path: String, with bytes: [UInt8], durable: Bool, shared: Bool = false) throws(DropError) {
        let temporary = path + ".tmp"
        try remove(temporary)
        let file = try StorageFile(temporary, .create)
        if shared { file.share(like: parent(of: path)) }
        try file.write(bytes, at: 0)
        if durable { try file.sync() }
        try rename(temporary, to: path)
        if durable { try syncFolder(parent(of: path)) }
    }

    /// Gives a file a second name (a hard link, which costs no inode), in place of what had it.
    static func link(_ path: String, to file: String) throws(DropError) {
        do throws(SystemError) { return try System.link(file, as: path) } catch {
            guard error.isTaken else { throw .storage("linked", path, error.number) }
        }
        let temporary = path + ".tmp"
        try remove(temporary)
        try call("linked", path) { () throws(SystemError) in try System.link(file, as: temporary) }
        try rename(temporary, to: path)
        try remove(temporary)  // rename(2) leaves it when both names are of one file already.
    }

    /// The first bytes of a file; empty if there is none.
    static func head(of path: String, bytes count: Int) -> [UInt8] {
        guard let file = try? Descriptor(System.open(path, [.read, .noLink])) else { return [] }
        var buffer = [UInt8](repeating: 0, count: count)
        let read = try? System.read(file.number, into: &buffer, at: 0, path)
        return Array(buffer[..<(read ?? 0)])
    }

    static func parent(of path: String) -> String { System.parent(of: path) }
}

extension DropError {
    /// A call of the operating system failed on `path`.
    static func storage(_ done: String, _ path: String, _ number: CInt) -> DropError {
        let message = "\(Escaping.visible(path)) could not be \(done): \(SystemError.text(number))."
        switch SystemError.kind(of: number) {
        case .full:
            return DropError(
                .diskFull, message, hint: "Free space there; work then continues by itself.", remedy: .retry(after: .seconds(1)))
        case .noDescriptors:
            return DropError(.descriptors, message, hint: "Raise the limit on open files.", remedy: .retry(after: .seconds(1)))
        case .medium:
            return DropError(
                .medium, message, hint: "Check the medium: what it gave or took before may be wrong, too. Then start again.",
                remedy: .stop)
        case .missing:
            return DropError(.missing, message, hint: "Put the file back, or restore it from a backup.", remedy: .stop)
        default:
            return DropError(.storage, message, hint: "Check the medium and the permissions, then start again.", remedy: .stop)
        }
    }

    /// Bytes of the archive are not what they must be.
    static func unsound(
        _ message: String, hint: String = "Run `twindrop verify --full` and keep the archive as it is."
    ) -> DropError {
        DropError(.unsound, message, hint: hint, remedy: .stop)
    }
}

/// A descriptor of the caller's that takes bytes one after the other.
enum Output {
    static func write(_ bytes: RawSpan, to descriptor: CInt) throws(DropError) {
        do throws(SystemError) {
            try unsafe bytes.withUnsafeBytes { bytes throws(SystemError) in
                try unsafe System.write(bytes, to: descriptor, "the output")
            }
        } catch { throw .storage("written", "the output", error.number) }
    }
}

/// Collects small writes to a new file.
struct BufferedOutput {
    private let file: StorageFile
    private var buffer: [UInt8] = []
    private var written: UInt64 = 0

    init(_ file: StorageFile) { self.file = file }

    mutating func write(_ bytes: [UInt8]) throws(DropError) {
        buffer += bytes
        if buffer.count >= 1 << 16 { try flush() }
    }

    mutating func flush() throws(DropError) {
        try file.write(buffer, at: written)
        written += UInt64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }
}

extension Storage {
    /// Writes a file piece by piece under a temporary name, syncs it, and renames it to `path`; the folder is left to the caller.
    /// Those may read it who may read the folder.
    ///
    /// - Parameter kept: the new name of an existing file with other bytes; nil: it is replaced.
    static func fill(
        _ path: String, keeping kept: String? = nil, _ body: (inout BufferedOutput) throws(DropError) -> Void
    ) throws(DropError) {
        let temporary = path + ".tmp"
        try remove(temporary)
        let file = try StorageFile(temporary, .create)
        file.share(like: parent(of: path))
        do throws(DropError) {
            var output = BufferedOutput(file)
            try body(&output)
            try output.flush()
            try file.sync()
            if let kept, try exists(path), try !hasBytes(of: file, path) { try rename(path, to: kept) }
            try rename(temporary, to: path)
        } catch {
            try remove(temporary)
            throw error
        }
    }

    /// Whether a file has the bytes of another; false if it is not a plain file.
    private static func hasBytes(of file: StorageFile, _ path: String) throws(DropError) -> Bool {
        let other: StorageFile
        do throws(DropError) { other = try StorageFile(path, .read) } catch {
            guard error.code == .unsound else { throw error }
            return false
        }
        guard try file.size() == other.size() else { return false }
        var (mine, others) = ([UInt8](repeating: 0, count: 1 << 16), [UInt8](repeating: 0, count: 1 << 16))
        var offset: UInt64 = 0
        while true {
            let count = try file.read(into: &mine, at: offset)
            guard try other.read(into: &others, at: offset) == count, mine[..<count] == others[..<count] else { return false }
            if count < mine.count { return true }
            offset += UInt64(count)
        }
    }
}
