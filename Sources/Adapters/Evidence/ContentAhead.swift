import ArchiveKit
import DropCore
import Synchronization

/// The content of a large drop, compressed while the drop is still being processed (docs/decisions/0017).
///
/// It is a temporary file of the archive that nothing refers to. It has room for a frame with the header member, and then a zstd
/// frame with the content member and the end of the tar. The header says how the drop ended, so it is written when that is known
/// (`Container.init(_:_:level:at:)`). Until then the file does not count, and can be thrown away at any time.
///
/// Two threads may work on it, each a block at a time: the one that began it, and the one that needs it.
///
/// `@unchecked Sendable`: what changes is touched under `lock` only.
final class ContentAhead: @unchecked Sendable {
    /// Where the content's frame begins. Units: bytes.
    static let startBytes: UInt64 = 64 << 10
    /// A header of this length always fits before it with its tar blocks, even if it does not compress. Units: bytes.
    static let headerBytesMax = 48 << 10
    /// How many blocks are written between two checks whether another thread waits.
    private static let stride = 4

    private let source: ContentSource
    private let path: String
    private let lock = Mutex(())
    private let wanted = Atomic(false)
    private let file: StorageFile
    private let tar: TarZstdWriter
    private var copy: ContentCopy
    private var isDone = false
    private var isTaken = false
    /// SHA-256 of the compressed frame, once it was synced and read back.
    private var checked: ContentDigest?

    var drop: DropID { source.record.id }
    var name: String { source.name }
    var digest: ContentDigest { source.digest }

    /// - Parameters:
    ///   - path: of the temporary file to make.
    ///   - level: zstd's, 1 … 19.
    init(_ source: ContentSource, path: String, level: Int) throws(DropError) {
        self.source = source
        self.path = path
        copy = try ContentCopy(of: source)
        try Storage.remove(path)
        let file = try StorageFile(path, .create)
        self.file = file
        do throws(DropError) {
            try file.seek(to: Self.startBytes)
            tar = try wrapping(path) { () throws(ArchiveKitError) in
                let tar = try TarZstdWriter(descriptor: file.descriptor, level: level)
                try source.begin(in: tar)
                return tar
            }
        } catch {
            try? Storage.remove(path)  // Best effort, as below.
            throw error
        }
    }

    deinit {
        // Best effort: the folder of temporary files is emptied at each start.
        if !isTaken { try? Storage.remove(path) }
    }

    /// Compresses until all is done, until somebody needs the rest at once (`finish`), or until `isOver`, which is asked once in
    /// a MiB; then syncs what was written and reads it back.
    ///
    /// - Throws: as `ContentCopy.advance` and `Reread.content`.
    func advance(until isOver: () -> Bool) throws(DropError) {
        while try step() {
            if wanted.load(ordering: .relaxed) || isOver() { return }
        }
        try file.sync()
        let digest = try Reread.content(source, in: path, from: Self.startBytes)
        lock.withLock { _ in checked = digest }
    }

    /// Compresses the rest, and gives the file to the caller, who must remove it from now on.
    ///
    /// - Returns: also the SHA-256 of the compressed frame, if it was synced and read back already.
    /// - Throws: as `ContentCopy.advance`.
    func finish() throws(DropError) -> (path: String, file: StorageFile, checked: ContentDigest?) {
        wanted.store(true, ordering: .relaxed)
        while try step() {}
        return lock.withLock { _ in
            isTaken = true
            return (path, file, checked)
        }
    }

    /// A few blocks; false when all is done.
    private func step() throws(DropError) -> Bool {
        try lock.withLock { (_) throws(DropError) in
            for _ in 0..<Self.stride where !isDone {
                guard try !copy.advance(into: tar, of: path) else { continue }
                try wrapping(path) { () throws(ArchiveKitError) in try tar.finish() }
                isDone = true
            }
            return !isDone
        }
    }
}
