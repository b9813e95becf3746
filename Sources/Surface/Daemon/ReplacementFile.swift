import CodecKit
import DropCore
import HomeConfiguration
import HomeReports
import Pipeline
import SystemKit

/// A corrected file that a person hands over in the place of a drop (docs/decisions/0048-replacing-a-drop.md). It lies in the
/// landing folder of the drop's source under a temporary name, which nobody takes: so whoever replaces a drop may also deliver to
/// its source, and the daemon reads nothing for a caller that it would not take anyway.
enum ReplacementFile {
    /// Runs `body` with the file, which can be read until then.
    ///
    /// - Parameter name: in the landing folder; as `TemporaryName` makes it.
    static func with<T>(
        _ name: String, of source: Source, _ body: (Replacement) throws(DropError) -> T
    ) throws(DropError) -> T {
        let path = source.watched.folder + "/" + name
        guard TemporaryName.isOne(name) else { throw unusable(path, "its name is not a temporary one") }
        let number: CInt
        do throws(SystemError) { number = try System.open(path, [.read, .noLink, .noWaiting]) } catch {
            throw unusable(path, error.reason)
        }
        defer { System.close(number) }
        guard let facts = try? System.facts(of: number, path), facts.kind == .file else {
            throw unusable(path, "it is not a regular file")
        }
        guard facts.bytes <= source.watched.fileBytesMax else {
            throw unusable(path, "it has \(facts.bytes) bytes, and the source takes at most \(source.watched.fileBytesMax)")
        }
        return try body(
            Replacement(bytes: facts.bytes) { (target) throws(DropError) in try copy(from: number, path, to: target, facts.bytes)
            })
    }

    private static func copy(from file: CInt, _ path: String, to target: CInt, _ count: UInt64) throws(DropError) {
        var block = [UInt8](repeating: 0, count: 1 << 18)
        var done: UInt64 = 0
        do throws(SystemError) {
            while true {
                let read = try System.read(file, into: &block, at: done, path)
                if read == 0 { break }
                try System.write(block, count: read, to: target, path)
                done += UInt64(read)
            }
        } catch {
            guard error.kind != .full else {
                throw DropError(
                    .diskFull, "\(Escaping.visible(path)) cannot be copied to the spool: \(error.reason).",
                    hint: "Make room on the file system of the state folder, and try again.", remedy: .retry(after: .seconds(1)))
            }
            throw unusable(path, error.reason)
        }
        guard done == count else { throw unusable(path, "it was changed while it was copied") }
    }

    private static func unusable(_ path: String, _ why: String) -> DropError {
        DropError(
            .unreadable, "\(Escaping.visible(path)) cannot take the place of a drop: \(why).",
            hint: "Use `twindrop retry DROP --with FILE`.", remedy: .quarantine)
    }
}
