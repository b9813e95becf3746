import DropCore
import SystemKit

/// The little that the store asks of the file system beside SQLite.
enum StoreFiles {
    /// 0 where there is no such file.
    static func bytes(_ path: String) -> Int { System.factsIfThere(path).map { Int($0.bytes) } ?? 0 }

    /// Bytes the file system has left for the file's owner; 0 where that cannot be said.
    static func free(_ path: String) -> UInt64 { (try? System.space(of: path))?.bytesFree ?? 0 }

    /// Makes a finished file durable under its final name: fsync, rename, fsync of the folder.
    /// It is its owner's alone.
    static func publish(_ temporary: String, as path: String) throws(DropError) {
        try call("protect", temporary) { () throws(SystemError) in try System.setMode(temporary, 0o600) }
        try sync(temporary, .readAndWrite)
        try call("rename", temporary) { () throws(SystemError) in try System.rename(temporary, to: path) }
        try syncFolder(of: path)
    }

    /// Makes the names in a file's folder durable.
    static func syncFolder(of path: String) throws(DropError) { try sync(System.parent(of: path), [.read, .folder]) }

    static func exists(_ path: String) -> Bool { System.leadsSomewhere(path) }

    /// Whether two names are of one file.
    static func isSame(_ path: String, _ other: String) -> Bool {
        guard let one = System.factsIfThere(path), let two = System.factsIfThere(other) else { return false }
        return one.isSameFile(as: two)
    }

    /// Gives a file a second name, or makes a synced copy where the file system has no links. What has the name already is
    /// replaced only when it is the same file.
    static func link(_ path: String, as other: String) throws(DropError) {
        do throws(SystemError) { return try System.link(path, as: other) } catch {
            if isSame(path, other) { return }
            guard error.isOfNoLinks else { throw failure("link", other, error) }
        }
        try copy(path, to: other)
        try sync(other, .readAndWrite)
    }

    /// Removes a file; one that is not there is fine.
    static func remove(_ path: String) throws(DropError) {
        _ = try call("remove", path) { () throws(SystemError) in try System.remove(path) }
    }

    /// Copies a file's bytes; not synced. Of a copy that fails nothing is left.
    static func copy(_ from: String, to path: String) throws(DropError) {
        let source = try call("open", from) { () throws(SystemError) in try System.open(from, .read) }
        defer { System.close(source) }
        let target = try call("create", path) { () throws(SystemError) in try System.open(path, [.write, .create, .empty]) }
        defer { System.close(target) }
        do throws(DropError) { try copy(source, from, target, path) } catch {
            _ = try? System.remove(path)  // The first error is the one to tell.
            throw error
        }
    }

    private static func copy(_ source: CInt, _ from: String, _ target: CInt, _ path: String) throws(DropError) {
        var block = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try call("read", from) { () throws(SystemError) in try System.read(source, into: &block, from) }
            if count == 0 { return }
            try call("write", path) { () throws(SystemError) in try System.write(block, count: count, to: target, path) }
        }
    }

    private static func sync(_ path: String, _ options: OpenOptions) throws(DropError) {
        let number = try call("open", path) { () throws(SystemError) in try System.open(path, options) }
        defer { System.close(number) }
        try call("sync", path) { () throws(SystemError) in try System.sync(number, path) }
    }

    private static func call<Result>(
        _ what: String, _ path: String, _ body: () throws(SystemError) -> Result
    ) throws(DropError) -> Result {
        do throws(SystemError) { return try body() } catch { throw failure(what, path, error) }
    }

    private static func failure(_ what: String, _ path: String, _ error: SystemError) -> DropError {
        DropError(
            .storage, "Cannot \(what) \(path): \(error.reason).", hint: "Check the folder, its rights and its disk.",
            remedy: error.kind == .full ? .retry(after: .seconds(1)) : .stop)
    }
}
