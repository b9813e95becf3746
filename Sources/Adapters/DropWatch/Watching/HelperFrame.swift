package import DropCore

/// One frame of `twindrop-watch` (Sources/Adapters/twindrop-watch/frames.h).
package enum HelperFrame: Sendable, Equatable {
    case ready(watches: UInt32)
    case event(mask: UInt32, folder: FolderPath, name: FileName)
    case overflow
    case unwatched(code: CInt, folder: FolderPath)
    case watched(FolderPath)
    case lost(FolderPath)
    case renew
    case failed(code: CInt)

    /// `IN_CLOSE_WRITE` of inotify(7): who wrote it under this name has closed it.
    package static let closedAfterWriting: UInt32 = 0x8
    /// `IN_MOVED_TO` of inotify(7).
    package static let movedTo: UInt32 = 0x80
    /// `IN_ISDIR` of inotify(7).
    package static let isFolder: UInt32 = 0x4000_0000
}

/// Cuts a stream of bytes into frames. It trusts nothing: after a malformed frame it always returns `nil`.
package struct HelperFrameReader: Sendable {
    /// Longer than any frame the helper makes.
    private static let bytesMax = 65_536

    private var buffer: [UInt8] = []
    private var at = 0

    package init() {}

    package mutating func append(_ bytes: ArraySlice<UInt8>) {
        buffer.removeFirst(at)
        at = 0
        buffer += bytes
    }

    package enum Next: Equatable { case frame(HelperFrame), incomplete, malformed }

    package mutating func next() -> Next {
        guard buffer.count - at >= 4 else { return .incomplete }
        let length = Int(number(at: at))
        guard length >= 1, length <= Self.bytesMax else { return .malformed }
        guard buffer.count - at - 4 >= length else { return .incomplete }
        let frame = parse(type: buffer[at + 4], from: at + 5, to: at + 4 + length)
        at += 4 + length
        return frame.map(Next.frame) ?? .malformed
    }

    private func parse(type: UInt8, from start: Int, to end: Int) -> HelperFrame? {
        let length = end - start
        switch type {
        case 1: return length == 4 ? .ready(watches: number(at: start)) : nil
        case 2:
            guard length >= 8, case let folder = Int(number(at: start + 4)), folder >= 1, folder <= length - 8 else { return nil }
            let middle = start + 8 + folder
            return .event(
                mask: number(at: start), folder: FolderPath(bytes: Array(buffer[(start + 8)..<middle])),
                name: FileName(bytes: Array(buffer[middle..<end])))
        case 3: return length == 0 ? .overflow : nil
        case 4:
            guard length > 4 else { return nil }
            return .unwatched(
                code: CInt(truncatingIfNeeded: number(at: start)), folder: FolderPath(bytes: Array(buffer[(start + 4)..<end])))
        case 5: return length > 0 ? .watched(FolderPath(bytes: Array(buffer[start..<end]))) : nil
        case 6: return length > 0 ? .lost(FolderPath(bytes: Array(buffer[start..<end]))) : nil
        case 7: return length == 0 ? .renew : nil
        case 8: return length == 4 ? .failed(code: CInt(truncatingIfNeeded: number(at: start))) : nil
        default: return nil
        }
    }

    private func number(at index: Int) -> UInt32 {
        UInt32(buffer[index]) | UInt32(buffer[index + 1]) << 8 | UInt32(buffer[index + 2]) << 16 | UInt32(buffer[index + 3]) << 24
    }
}
