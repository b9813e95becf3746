import CTwinDropWire
import CodecKit
import Crypto
package import DropCore
import SystemKit

/// The bytes of one plugin library, read once into a sealed memory file and hashed there: workers load exactly what was hashed,
/// whatever happens to the file afterwards.
package final class PluginLibrary: Sendable {
    /// Where it was read from.
    package let path: String
    /// SHA-256 of its bytes.
    package let digest: ContentDigest
    package let bytes: Int
    let descriptor: CInt

    /// Reads the library at `path`.
    ///
    /// Errors: `plugin-missing` (it cannot be read, is larger than 256 MiB, or is not a library for this machine);
    /// `worker-start`, remedy retry, where memory or descriptors are short.
    package init(path: String) throws(DropError) {
        let content = try Self.read(path)
        try Self.checkForm(content, path)
        self.path = path
        bytes = content.count
        digest = ContentDigest(bytes: Array(SHA256.hash(data: content)))
        let name = path.split(separator: "/").last.map(String.init) ?? "plugin"
        let sealed = unsafe content.withUnsafeBytes { unsafe td_wire_seal(String(name.prefix(200)), $0.baseAddress, $0.count) }
        guard sealed >= 0 else {
            throw Self.missing(path, "No memory file could be made for it", errno: -sealed)
        }
        descriptor = sealed
    }

    deinit { System.close(descriptor) }

    static let bytesMax = 256 << 20

    static func read(_ path: String, bytesMax: Int = PluginLibrary.bytesMax) throws(DropError) -> [UInt8] {
        let file: CInt
        do throws(SystemError) { file = try System.open(path, [.read, .noWaiting, .noTerminal]) } catch {
            throw missing(path, "It cannot be opened", errno: error.number)
        }
        defer { System.close(file) }
        // A file that cannot be examined counts as missing.
        guard let facts = try? System.facts(of: file, path), facts.kind == .file else {
            throw missing(path, "It is not a regular file.")
        }
        guard facts.bytes <= bytesMax else { throw missing(path, "It is larger than \(bytesMax) bytes.") }
        var content = [UInt8](repeating: 0, count: Int(facts.bytes))
        do throws(SystemError) {
            let count = try System.fill(&content, count: content.count, from: file, at: 0, path)
            content.removeLast(content.count - count)
        } catch { throw missing(path, "It cannot be read", errno: error.number) }
        return content
    }

    /// An ELF shared object, 64 bits, little endian, of this processor.
    private static func checkForm(_ content: [UInt8], _ path: String) throws(DropError) {
        #if arch(x86_64)
            let machine: (UInt8, String) = (62, "x86_64")
        #elseif arch(arm64)
            let machine: (UInt8, String) = (183, "aarch64")
        #endif
        guard content.count > 64, content.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else {
            throw missing(path, "It is no ELF library.")
        }
        guard content[4] == 2, content[5] == 1, content[18] == machine.0, content[19] == 0 else {
            throw missing(path, "It was built for another processor; this machine is \(machine.1).")
        }
        guard content[16] == 3 else { throw missing(path, "It is not a shared library; link it with -shared.") }
    }

    private static func missing(_ path: String, _ reason: String, errno number: CInt) -> DropError {
        let reason = "\(reason) (\(SystemError.text(number)))."
        guard WorkerFailure.passes(number) else { return missing(path, reason) }
        return DropError(
            .workerStart, "\(Escaping.visible(path)): \(reason)", hint: WorkerFailure.unreadyHint,
            remedy: .retry(after: .seconds(1)))
    }

    private static func missing(_ path: String, _ reason: String) -> DropError {
        DropError(
            .pluginMissing, "\(Escaping.visible(path)): \(reason)",
            hint: "Install a build of the plugin for this machine, or correct the source's plugin.", remedy: .suspendSource)
    }
}
