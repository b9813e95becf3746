import Crypto
import DropCore
import SystemKit
import SystemPackage

/// The system calls of the spool, and what it means when one fails.
extension SpoolFolder {
    /// Runs calls on `path`.
    @discardableResult
    static func call<Result>(_ path: FilePath, _ body: () throws(SystemError) -> Result) throws(DropError) -> Result {
        do throws(SystemError) { return try body() } catch { throw failure(error.call, path, error.number) }
    }

    /// What a failed call on `path` means.
    static func failure(_ call: String, _ path: FilePath, _ code: CInt) -> DropError {
        let why = SystemError.text(code)
        switch SystemError.kind(of: code) {
        case .full:
            return DropError(
                .diskFull, "\(call) \(path): \(why).", hint: "Make room; the work goes on by itself.",
                remedy: .retry(after: .seconds(1)))
        case .noDescriptors, .noMemory:
            return DropError(
                .resources, "\(call) \(path): \(why).", hint: "Raise the limit of open files or memory for the service.",
                remedy: .retry(after: .seconds(1)))
        case .medium where call == "read":
            return DropError(
                .unreadable, "\(path) cannot be read: \(why).", hint: "Check the disk, then deliver the file again.",
                remedy: .quarantine)
        default:
            return DropError(
                .storage, "\(call) \(path): \(why).",
                hint: "Check the file system and the folder's permissions, then start again.",
                remedy: .stop)
        }
    }

    /// Removes a file; one that is not there is fine. A folder that somebody put there is none of ours, and stays.
    static func remove(_ path: FilePath) throws(DropError) {
        do throws(SystemError) { try System.remove(path.string) } catch {
            guard error.kind == .folder else { throw failure(error.call, path, error.number) }
        }
    }

    static func move(_ from: FilePath, to path: FilePath) throws(DropError) {
        try call(path) { () throws(SystemError) in try System.rename(from.string, to: path.string) }
    }

    static func close(_ descriptor: CInt) { System.close(descriptor) }

    static func space(of path: FilePath) throws(DropError) -> FreeSpace {
        let space = try call(path) { () throws(SystemError) in try System.space(of: path.string) }
        return FreeSpace(bytesFree: space.bytesFree, bytesTotal: space.bytesTotal)
    }

    static func exists(_ path: FilePath) -> Bool { System.leadsSomewhere(path.string) }

    /// Whether a plain file has this name, and not a link, FIFO or folder that somebody put there.
    static func isFile(_ path: FilePath) -> Bool { System.factsIfThere(path.string, ofLink: true)?.kind == .file }

    static func make(_ folder: FilePath) throws(DropError) {
        try call(folder) { () throws(SystemError) in _ = try System.makeFolder(folder.string) }
    }

    /// Opens a plain file, and never waits for what is none: whoever can write to the folder can put a FIFO there.
    static func openToRead(_ path: FilePath) throws(DropError) -> (descriptor: CInt, bytes: UInt64) {
        let descriptor: CInt
        do throws(SystemError) { descriptor = try System.open(path.string, [.read, .noLink, .noWaiting]) } catch {
            // A link, a socket, or a name that is not there; the rest is what it is.
            guard isFile(path) else { throw ByteLoss.missing(path.string, isOther: exists(path)) }
            throw failure(error.call, path, error.number)
        }
        // One that cannot be examined is taken for no plain file.
        guard let facts = try? System.facts(of: descriptor, path.string), facts.kind == .file else {
            close(descriptor)
            throw ByteLoss.missing(path.string, isOther: true)
        }
        return (descriptor, facts.bytes)
    }

    /// Opens an open file again, with an offset of its own.
    static func reopen(_ descriptor: CInt) throws(DropError) -> CInt {
        try call(FilePath("/proc/self/fd/\(descriptor)")) { () throws(SystemError) in try System.reopen(descriptor) }
    }

    static func duplicate(_ descriptor: CInt) throws(DropError) -> CInt {
        try call(FilePath("/proc/self/fd/\(descriptor)")) { () throws(SystemError) in try System.duplicate(descriptor) }
    }

    static func size(of descriptor: CInt, _ path: FilePath) throws(DropError) -> UInt64 {
        try call(path) { () throws(SystemError) in try System.facts(of: descriptor, path.string).bytes }
    }

    /// SHA-256 of everything from the descriptor's offset on.
    static func hash(
        _ descriptor: CInt, _ path: FilePath, isCancelled: () -> Bool = { false }
    ) throws(DropError) -> ContentDigest {
        var hasher = SHA256()
        try eachBlock(of: descriptor, path) { (block) throws(DropError) in
            unsafe hasher.update(bufferPointer: block)
            guard !isCancelled() else {
                throw DropError(
                    .cancelled, "\(path) was being read when the pipeline ended.", hint: "It is read again at the next start.",
                    remedy: .retry(after: .zero))
            }
        }
        return ContentDigest(bytes: Array(hasher.finalize()))
    }

    @safe static func eachBlock(
        of descriptor: CInt, _ path: FilePath, _ body: (UnsafeRawBufferPointer) throws(DropError) -> Void
    ) throws(DropError) {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
        defer { unsafe block.deallocate() }
        while true {
            let count = try call(path) { () throws(SystemError) in
                try unsafe System.read(descriptor, into: block, path.string)
            }
            if count == 0 { return }
            try unsafe body(UnsafeRawBufferPointer(rebasing: block[..<count]))
        }
    }

    /// Writes a small file whole and durable.
    static func write(_ text: String, to path: FilePath) throws(DropError) {
        try write(to: path) { (file) throws(DropError) in
            try call(path) { () throws(SystemError) in try System.write(Array(text.utf8), to: file, path.string) }
        }
    }

    /// Copies a file, durable on return.
    static func copy(_ from: FilePath, to path: FilePath) throws(DropError) {
        let source = try openToRead(from).descriptor
        defer { close(source) }
        try write(to: path) { (target) throws(DropError) in
            try eachBlock(of: source, from) { (block) throws(DropError) in
                try call(path) { () throws(SystemError) in try unsafe System.write(block, to: target, path.string) }
            }
        }
    }

    /// Makes or empties a file that `body` writes, durable on return.
    static func write(to path: FilePath, _ body: (_ descriptor: CInt) throws(DropError) -> Void) throws(DropError) {
        let target = try call(path) { () throws(SystemError) in try System.open(path.string, [.write, .create, .empty]) }
        defer { close(target) }
        try body(target)
        try call(path) { () throws(SystemError) in try System.sync(target, path.string) }
    }

    static func sync(folder: FilePath) throws(DropError) {
        try call(folder) { () throws(SystemError) in try System.syncFolder(folder.string) }
    }

    /// The names in a folder of folders; none where it cannot be read or is not there.
    static func folders(in folder: FilePath) -> [String] { (try? System.names(in: folder.string)) ?? [] }

    /// The plain files of a folder; none where it cannot be read, which the next call on it reports.
    static func names(in folder: FilePath) -> [String] { (try? System.names(in: folder.string, plainOnly: true)) ?? [] }
}
