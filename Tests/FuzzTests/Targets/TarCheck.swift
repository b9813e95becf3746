import ArchiveKit
import CZstd
import Glibc

/// Containers (ArchiveKit/TarZstdReader.swift). The first byte says whether the rest is the file, or is compressed to be it.
///
/// - A file is read or refused, and never gives more than the limits allow.
/// - Every byte of the file is shown to the observer, once and in order.
/// - Members that were read, written anew, read back as they were.
enum TarCheck {
    static func check(_ bytes: [UInt8]) throws(Unheld) {
        guard let first = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        let file = first & 1 == 0 ? rest : compressed(rest)
        let scratch = try ScratchFile()
        try scratch.fill(file)
        guard let members = try read(scratch, file) else { return }
        try scratch.fill([])
        do throws(ArchiveKitError) {
            let writer = try TarZstdWriter(descriptor: scratch.descriptor, level: 1)
            for (name, content) in members {
                try writer.beginMember(name: name, bytes: UInt64(content.count), modifiedAt: 0)
                try unsafe writer.write(content.span.bytes)
                try writer.endMember()
            }
            try writer.finish()
        } catch { throw Unheld("what was read cannot be written: \(error)") }
        let again = try read(scratch, try scratch.bytes())
        try hold(
            again?.map(\.name) == members.map(\.name) && again?.map(\.content) == members.map(\.content),
            "what was written reads back otherwise")
    }

    /// The members; nil where the file is refused.
    private static func read(_ scratch: ScratchFile, _ file: [UInt8]) throws(Unheld) -> [(name: String, content: [UInt8])]? {
        var limits = TarZstdReader.Limits()
        limits.expandedBytesMax = 1 << 20
        limits.membersMax = 8
        limits.nameBytesMax = 60
        let seen = Seen()
        scratch.rewind()
        var members: [(name: String, content: [UInt8])] = []
        do {
            let reader = try TarZstdReader(descriptor: scratch.descriptor, limits: limits) { seen.append($0) }
            while let member = try reader.nextMember() {
                var content: [UInt8] = []
                try reader.read { (block) throws(ArchiveKitError) in
                    content += unsafe block.withUnsafeBytes { unsafe Array($0) }
                }
                try hold(UInt64(content.count) == member.bytes, "\(member.name) has \(content.count) of \(member.bytes) bytes")
                members.append((member.name, content))
            }
            try reader.finish()
        } catch let error as Unheld { throw error } catch {
            return nil
        }
        try hold(seen.bytes == file, "the observer saw \(seen.bytes.count) of \(file.count) bytes")
        try hold(
            members.count <= limits.membersMax && members.reduce(0) { $0 + $1.content.count } <= 1 << 20
                && members.allSatisfy { !$0.name.isEmpty && $0.name.utf8.count <= 60 && !$0.name.contains("/") },
            "a limit was passed")
        return members
    }

    private static func compressed(_ bytes: [UInt8]) -> [UInt8] {
        let room = ZSTD_compressBound(bytes.count)
        var out = [UInt8](repeating: 0, count: room)
        let count = unsafe ZSTD_compress(&out, room, bytes, bytes.count, 1)
        precondition(ZSTD_isError(count) == 0, "zstd has room enough")
        return Array(out[..<count])
    }
}

/// What the observer of a reader saw.
private final class Seen {
    var bytes: [UInt8] = []

    func append(_ block: RawSpan) { bytes += unsafe block.withUnsafeBytes { unsafe Array($0) } }
}

/// A file without a name.
private final class ScratchFile {
    let descriptor: CInt

    init() throws(Unheld) {
        var name = Array("/tmp/twindrop-fuzz-XXXXXX".utf8CString)
        descriptor = unsafe mkstemp(&name)
        try hold(descriptor >= 0, "there is no temporary file: errno \(errno)")
        unsafe unlink(name)
    }

    deinit { close(descriptor) }

    func rewind() { lseek(descriptor, 0, SEEK_SET) }

    func fill(_ bytes: [UInt8]) throws(Unheld) {
        let written = unsafe ftruncate(descriptor, 0) == 0 && pwrite(descriptor, bytes, bytes.count, 0) == bytes.count
        try hold(written, "the temporary file cannot be written: errno \(errno)")
        rewind()
    }

    func bytes() throws(Unheld) -> [UInt8] {
        let count = max(0, lseek(descriptor, 0, SEEK_END))
        var out = [UInt8](repeating: 0, count: count)
        let read = unsafe pread(descriptor, &out, count, 0)
        try hold(read == count, "the temporary file cannot be read: errno \(errno)")
        return out
    }
}
