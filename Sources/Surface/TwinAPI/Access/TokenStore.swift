import CodecKit
import Crypto
package import DropCore
import Synchronization
import SystemKit

/// The bearer tokens of a file, which has only their SHA-256 sums: one a line, `NAME ROLE SHA256 [EXPIRES]`, where EXPIRES is a
/// day (`2027-01-31`, valid to its end). Lines that begin with `#` are comments.
///
/// The file is read again when it changed, at most once a second. All calls may block for that time.
package final class TokenStore: Sendable {
    /// One line of the file.
    package struct Entry: Sendable, Equatable {
        package let name: String
        package let role: Role
        let digest: [UInt8]
        /// The first moment at which the token no longer counts, in microseconds since 1970; nil: never.
        let end: Int64?
    }

    private struct State {
        var entries: [Entry] = []
        var stamp: FileVersion?
        var lookedAt: Int64 = 0
        /// Why the current content of the file is not in use.
        var fault: String?
    }

    private let path: String
    private let clock: @Sendable () -> Int64
    private let state: Mutex<State>

    /// - Parameters:
    ///   - path: absolute.
    ///   - clock: microseconds since 1970.
    /// Errors: `tokens` if the file cannot be read or a line is wrong.
    package init(path: String, clock: @escaping @Sendable () -> Int64) throws(StartError) {
        self.path = path
        self.clock = clock
        let stamp = FileVersion(of: path)
        let entries = try Self.read(path)
        state = Mutex(State(entries: entries, stamp: stamp, lookedAt: clock()))
    }

    /// The name and role of a token; nil if it is unknown or has expired. Comparison takes the same time whatever differs.
    func entry(for token: String) -> Entry? {
        let digest = Array(SHA256.hash(data: Array(token.utf8)))
        let now = clock()
        var found: Entry?
        for entry in current(now) {
            var difference: UInt8 = 0
            for (one, other) in zip(entry.digest, digest) { difference |= one ^ other }
            if difference == 0, entry.end.map({ now < $0 }) ?? true { found = entry }
        }
        return found
    }

    /// What is wrong with the current content of the file, if the entries of an earlier one are in use; for logs and readiness.
    package var fault: String? { state.withLock { $0.fault } }

    private func current(_ now: Int64) -> [Entry] {
        state.withLock { state in
            guard now - state.lookedAt >= 1_000_000 || now < state.lookedAt else { return state.entries }
            state.lookedAt = now
            let stamp = FileVersion(of: path)
            guard stamp != state.stamp else { return state.entries }
            state.stamp = stamp
            do throws(StartError) {
                state.entries = try Self.read(path)
                state.fault = nil
            } catch {
                // With a removed or broken file no token is accepted, so nobody gets in by damaging it.
                state.entries = []
                state.fault = "\(error.message) \(error.hint)"
            }
            return state.entries
        }
    }

    private static func read(_ path: String) throws(StartError) -> [Entry] {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try SmallFile.read(path, bytesMax: 4 << 20)
        } catch {
            throw StartError(
                .tokens, "The token file \(Escaping.visible(path)) cannot be read: \(error.reason).",
                hint: "Make one with `twindrop token new --name NAME --role ROLE`: it prints a line for it.")
        }
        var entries: [Entry] = []
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let text = String(decoding: line, as: UTF8.self).trimmingBlanks()
            if text.isEmpty || text.hasPrefix("#") { continue }
            guard let entry = Entry(line: text) else {
                throw StartError(
                    .tokens, "\(Escaping.visible(path)) line \(index + 1) is no token.",
                    hint:
                        "A line is NAME ROLE SHA256 [YYYY-MM-DD], as `twindrop token new` prints it.")
            }
            entries.append(entry)
        }
        return entries
    }
}

extension TokenStore.Entry {
    init?(line: String) {
        let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }.map(String.init)
        guard (3...4).contains(words.count), words[0].utf8.count <= 256, let role = Role(rawValue: words[1]),
            let digest = Hex.bytes(words[2]), digest.count == 32
        else { return nil }
        var end: Int64?
        if words.count == 4 {
            guard let day = Instant.microseconds(day: words[3]) else { return nil }
            end = day + 86_400_000_000
        }
        self.init(name: words[0], role: role, digest: digest, end: end)
    }
}

/// A new bearer token: 256 random bits, shown once; and the line that stores it.
package struct NewToken: Sendable {
    /// What the caller sends: `Authorization: Bearer TOKEN`.
    package let token: String
    /// For the token file.
    package let line: String

    /// - Parameters:
    ///   - name: without blanks, at most 256 bytes: it is shown as the origin of changes.
    ///   - expires: the last day it counts, `YYYY-MM-DD`; nil: it never expires. Nil if the name or the day is not valid.
    package init?(name: String, role: Role, expires: String? = nil) {
        var random = SystemRandomNumberGenerator()
        let token = "td_" + Base64URL.encoded((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
        let digest = Hex.text(SHA256.hash(data: Array(token.utf8)))
        let line = "\(name) \(role.rawValue) \(digest)" + (expires.map { " \($0)" } ?? "")
        guard !name.hasPrefix("#"), TokenStore.Entry(line: line)?.name == name else { return nil }
        self.token = token
        self.line = line
    }
}
