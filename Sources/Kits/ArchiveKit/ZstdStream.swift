import CZstd
import Glibc

/// Compresses bytes into one zstd frame and writes it to a descriptor. One thread at a time.
///
/// It does not use libarchive's filter, which knows only levels. At level 1 it uses a window of 128 KiB and a hash table of 4096
/// entries, which stay in the first two caches. That takes a sixth less time than the level's own values, and makes row data 3.6
/// % larger (docs/decisions/0016).
@safe final class ZstdStream {
    private let context: OpaquePointer
    private let descriptor: CInt
    private let block: UnsafeMutableRawPointer
    private static let blockBytes = 1 << 18
    private var filled = 0
    /// The `errno` of the write that failed; 0 while none has.
    private(set) var errorNumber: CInt = 0
    /// The error of zstd; nil while there is none.
    private(set) var refusal: String?

    /// - Parameters:
    ///   - descriptor: open for writing, where the frame will begin; stays the caller's and must outlive this.
    ///   - level: 1 to 19.
    /// - Throws: `storage` if there is no memory.
    init(descriptor: CInt, level: Int) throws(ArchiveKitError) {
        guard let context = unsafe ZSTD_createCCtx() else { throw .outOfMemory }
        unsafe self.context = context
        self.descriptor = descriptor
        unsafe block = .allocate(byteCount: Self.blockBytes, alignment: 64)
        var codes = [unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, CInt(level))]
        if level == 1 {
            codes.append(unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 17))
            codes.append(unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, 12))
        }
        guard codes.allSatisfy({ ZSTD_isError($0) == 0 }) else { throw .outOfMemory }
    }

    deinit {
        unsafe block.deallocate()
        unsafe ZSTD_freeCCtx(context)
    }

    /// Takes bytes; false after a failure, which is in `errorNumber` or `refusal`.
    func append(_ bytes: UnsafeRawBufferPointer) -> Bool { unsafe compress(bytes, ZSTD_e_continue) }

    /// Ends the frame and writes what is left of it; false after a failure.
    func finish() -> Bool { unsafe compress(UnsafeRawBufferPointer(start: nil, count: 0), ZSTD_e_end) && flush() }

    private func compress(_ bytes: UnsafeRawBufferPointer, _ directive: ZSTD_EndDirective) -> Bool {
        var input = unsafe ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        while true {
            var output = unsafe ZSTD_outBuffer(dst: block, size: Self.blockBytes, pos: filled)
            let left = unsafe ZSTD_compressStream2(context, &output, &input, directive)
            filled = unsafe output.pos
            guard ZSTD_isError(left) == 0 else {
                refusal = unsafe String(cString: ZSTD_getErrorName(left))
                return false
            }
            if filled == Self.blockBytes, !flush() { return false }
            let isDone = unsafe directive == ZSTD_e_end ? left == 0 : input.pos == input.size
            if isDone { return true }
        }
    }

    private func flush() -> Bool {
        var done = 0
        while done < filled {
            let count = unsafe write(descriptor, block + done, filled - done)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                errorNumber = count < 0 ? errno : EIO
                return false
            }
            done += count
        }
        filled = 0
        return true
    }
}
