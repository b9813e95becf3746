package import DropCore
import Glibc
import SystemPackage

/// The lock on a state folder: an open-file-description lock, held for life, so that a second instance finds out at once.
///
/// The file holds the holder's process id and boot id. It stays when the holder ends: `wasUnclean` compares it at the next start.
package final class HomeLock: Sendable {
    private let descriptor: CInt
    private let path: FilePath

    /// Whether the run before ended without `release` (a kill, a power cut), and whether the machine was started since.
    package let wasUnclean: Bool
    package let wasRebooted: Bool
    /// When the run before last gave a sign of life, in seconds since 1970; 0 when there was none.
    package let lastSignOfLife: Int64

    /// Takes the lock of `state`. Errors: `locked` names the holder; storage errors.
    package init(state: String) throws(DropError) {
        let path = FilePath(state).appending("lock")
        let descriptor = try SpoolFolder.call("open", path) { unsafe open($0, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
        var request = flock()
        request.l_type = Int16(F_WRLCK)
        request.l_whence = Int16(SEEK_SET)
        // F_OFD_SETLK of <fcntl.h>, which the Glibc module hides: the lock belongs to the descriptor, not to the process.
        guard unsafe fcntl(descriptor, 37, &request) == 0 else {
            let holder = Self.read(descriptor)
            close(descriptor)
            throw DropError(
                "locked", "Another instance holds \(state) (\(Escaping.visible(holder, scalarsMax: 80))).",
                hint: "Stop it first; one state folder has one instance.", remedy: .stop)
        }
        let before = Self.read(descriptor).split(separator: " ").map(String.init)
        var facts = stat()
        try SpoolFolder.call("fstat", path) { _ in unsafe fstat(descriptor, &facts) }
        lastSignOfLife = before.isEmpty ? 0 : Int64(facts.st_mtim.tv_sec)
        wasUnclean = before.count >= 2 && before.last != "clean"
        wasRebooted = before.count >= 2 && before[1] != Self.bootID
        self.descriptor = descriptor
        self.path = path
        try write("\(getpid()) \(Self.bootID) running")
    }

    /// Says that this run ended as it should; the lock goes with the value.
    package func release() throws(DropError) { try write("\(getpid()) \(Self.bootID) clean") }

    /// Renews the sign of life.
    package func touch() { _ = futimens(descriptor, nil) }

    deinit { close(descriptor) }

    private static var bootID: String {
        let file = unsafe open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "unknown" }
        defer { close(file) }
        return read(file)
    }

    private static func read(_ descriptor: CInt) -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return "" }
        return String(decoding: bytes[..<count].prefix { $0 != 0x0A }, as: UTF8.self)
    }

    private func write(_ text: String) throws(DropError) {
        // One write of one length, in place: a kill leaves the old words or the new, and a full disk has room for them.
        let words = Array((text + "\n").utf8)
        let bytes = words + [UInt8](repeating: 0x0A, count: max(0, 128 - words.count))
        try SpoolFolder.call("write", path) { _ in CInt(unsafe pwrite(descriptor, bytes, bytes.count, 0)) }
        try SpoolFolder.call("fsync", path) { _ in fsync(descriptor) }
    }
}
