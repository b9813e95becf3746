import Glibc
import SystemKit
import Testing

/// A folder of a test's own, emptied and removed with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/system-kit-XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in (try? System.names(in: path)) ?? [] {
            if (try? System.remove(path + "/" + name)) == nil { unsafe rmdir(path + "/" + name) }
        }
        unsafe rmdir(path)
    }

    func file(_ name: String) -> String { path + "/" + name }

    func write(_ text: String, to name: String) throws { try DurableFile.write(Array(text.utf8), to: file(name)) }

    func text(of name: String) throws -> String {
        let opened = Descriptor(try System.open(file(name), .read))
        return String(decoding: try System.contents(opened.number, bytesMax: 1 << 20, name) ?? [], as: UTF8.self)
    }
}

@Suite struct `A system call` {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `that fails says which, on what, and why`() {
        let path = scratch.file("no\nne")
        let error = #expect(throws: SystemError.self) { try System.open(path, .read) }
        #expect(error?.number == ENOENT)
        #expect(error?.kind == .missing)
        #expect(error?.description == "open \(scratch.path)/no\\u{a}ne: No such file or directory")
    }

    @Test(
        arguments: [
            (ENOENT, .missing), (ENOTDIR, .noFolder), (EISDIR, .folder), (EEXIST, .taken), (ELOOP, .link), (ENXIO, .nobody),
            (EACCES, .lockedAway), (EPERM, .forbidden), (EXDEV, .otherFileSystem), (ENOSPC, .full), (EDQUOT, .full),
            (EMFILE, .noDescriptors), (ENFILE, .noDescriptors), (ENOMEM, .noMemory), (EIO, .medium), (EINVAL, .other),
        ] as [(CInt, SystemError.Kind)])
    func `fails for a reason that callers tell apart`(number: CInt, kind: SystemError.Kind) {
        #expect(SystemError.kind(of: number) == kind)
    }

    @Test func `removes, makes and asks without a failure for what is as it should be`() throws {
        #expect(try !System.remove(scratch.file("none")))
        #expect(try System.makeFolder(scratch.file("folder")))
        #expect(try !System.makeFolder(scratch.file("folder")))
        #expect(try !System.exists(scratch.file("none")))
        #expect(try !System.exists(scratch.file("none/below")))
        try scratch.write("a", to: "a")
        #expect(try !System.exists(scratch.file("a/below")), "a file is no folder")
        #expect(try System.remove(scratch.file("a")))
        let error = #expect(throws: SystemError.self) { try System.remove(scratch.file("folder")) }
        #expect(error?.kind == .folder)
    }

    @Test func `opens no link, and waits for no FIFO, where it is told so`() throws {
        try scratch.write("a", to: "a")
        try #require(unsafe symlink("a", scratch.file("link")) == 0)
        try #require(unsafe mkfifo(scratch.file("fifo"), 0o600) == 0)
        #expect(#expect(throws: SystemError.self) { try System.open(scratch.file("link"), [.read, .noLink]) }?.kind == .link)
        let fifo = Descriptor(try System.open(scratch.file("fifo"), [.read, .noWaiting]))
        #expect(try System.facts(of: fifo.number, "fifo").kind == .fifo)
        #expect(try System.facts(of: scratch.file("link"), ofLink: true).kind == .symbolicLink)
        #expect(try System.facts(of: scratch.file("link")).kind == .file)
    }

    @Test func `writes and reads whole, at a place and from the file's own`() throws {
        let file = Descriptor(try System.open(scratch.file("a"), [.readAndWrite, .createNew]))
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try System.write(bytes, to: file.number, at: 100, "a")
        try System.seek(file.number, to: 0, "a")
        try System.write([UInt8](repeating: 7, count: 200), count: 100, to: file.number, "a")
        #expect(try System.position(file.number, "a") == 100)
        #expect(try System.facts(of: file.number, "a").bytes == 300_100)
        var buffer = [UInt8](repeating: 0, count: 400_000)
        #expect(try System.fill(&buffer, count: 400_000, from: file.number, at: 0, "a") == 300_100)
        #expect(Array(buffer[..<100]) == [UInt8](repeating: 7, count: 100))
        #expect(Array(buffer[100..<300_100]) == bytes)
        #expect(try System.contents(file.number, bytesMax: 300_099, "a") == nil)
        #expect(try System.contents(file.number, bytesMax: 300_100, "a")?.count == 300_100)
    }

    @Test func `lists names by their bytes`() throws {
        for name in ["b", "a", "Z", "é", ".hidden"] { try scratch.write("", to: name) }
        try System.makeFolder(scratch.file("folder"))
        #expect(try System.names(in: scratch.path) == [".hidden", "Z", "a", "b", "folder", "é"])
        #expect(try System.names(in: scratch.path, plainOnly: true) == [".hidden", "Z", "a", "b", "é"])
        #expect(#expect(throws: SystemError.self) { try System.names(in: scratch.file("none")) }?.isMissing == true)
    }

