import Glibc
import Synchronization

/// Zeroed address ranges for `SparseArray`, kept for the next one: a small drop would otherwise spend more time in the kernel's
/// page tables than on its twins.
enum AddressPool {
    @safe private struct Range: @unchecked Sendable {  // Owned by nobody while it is in the pool, whose lock guards it.
        let base: UnsafeMutableRawPointer
        let byteCount: Int
    }

    private static let ranges = Mutex<[Range]>([])
    private static let rangesMax = 1024
    /// Up to this much is cleared by writing zeros; more goes back to the kernel. Units: bytes.
    private static let clearedByHandMax = 128 << 10

    static func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let known = unsafe ranges.withLock { ranges in
            unsafe ranges.lastIndex { $0.byteCount == byteCount }.map { unsafe ranges.remove(at: $0).base }
        }
        if let known = unsafe known { return unsafe known }
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let address = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            preconditionFailure(
                "no address space for a number table (errno \(errno)): raise the address space limit of the process")
        }
        return unsafe address
    }

    /// Makes `count` bytes from `start` zero again.
    static func clear(_ start: UnsafeMutableRawPointer, _ count: Int) {
        guard count > clearedByHandMax else {
            unsafe memset(start, 0, count)
            return
        }
        let page = 4096
        let first = Int(bitPattern: start) & ~(page - 1)
        let end = (Int(bitPattern: start) + count + page - 1) & ~(page - 1)
        // The kernel forgets whole pages; all of them belong to the range, which starts and ends on a page.
        guard let aligned = unsafe UnsafeMutableRawPointer(bitPattern: first),
            unsafe madvise(aligned, end - first, MADV_DONTNEED) == 0
        else {
            unsafe memset(start, 0, count)
            return
        }
    }

    /// Takes a range back, all zero.
    static func giveBack(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {
        let isKept = ranges.withLock { ranges in
            guard ranges.count < rangesMax else { return false }
            unsafe ranges.append(Range(base: base, byteCount: byteCount))
            return true
        }
        if !isKept { unsafe munmap(base, byteCount) }
    }
}
