import ArchiveKit
import Foundation
import Testing

@Suite struct `The restricted reader` {
    private func read(_ script: String, _ change: (inout TarZstdReader.Limits) -> Void = { _ in }) throws -> [String] {
        let fixture = try Fixture()
        #expect(try fixture.run(script).succeeded)
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: fixture.archive + "/t"))
        var limits = TarZstdReader.Limits()
        change(&limits)
        let reader = try TarZstdReader(descriptor: file.fileDescriptor, limits: limits)
        var names: [String] = []
        while let member = try reader.nextMember() {
            names.append(member.name)
            try reader.read { _ in }
        }
        try reader.finish()
        return names
    }

    private func kind(_ script: String, _ change: (inout TarZstdReader.Limits) -> Void = { _ in }) throws -> ArchiveKitError.Kind?
    {
        let error = #expect(throws: ArchiveKitError.self) { try read(script, change) }
        return error?.kind
    }

    @Test func `reads what tar and zstd wrote`() throws {
        #expect(try read("echo a > a; echo b > b; tar --zstd -cf t a b") == ["a", "b"])
    }

    @Test(arguments: ["gzip", "xz", "cat"])
    func `refuses another filter`(filter: String) throws {
        let script = "command -v \(filter); echo a > a; tar -c a | \(filter) > t"
        #expect(try [.refused, .damaged].contains(kind(script)))
    }

    @Test(arguments: ["mkdir d; tar --zstd -cf t d", "ln -s /etc/passwd l; tar --zstd -cf t l", "mkfifo f; tar --zstd -cf t f"])
    func `refuses what is no plain file`(script: String) throws {
        #expect(try kind(script) == .refused)
    }

    @Test(arguments: ["a/b", "../a", "/a", ".a", "-a", "a b", "ä"])
    func `refuses a name that was not generated`(name: String) throws {
        #expect(try kind("echo a > x; tar --zstd -P --transform 's|x|\(name)|' -cf t x") == .refused)
    }

    @Test func `stops at the limits`() throws {
        let zeros = "head -c 20000000 /dev/zero > a; echo b > b; tar --zstd -cf t a b"
        #expect(try kind(zeros) == .limit)
        #expect(
            try kind(zeros) {
                $0.ratioMax = 1 << 20; $0.expandedBytesMax = 19_999_999
            } == .limit)
        #expect(
            try kind(zeros) {
                $0.ratioMax = 1 << 20; $0.membersMax = 1
            } == .limit)
        #expect(try kind("touch abcdef; tar --zstd -cf t abcdef") { $0.nameBytesMax = 5 } == .limit)
        #expect(try read(zeros) { $0.ratioMax = 1 << 20 } == ["a", "b"])
    }

    @Test(arguments: ["head -c 40 g > t", "printf x > t", "{ head -c 30 g; tail -c +32 g; } > t"])
    func `finds a damaged file`(damage: String) throws {
        #expect(throws: ArchiveKitError.self) { try read("seq 100 > a; tar --zstd -cf g a; " + damage) }
    }
}