    @Test func `renames to a name that is free, or to any`() throws {
        try scratch.write("a", to: "a")
        try scratch.write("b", to: "b")
        let folder = Descriptor(try System.open(scratch.path, [.read, .folder]))
        let (a, b) = (Array("a".utf8), Array("b".utf8))
        let error = #expect(throws: SystemError.self) {
            try System.renameToFree(a, in: folder.number, to: b, in: folder.number)
        }
        #expect(error?.isTaken == true)
        try System.rename(a, to: b, in: folder.number)
        #expect(try scratch.text(of: "b") == "a")
        try System.renameToFree(b, in: folder.number, to: a, in: folder.number)
        #expect(try System.names(in: scratch.path) == ["a"])
    }

    @Test(arguments: [("/a/b", "/a"), ("/a", "/"), ("a", "."), ("a/b", "a"), ("/", "/")])
    func `knows a path's folder`(path: String, folder: String) { #expect(System.parent(of: path) == folder) }

    @Test func `tells one version of a file from the next`() throws {
        try scratch.write("a", to: "a")
        let first = try #require(FileVersion(of: scratch.file("a")))
        #expect(first.isFresh)
        #expect(FileVersion(of: scratch.file("a")) == first)
        try scratch.write("ab", to: "a")
        #expect(FileVersion(of: scratch.file("a")) != first)
        #expect(FileVersion(of: scratch.file("none")) == nil)
    }

    @Test func `locks an open file against others`() throws {
        try scratch.write("", to: "lock")
        let one = Descriptor(try System.open(scratch.file("lock"), .readAndWrite))
        let other = Descriptor(try System.open(scratch.file("lock"), .readAndWrite))
        #expect(FileLock.isRefused(other.number, forWriting: true) == false)
        #expect(FileLock.takeForWriting(one.number))
        #expect(!FileLock.takeForWriting(other.number))
        #expect(FileLock.isRefused(other.number, forWriting: false) == true)
        let first = Descriptor(try System.open(scratch.path, [.read, .folder]))
        let second = Descriptor(try System.open(scratch.path, [.read, .folder]))
        #expect(FileLock.takeFolder(first.number))
        #expect(!FileLock.takeFolder(second.number, shared: true))
    }

    @Test func `gives clocks that go on`() {
        let (wall, monotonic, boot) = (SystemClock.wall(), SystemClock.monotonic(), SystemClock.sinceBoot())
        #expect(wall > 1_700_000_000 * 1_000_000_000)
        #expect(SystemClock.monotonic() >= monotonic)
        #expect(SystemClock.sinceBoot() >= boot)
        #expect(Duration.seconds(2).wholeNanoseconds == 2_000_000_000)
        #expect(Duration.seconds(1 << 60).wholeNanoseconds == 9_000_000_000 * 1_000_000_000)
    }
}

@Suite struct `A fault` {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `lets one call fail, and the next succeed`() throws {
        try SystemFaults.during(.init("fsync", scratch.file("first"), number: EIO)) {
            let error = #expect(throws: SystemError.self) { try scratch.write("a", to: "first") }
            #expect(error?.kind == .medium)
            #expect(error?.call == "fsync")
            try scratch.write("a", to: "other")
            try scratch.write("b", to: "first")
        }
        #expect(try scratch.text(of: "first") == "b")
    }

    @Test(arguments: ["open", "write", "fsync", "rename"])
    func `leaves the old file where the new one is not durable`(call: String) throws {
        try scratch.write("old", to: "file")
        let path = scratch.file(call == "rename" ? "file" : "file.new")
        SystemFaults.during(.init(call, path, number: ENOSPC)) {
            let error = #expect(throws: SystemError.self) {
                try DurableFile.replace(scratch.file("file"), with: Array("new".utf8), beside: scratch.file("file.new"))
            }
            #expect(error?.kind == .full)
        }
        #expect(try scratch.text(of: "file") == "old")
        try DurableFile.replace(scratch.file("file"), with: Array("new".utf8), beside: scratch.file("file.new"))
        #expect(try scratch.text(of: "file") == "new")
        #expect(try System.names(in: scratch.path) == ["file"])
    }

    @Test(arguments: ["open", "write", "fsync"])
    func `that only interrupts is no failure`(call: String) throws {
        try SystemFaults.during(.init(call, scratch.file("a"), number: EINTR, times: 3)) { try scratch.write("a", to: "a") }
        #expect(try scratch.text(of: "a") == "a")
    }

    @Test func `can wait for a later call, and is over with its time`() throws {
        let path = scratch.file("none")
        SystemFaults.during(.init(nil, path, number: EACCES, after: 2, times: 9)) {
            #expect(throws: SystemError.missing("stat", path)) { try System.facts(of: path) }
            #expect(throws: SystemError.missing("open", path)) { try System.open(path, .read) }
            #expect(#expect(throws: SystemError.self) { try System.open(path, .read) }?.kind == .lockedAway)
        }
        #expect(throws: SystemError.missing("open", path)) { try System.open(path, .read) }
    }
}

/// A FIFO is a file whose sync fails at once (EINVAL), on every system.
@Suite struct `A sync that failed` {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// An open FIFO of this name whose sync has failed.
    private func failed(_ name: String) throws -> Descriptor {
        try #require(unsafe mkfifo(scratch.file(name), 0o600) == 0)
        let fifo = Descriptor(try System.open(scratch.file(name), .readAndWrite))
        #expect(number(fifo.number) == EINVAL)
        return fifo
    }

    /// The errno of a sync; 0 where it succeeds.
    private func number(_ descriptor: CInt) -> CInt {
        do throws(SystemError) { try System.sync(descriptor, "file") } catch { return error.number }
        return 0
    }

    @Test func `is never asked of the kernel again`() throws {
        let fifo = try failed("fifo")
        #expect(number(fifo.number) == EIO)
        let other = Descriptor(try System.open(scratch.file("fifo"), .readAndWrite))
        #expect(number(other.number) == EIO)
    }

    @Test func `says nothing of a new file in the place of the one that failed`() throws {
        for index in 0..<20 {
            do { _ = try failed("file") }
            try #require(try System.remove(scratch.file("file")))
            let new = Descriptor(try System.open(scratch.file("file"), [.readAndWrite, .createNew]))
            #expect(number(new.number) == 0, "file \(index) counts as failed")
            try #require(try System.remove(scratch.file("file")))
        }
    }
}
