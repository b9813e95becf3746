import CTwinDropWire
import SystemKit

/// Cuts the result pipe into frames without copying payloads. Lengths are checked before anything is read for them.
///
/// Not Sendable: used by the thread that holds the worker.
@safe final class FrameReader {
    /// One frame; its payload is valid until the next call of `next()` or `fill()`.
    @safe struct Frame {
        let type: UInt8
        let payload: UnsafeRawBufferPointer
    }

    enum Filled {
        case bytes(Int)
        /// There is nothing now.
        case nothing
        case ended
    }

    private static let header = Int(TD_WIRE_HEADER)
    private static let frameMax = Int(TD_WIRE_FRAME_MAX)

    private let descriptor: CInt
    private let buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0

    /// Reads from `descriptor`, which is non-blocking and stays the caller's.
    init(descriptor: CInt) {
        self.descriptor = descriptor
        // Room for the largest frame and a quarter more, so that a slow reader still reads large pieces.
        unsafe buffer = .allocate(byteCount: Self.frameMax + Self.frameMax / 4, alignment: 16)
    }

    deinit { unsafe buffer.deallocate() }

    /// Whether bytes are left that no frame was made of.
    var hasRest: Bool { end > start }

    /// The next whole frame; nil when more bytes are needed.
    func next() throws(WorkerFailure) -> Frame? {
        guard end - start >= Self.header else { return nil }
        let length = Int(unsafe buffer.loadUnaligned(fromByteOffset: start, as: UInt32.self))
        guard length <= Self.frameMax else {
            throw WorkerFailure(.protocolFault, "A frame claims \(length) bytes; at most \(Self.frameMax) are allowed.")
        }
        guard end - start >= Self.header + length else { return nil }
        let type = unsafe buffer[start + 4]
        let from = start + Self.header
        start = from + length
        return unsafe Frame(type: type, payload: UnsafeRawBufferPointer(rebasing: buffer[from..<start]))
    }

    /// Reads what is there.
    func fill() -> Filled {
        if start == end {
            start = 0
            end = 0
        } else if start > 0, unsafe buffer.count - end < Self.frameMax / 4 {
            unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
            end -= start
            start = 0
        }
        let count = unsafe td_wire_read(descriptor, buffer.baseAddress! + end, buffer.count - end)
        if count > 0 {
            end += Int(count)
            return .bytes(Int(count))
        }
        return count == -Int64(SystemError.nothingNow) ? .nothing : .ended
    }
}
