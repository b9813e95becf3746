internal import Glibc

/// Reviewed output of a plugin, kept in a file beside its input. `TWINDROP_RECORD=1 swift test` writes the files again.
public struct GoldenFile: Sendable {
    public let path: String

    public init(_ path: String) { self.path = path }

    /// Compares `recording` with the file; an empty list when they are the same, else what differs, line by line (at most ten).
    ///
    /// With `TWINDROP_RECORD` in the environment the file is written, and nothing differs. Errors: `HarnessError` when the file
    /// cannot be read or written.
    public func differences(from recording: Recording) throws(HarnessError) -> [String] {
        let lines = recording.lines
        if unsafe getenv("TWINDROP_RECORD") != nil {
            try FileBytes.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: path)
            return []
        }
        let text = String(decoding: try FileBytes.read(path), as: UTF8.self)
        let expected = text.split(separator: "\n").map(String.init)
        var differences: [String] = []
        for index in 0..<max(lines.count, expected.count) {
            let left = index < expected.count ? expected[index] : "(nothing)"
            let right = index < lines.count ? lines[index] : "(nothing)"
            if !left.utf8.elementsEqual(right.utf8) {
                differences.append("\(path) line \(index + 1):\n  expected \(left)\n  found    \(right)")
            }
            if differences.count == 10 { break }
        }
        return differences
    }
}

/// Why a harness cannot work.
public struct HarnessError: Error, Sendable, CustomStringConvertible {
    /// A sentence that names the thing.
    public let message: String

    public init(_ message: String) { self.message = message }

    public var description: String { message }
}

/// Whole files, for tests.
public enum FileBytes {
    /// Errors: the file cannot be opened or read.
    public static func read(_ path: String) throws(HarnessError) -> [UInt8] {
        guard let file = unsafe fopen(path, "rb") else { throw HarnessError("\(path): cannot be opened (errno \(errno)).") }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe fread(&buffer, 1, buffer.count, file)
            bytes += buffer[..<count]
            if count < buffer.count { break }
        }
        guard unsafe ferror(file) == 0 else { throw HarnessError("\(path): cannot be read (errno \(errno)).") }
        return bytes
    }

    /// Errors: the file cannot be written.
    public static func write(_ bytes: [UInt8], to path: String) throws(HarnessError) {
        guard let file = unsafe fopen(path, "wb") else { throw HarnessError("\(path): cannot be written (errno \(errno)).") }
        let written = unsafe fwrite(bytes, 1, bytes.count, file)
        guard unsafe fclose(file) == 0, written == bytes.count else {
            throw HarnessError("\(path): cannot be written (errno \(errno)).")
        }
    }
}
