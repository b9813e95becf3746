import DropCore
import Glibc
import SystemKit
import Testing
import ThreadKit

@testable import DropWatch

@Suite struct `A lone file that is being claimed` {
    private let home = Home()
    private var source: WatchedSource { .test(home.landing) }

    /// Claims `names`, each of which holds its own name; `body` is called with what may be read ahead.
    private func claim(
        _ names: [String], lease: @escaping @Sendable (CInt) -> ReadLease.Answer = ReadLease.probe,
        _ body: (_ descriptor: CInt, _ bytes: UInt64) -> Void
    ) throws -> (results: [ClaimResult], told: [ClaimResult?]) {
        for name in names where !exists(home.path(name)) { write(name, to: home.path(name)) }
        let files = names.enumerated().map { (file: SettledFile.at(home.path($1), source: source), id: dropID(UInt64($0))) }
        var told: [ClaimResult?] = []
        let results = try claimer(home, source, lease: lease).claim(files, at: 0, whenLeased: body) { told = $0 }
        return (results, told)
    }

    @Test func `may be read before its intent is written, and has its bytes in the spool`() throws {
        var read: String?
        let (results, told) = try claim(["lone"]) { descriptor, bytes in
            #expect(bytes == 4)
            #expect(names(in: home.landing) == ["lone"])
            read = content(of: "/proc/self/fd/\(descriptor)")
        }
        #expect(read == "lone")
        #expect(results == [.claimed(dropID(0), bytes: 4)] && told == results)
        // The lease is gone with the claim.
        close(try #require(openToWrite(home.spool + "/\(dropID(0))")))
    }

    @Test func `keeps writers out, and goes back where one came`() throws {
        let (results, told) = try claim(["lone"]) { _, _ in
            #expect(openToWrite(home.path("lone")) == nil)
            #expect(errno == EWOULDBLOCK)
        }
        #expect(results == [.notYet(WaitingReason(.writer, "A program opened it for writing while it was claimed."))])
        #expect(told == results)
        #expect(content(of: home.path("lone")) == "lone" && names(in: home.spool) == [])
    }

    @Test func `lets a writer that waits go on with the file in its folder`() throws {
        let path = home.path("lone")
        let opening = Monitor(false)
        var writer: NamedThread?
        let (results, _) = try claim(["lone"]) { descriptor, _ in
            writer = NamedThread("waiting-writer") {
                opening.with { $0 = true }
                let file = unsafe open(path, O_WRONLY | O_CLOEXEC | O_APPEND)
                _ = unsafe Glibc.write(file, "!", 1)
                close(file)
            }
            opening.wait(until: { $0 }) { _ in }
            while ReadLease.isUnbroken(descriptor) { usleep(100) }
        }
        writer?.join()
        #expect(results == [.notYet(WaitingReason(.writer, "A program opened it for writing while it was claimed."))])
        #expect(content(of: path) == "lone!" && names(in: home.spool) == [])
    }

    @Test func `is not offered where it is not alone`() throws {
        _ = try claim(["a", "b"]) { _, _ in Issue.record("two files") }
        #expect(names(in: home.landing) == [])
    }

    @Test func `is not offered where it is to be copied`() throws {
        write("linked", to: home.path("a"))
        unsafe link(home.path("a"), home.scratch.path + "/kept")
        _ = try claim(["a"]) { _, _ in Issue.record("a second name") }
        #expect(names(in: home.landing) == [])
    }

    /// Nil, with errno, where a lease keeps the writer out.
    private func openToWrite(_ path: String) -> CInt? {
        let file = unsafe open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK)
        return file < 0 ? nil : file
    }
}

@Suite struct `A read lease` {
    private let scratch = Scratch()

    @Test func `is refused while a file is open for writing, also after it was renamed`() throws {
        let path = scratch.path + "/x"
        let writer = unsafe open(path, O_WRONLY | O_CLOEXEC | O_CREAT, mode_t(0o644))
        let reader = unsafe open(path, O_RDONLY)
        defer { close(reader) }
        #expect(ReadLease.probe(reader) == .writerHasIt)
        unsafe rename(path, path + ".renamed")
        #expect(ReadLease.probe(reader) == .writerHasIt)
        close(writer)
        #expect(ReadLease.probe(reader) == .granted)
    }

    @Test func `does not end the process when a writer breaks it`() throws {
        let path = scratch.path + "/x"
        write("x", to: path)
        let reader = unsafe open(path, O_RDONLY)
        defer { close(reader) }
        let stop = Monitor(false)
        let writer = NamedThread("lease-breaker") {
            while !stop.with({ $0 }) { close(unsafe open(path, O_WRONLY | O_CLOEXEC)) }
        }
        for _ in 0..<20_000 { _ = ReadLease.probe(reader) }
        stop.with { $0 = true }
        writer.join()
    }
}
