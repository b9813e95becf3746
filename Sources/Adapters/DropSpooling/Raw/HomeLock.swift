package import DropCore
import FileKit
import Glibc
import SystemPackage

/// The lock on a state folder: an open-file-description lock, held for life, so that a second instance finds out at once.
///
/// A second lock is on the folder itself: the file can be removed under a running instance, the folder cannot be without what is
/// in it.
///
/// The file holds the holder's process id and boot id, and the times whose files are doubted since a power cut. It stays when the
/// holder ends: the next start compares.
///
///     PROCESS BOOT running|clean FROM-TO …        (times in milliseconds since 1970)
package final class HomeLock: Sendable {
    private let descriptor: CInt
    private let folder: CInt
    private let path: FilePath
    private static let bytes = 256

    /// Whether the run before ended without `release` (a kill, a power cut), and whether the machine was started since.
    package let wasUnclean: Bool
    package let wasRebooted: Bool
    /// Which files may have lost their tail when the machine went down under a run.
    package let truncation: TruncationRule

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
            throw Self.locked(state, by: holder)
        }
        let folder = try SpoolFolder.call("open", FilePath(state)) { unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        // A file system that knows no such lock has the one on the file.
        if flock(folder, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            close(folder)
            close(descriptor)
            throw Self.locked(state, by: "its file lock was removed")
        }
        self.folder = folder
        let (last, doubted) = Self.before(descriptor)
        wasUnclean = last.map { !$0.stoppedCleanly } ?? false
        wasRebooted = last.map { !$0.bootID.utf8.elementsEqual(Self.bootID.utf8) } ?? false
        truncation = doubted
        self.descriptor = descriptor
        self.path = path
        try write("\(getpid()) \(Self.bootID) running")
    }

    private static func locked(_ state: String, by holder: String) -> DropError {
        DropError(
            .locked, "Another instance holds \(state) (\(Escaping.visible(holder, scalarsMax: 80))).",
            hint: "Stop it first; one state folder has one instance.", remedy: .stop)
    }

    /// Whether an instance holds the lock of a state folder now, looked at without taking it. Where it cannot be told, none does.
    package static func isHeld(state: String) -> Bool {
        let file = unsafe open(FilePath(state).appending("lock").string, O_RDONLY | O_CLOEXEC)
        if file >= 0 {
            defer { close(file) }
            var request = flock()
            request.l_type = Int16(F_WRLCK)
            request.l_whence = Int16(SEEK_SET)
            // F_OFD_GETLK of <fcntl.h>, which the Glibc module hides.
            if unsafe fcntl(file, 36, &request) == 0, request.l_type != Int16(F_UNLCK) { return true }
        }
        let folder = unsafe open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return false }
        defer { close(folder) }
        return flock(folder, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// Which files the next start of this home will doubt, without taking its lock; none where that cannot be told.
    package static func truncation(state: String) -> TruncationRule {
        let descriptor = unsafe open(FilePath(state).appending("lock").string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return TruncationRule() }
        defer { close(descriptor) }
        return before(descriptor).doubted
    }

    /// The run that wrote the file, and what is doubted after it.
    private static func before(_ descriptor: CInt) -> (last: TruncationRule.LastRun?, doubted: TruncationRule) {
        let words = read(descriptor).split(separator: " ").map(String.init)
        var rule = TruncationRule(doubted: words.dropFirst(3).compactMap(range))
        var facts = stat()
        guard words.count >= 2, unsafe fstat(descriptor, &facts) == 0 else { return (nil, rule) }
        let aliveAt = UInt64(max(0, facts.st_mtim.tv_sec)) * 1000 + UInt64(facts.st_mtim.tv_nsec) / 1_000_000
        let last = TruncationRule.LastRun(
            bootID: words[1], stoppedCleanly: words.count >= 3 && words[2] == "clean", aliveAt: aliveAt)
        rule.start(after: last, bootID: bootID, bootedAt: bootedAt)
        return (last, rule)
    }

    /// Says that this run ended as it should; the lock goes with the value.
    package func release() throws(DropError) { try write("\(getpid()) \(Self.bootID) clean") }

    /// Renews the sign of life. Not synced: one that is lost with the power makes more files doubted, not fewer.
    package func touch() { _ = futimens(descriptor, nil) }

    deinit {
        close(folder)
        close(descriptor)
    }

    private static var bootID: String {
        let file = unsafe open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "unknown" }
        defer { close(file) }
        return read(file)
    }

    /// When this boot began, by today's wall clock, in milliseconds since 1970.
    private static var bootedAt: UInt64 {
        func milliseconds(_ clock: clockid_t) -> Int {
            var time = timespec()
            unsafe clock_gettime(clock, &time)
            return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
        }
        return UInt64(max(0, milliseconds(CLOCK_REALTIME) - milliseconds(CLOCK_BOOTTIME)))
    }

    /// The range of its text; nil for anything else.
    private static func range(_ text: String) -> Range<UInt64>? {
        let ends = text.split(separator: "-").compactMap { UInt64($0) }
        return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : nil
    }

    private static func read(_ descriptor: CInt) -> String {
        var bytes = [UInt8](repeating: 0, count: Self.bytes)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return "" }
        return String(decoding: bytes[..<count].prefix { $0 != 0x0A }, as: UTF8.self)
    }

    private func write(_ text: String) throws(DropError) {
        // One write of one length, in place: a kill leaves the old words or the new, and a full disk has room for them.
        let doubted = truncation.doubted.map { " \($0.lowerBound)-\($0.upperBound)" }.joined()
        let words = Array((text + doubted + "\n").utf8)
        let bytes = words + [UInt8](repeating: 0x0A, count: max(0, Self.bytes - words.count))
        try SpoolFolder.call("write", path) { _ in CInt(unsafe pwrite(descriptor, bytes, bytes.count, 0)) }
        try SpoolFolder.call("fsync", path) { _ in FailedSyncs.sync(descriptor) }
    }
}
