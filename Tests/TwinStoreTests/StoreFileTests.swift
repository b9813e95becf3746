import DropCore
import Glibc
import Testing

@testable import TwinStore

@Suite(.serialized) struct `Files of the store` {
    /// A file system in memory with room for one page or so.
    private static func small(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/td-small-XXXXXX".utf8CString)
        let folder = unsafe template.withUnsafeMutableBufferPointer { unsafe String(cString: mkdtemp($0.baseAddress!)) }
        defer { _ = unsafe rmdir(folder) }
        guard unsafe mount("tmpfs", folder, "tmpfs", 0, "size=512k") == 0 else { return }
        defer { unsafe umount2(folder, CInt(MNT_DETACH)) }
        try body(folder)
    }

    @Test(.enabled("needs root, for a full disk") { getuid() == 0 })
    func `say that the disk is full when a copy ends in the middle, and leave no part of it`() throws {
        try Self.small { folder in
            let from = "/tmp/td-copied-\(getpid())"
            let file = unsafe open(from, O_RDWR | O_CREAT | O_TRUNC, 0o600)
            defer {
                close(file)
                unsafe unlink(from)
            }
            let block = [UInt8](repeating: 1, count: 700_000)
            #expect(unsafe write(file, block, block.count) == block.count)
            let error = #expect(throws: DropError.self) { try StoreFiles.copy(from, to: folder + "/copy") }
            #expect(error?.message.contains("No space left on device") == true, "\(error?.message ?? "")")
            #expect(error?.remedy == .retry(after: .seconds(1)))
            #expect(!StoreFiles.exists(folder + "/copy"))
        }
    }
}
