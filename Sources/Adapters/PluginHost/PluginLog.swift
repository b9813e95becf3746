import CodecKit
import DropCore

/// The log of one drop: what the plugin logged, and what its process printed. Hostile text: escaped, and cut at a limit.
struct PluginLog {
    private(set) var lines: [String] = []
    private let bytesMax: Int
    private var bytes = 0
    private var dropped = 0
    private var printed: [UInt8] = []

    /// - Parameter bytesMax: bytes kept, before escaping.
    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// Adds one message of `log()`; each of its lines is a line here.
    mutating func add(level: UInt8, _ text: some Sequence<UInt8>) {
        let words = ["debug", "info", "warning", "error"]
        let prefix = words[Int(min(level, 3))]
        for line in Array(text).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
            keep(prefix, line)
        }
    }

    /// Adds bytes that came through standard output or standard error.
    mutating func add(printed raw: UnsafeRawBufferPointer) {
        let bytes = unsafe Array(raw)
        for byte in bytes {
            if byte == UInt8(ascii: "\n") || printed.count >= 4096 { endLine() }
            if byte != UInt8(ascii: "\n") { printed.append(byte) }
        }
    }

    /// The lines, with a last one that says how many bytes were dropped.
    mutating func finish() -> [String] {
        endLine()
        return dropped == 0 ? lines : lines + ["… \(dropped) bytes more were dropped."]
    }

    private mutating func endLine() {
        guard !printed.isEmpty else { return }
        keep("printed", printed[...])
        printed.removeAll(keepingCapacity: true)
    }

    private mutating func keep(_ prefix: String, _ line: ArraySlice<UInt8>) {
        guard bytes + line.count <= bytesMax else {
            dropped += line.count
            return
        }
        bytes += line.count
        lines.append(prefix + ": " + Escaping.visible(line, scalarsMax: line.count))
    }
}
