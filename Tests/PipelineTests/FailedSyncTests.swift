import FileKit
import Glibc
import Testing
import ThreadKit

/// A FIFO is a file whose sync fails at once (EINVAL), on every system.
@Suite struct `A sync that failed` {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// An open FIFO of this name whose sync has failed.
    private func failed(_ name: String) throws -> CInt {
        let path = scratch.path + "/" + name
        try #require(unsafe mkfifo(path, 0o600) == 0)
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
        try #require(FailedSyncs.sync(descriptor) == -1)
        #expect(errno == EINVAL)
        return descriptor
    }

    @Test func `is never asked of the kernel again`() throws {
        let descriptor = try failed("fifo")
        defer { close(descriptor) }
        #expect(FailedSyncs.sync(descriptor) == -1)
        #expect(errno == EIO)
        let other = unsafe open(scratch.path + "/fifo", O_RDWR | O_CLOEXEC)
        defer { close(other) }
        #expect(FailedSyncs.sync(other) == -1)
    }

    @Test func `says nothing of a new file in the place of the one that failed`() throws {
        for index in 0..<20 {
            close(try failed("file"))
            try #require(unsafe unlink(scratch.path + "/file") == 0)
            let new = unsafe open(scratch.path + "/file", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(0o600))
            defer { close(new) }
            #expect(FailedSyncs.sync(new) == 0, "file \(index) counts as failed")
            try #require(unsafe unlink(scratch.path + "/file") == 0)
        }
    }
}
