import CodecKit
package import DropCore
import SystemKit
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
        let descriptor = try SpoolFolder.call(path) { () throws(SystemError) in
            try System.open(path.string, [.readAndWrite, .create])
        }
        guard FileLock.takeForWriting(descriptor) else {
            let holder = Self.read(descriptor).prefix { $0 != " " }
            System.close(descriptor)
            throw Self.locked(state, by: holder.isEmpty ? "which has not said its number yet" : "process \(holder)")
        }
        let folder = try SpoolFolder.call(FilePath(state)) { () throws(SystemError) in try System.open(state, [.read, .folder]) }
        guard FileLock.takeFolder(folder) else {
            System.close(folder)
            System.close(descriptor)
            throw Self.locked(state, by: "its file lock was removed")
        }
        self.folder = folder
        let (last, doubted) = Self.before(descriptor)
        wasUnclean = last.map { !$0.stoppedCleanly } ?? false
        wasRebooted = last.map { !$0.bootID.utf8.elementsEqual(Self.bootID.utf8) } ?? false
        truncation = doubted
        self.descriptor = descriptor
        self.path = path
        try write("\(System.processID) \(Self.bootID) running")
    }

    /// The lock of `other`, for what works next with the folder in this process: nobody else gets it between the two. What worked
    /// with it before must have ended as it should.
    package init(continuing other: HomeLock) throws(DropError) {
        path = other.path
        let file = try SpoolFolder.call(path) { () throws(SystemError) in try System.duplicate(other.descriptor) }
        do throws(DropError) {
            folder = try SpoolFolder.call(path) { () throws(SystemError) in try System.duplicate(other.folder) }
        } catch {
            System.close(file)
            throw error
        }
        descriptor = file
        (wasUnclean, wasRebooted, truncation) = (false, false, other.truncation)
    }

    private static func locked(_ state: String, by holder: String) -> DropError {
        DropError(
            .locked, "Another `twindrop` works with \(state) (\(Escaping.visible(holder, scalarsMax: 80))).",
            hint: "Stop it first, or wait for its end: one at a time works with a state folder.", remedy: .stop)
    }

    /// Whether an instance holds the lock of a state folder now, looked at without taking it. Where it cannot be told, none does.
    package static func isHeld(state: String) -> Bool {
        if let file = try? Descriptor(System.open(FilePath(state).appending("lock").string, .read)),
            FileLock.isRefused(file.number, forWriting: true) == true
        {
            return true
        }
        guard let folder = try? Descriptor(System.open(state, [.read, .folder])) else { return false }
        return !FileLock.takeFolder(folder.number, shared: true)
    }

    /// Which files the next start of this home will doubt, without taking its lock; none where that cannot be told.
    package static func truncation(state: String) -> TruncationRule {
        guard let file = try? Descriptor(System.open(FilePath(state).appending("lock").string, .read)) else {
            return TruncationRule()
        }
        return before(file.number).doubted
    }

    /// The run that wrote the file, and what is doubted after it.
    private static func before(_ descriptor: CInt) -> (last: TruncationRule.LastRun?, doubted: TruncationRule) {
        let words = read(descriptor).split(separator: " ").map(String.init)
        var rule = TruncationRule(doubted: words.dropFirst(3).compactMap(range))
        guard words.count >= 2, let facts = try? System.facts(of: descriptor, "lock") else { return (nil, rule) }
        let aliveAt = UInt64(max(0, facts.modified)) / 1_000_000
        let last = TruncationRule.LastRun(
            bootID: words[1], stoppedCleanly: words.count >= 3 && words[2] == "clean", aliveAt: aliveAt)
        rule.start(after: last, bootID: bootID, bootedAt: bootedAt)
        return (last, rule)
    }

    /// Says that this run ended as it should; the lock goes with the value.
    package func release() throws(DropError) { try write("\(System.processID) \(Self.bootID) clean") }

    /// Renews the sign of life. Not synced: one that is lost with the power makes more files doubted, not fewer.
    package func touch() { System.touch(descriptor) }

    deinit {
        System.close(folder)
        System.close(descriptor)
    }

    private static var bootID: String {
        guard let file = try? Descriptor(System.open("/proc/sys/kernel/random/boot_id", .read)) else { return "unknown" }
        return read(file.number)
    }

    /// When this boot began, by today's wall clock, in milliseconds since 1970.
    private static var bootedAt: UInt64 {
        UInt64(max(0, SystemClock.wall() / 1_000_000 - SystemClock.sinceBoot() / 1_000_000))
    }

    /// The range of its text; nil for anything else.
    private static func range(_ text: String) -> Range<UInt64>? {
        let ends = text.split(separator: "-").compactMap { UInt64($0) }
        return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : nil
    }

    private static func read(_ descriptor: CInt) -> String {
        var bytes = [UInt8](repeating: 0, count: Self.bytes)
        guard let count = try? System.read(descriptor, into: &bytes, at: 0, "lock"), count > 0 else { return "" }
        return String(decoding: bytes[..<count].prefix { $0 != 0x0A }, as: UTF8.self)
    }

    private func write(_ text: String) throws(DropError) {
        // One write of one length, in place: a kill leaves the old words or the new, and a full disk has room for them.
        let doubted = truncation.doubted.map { " \($0.lowerBound)-\($0.upperBound)" }.joined()
        let words = Array((text + doubted + "\n").utf8)
        let bytes = words + [UInt8](repeating: 0x0A, count: max(0, Self.bytes - words.count))
        try SpoolFolder.call(path) { () throws(SystemError) in
            try System.write(bytes, to: descriptor, at: 0, path.string)
            try System.sync(descriptor, path.string)
        }
    }
}
