import SystemKit

/// One open file, closed when this value ends. Used by one thread at a time; all calls block.
///
/// `@unchecked Sendable`: the descriptor never changes, and its users take turns (a job's one thread).
final class OpenFile: @unchecked Sendable {
    private let descriptor: CInt
    private let path: String

    private init(_ path: String, _ options: OpenOptions) throws(SystemError) {
        descriptor = try System.open(path, options)
        self.path = path
    }

    /// A regular file or a folder, symbolic links followed.
    convenience init(reading path: String) throws(SystemError) { try self.init(path, [.read, .noWaiting]) }

    /// A regular file for reading. The last component must not be a symbolic link, so that the opened file is the one that was
    /// checked.
    convenience init(readingRegular path: String) throws(SystemError) {
        try self.init(path, [.read, .noWaiting, .noLink])
        guard try System.facts(of: descriptor, path).kind == .file else { throw .unfit("open", path) }
    }

    /// A new file, or one emptied; mode 0600; no symbolic link is followed at the end.
    convenience init(creating path: String) throws(SystemError) { try self.init(path, [.write, .create, .empty, .noLink]) }

    deinit { System.close(descriptor) }

    /// At most `count` bytes; empty at the end.
    func read(_ count: Int) throws(SystemError) -> [UInt8] { try System.read(descriptor, upTo: count, path) }

    func write(_ bytes: [UInt8]) throws(SystemError) { try System.write(bytes, to: descriptor, path) }

    func sync() throws(SystemError) { try System.sync(descriptor, path) }
}
