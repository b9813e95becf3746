import CTwinDropWire
import DropWatch
import Glibc

@testable import PluginHost

/// Frames of the two processes beside the daemon: those of a worker (PluginHost/FrameReader.swift) where the first byte is even,
/// those of the watcher (DropWatch/Watching/HelperFrame.swift) where it is odd.
///
/// - Whatever comes is cut into frames or refused.
/// - It is cut alike in one piece and in pieces of one and three bytes.
/// - A list of keys that was read, encoded anew, reads as the same list.
enum FramesCheck {
    static func check(_ bytes: [UInt8]) throws(Unheld) {
        guard let first = bytes.first else { return }
        let stream = Array(bytes.dropFirst().prefix(32_768))  // A pipe holds them all.
        let read = first & 1 == 0 ? worker : watcher
        let whole = try read(stream, max(1, stream.count))
        for piece in [1, 3] {
            let pieces = try read(stream, piece)
            try hold(pieces == whole, "in pieces of \(piece): \(pieces), and whole: \(whole)")
        }
    }

    /// What came out, as text.
    private static func worker(_ bytes: [UInt8], piece: Int) throws(Unheld) -> [String] {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw Unheld("there is no pipe: errno \(errno)") }
        let (readEnd, writeEnd) = (ends[0], ends[1])
        defer { for end in [readEnd, writeEnd] { close(end) } }
        let reader = FrameReader(descriptor: readEnd)
        var found: [String] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let part = Array(bytes[start..<min(bytes.count, start + piece)])
            let written = unsafe write(writeEnd, part, part.count)
            try hold(written == part.count, "the pipe is full")
            _ = reader.fill()
            do throws(WorkerFailure) {
                while let frame = try reader.next() {
                    found.append("\(frame.type) \(unsafe Array(frame.payload))")
                    try keys(in: frame)
                }
            } catch {
                if let unheld = error.unheld { throw unheld }
                return found + [error.message]
            }
        }
        return found + ["rest: \(reader.hasRest)"]
    }

    private static func keys(in frame: FrameReader.Frame) throws(WorkerFailure) {
        var list = KeyList()
        // Most payloads are no names; none of them does harm.
        guard (try? unsafe list.append(frame: frame.payload)) != nil else { return }
        var again = KeyList()
        let isRead = unsafe list.entries.withUnsafeBytes { entries in (try? unsafe again.append(frame: entries)) != nil }
        guard isRead, again.names == list.names else { throw WorkerFailure(.failed, unheldMark + "names read otherwise again") }
    }

    private static func watcher(_ bytes: [UInt8], piece: Int) throws(Unheld) -> [String] {
        var reader = HelperFrameReader()
        var found: [String] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            reader.append(bytes[start..<min(bytes.count, start + piece)])
            frames: while true {
                switch reader.next() {
                case .frame(let frame): found.append("\(frame)")
                case .incomplete: break frames
                case .malformed: return found + ["malformed"]
                }
            }
        }
        return found
    }
}

private let unheldMark = "unheld: "

extension WorkerFailure {
    /// What does not hold, where this error was made to carry it.
    fileprivate var unheld: Unheld? { message.hasPrefix(unheldMark) ? Unheld(message) : nil }
}
