import CArchive
import Glibc

/// Reads a tar compressed with zstd from a descriptor, as hostile input: no other filter or format is accepted, only plain
/// files, and never more than the limits. Nothing is written anywhere. One thread at a time.
///
///     let reader = try TarZstdReader(descriptor: file, limits: .init())
///     while let member = try reader.nextMember() { try reader.read { bytes in … } }
///     try reader.finish()
@safe package final class TarZstdReader {
    /// What a reader accepts.
    package struct Limits: Sendable {
        /// Bytes of all members together, after decompression.
        package var expandedBytesMax: UInt64 = 1 << 40
        /// Decompressed bytes per compressed byte, counted past the first MiB.
        package var ratioMax: UInt64 = 1_000
        package var membersMax: Int = 1_000
        /// Bytes of one member's name.
        package var nameBytesMax: Int = 200

        package init() {}
    }

    /// One file in the archive.
    package struct Member: Sendable, Equatable {
        /// One path component of printable ASCII, not starting with a dot or hyphen.
        package let name: String
        package let bytes: UInt64
    }

    private let handle: OpaquePointer
    private let input: Input
    private let limits: Limits
    private var members = 0
    private var expanded: UInt64 = 0
    private var announced: UInt64 = 0

    /// - Parameters:
    ///   - descriptor: open for reading, at its start; stays the caller's and must outlive the reader.
    ///   - observe: gets every compressed byte once, in order; after `finish()` it has got all bytes of the file.
    package init(
        descriptor: CInt, limits: Limits, observe: @escaping (RawSpan) -> Void = { _ in }
    ) throws(ArchiveKitError) {
        guard let handle = unsafe archive_read_new() else { throw .outOfMemory }
        unsafe self.handle = handle
        self.input = Input(descriptor: descriptor, observe: observe)
        self.limits = limits
        try check(unsafe archive_read_support_filter_zstd(handle))
        try check(unsafe archive_read_support_format_tar(handle))
        // The reader outlives the handle's use of `input`: both belong to this object, and the handle is freed first.
        let context = unsafe Unmanaged.passUnretained(input).toOpaque()
        try check(unsafe archive_read_open2(handle, context, nil, Input.read, nil, nil))
        guard unsafe archive_filter_count(handle) == 2, unsafe archive_filter_code(handle, 0) == ARCHIVE_FILTER_ZSTD else {
            throw ArchiveKitError(kind: .refused, message: "the file is not compressed with zstd", errorNumber: 0)
        }
    }

    deinit { unsafe archive_read_free(handle) }

    /// The next member, whose bytes `read` then gives; nil at the end of the archive.
    ///
    /// - Throws: `damaged`, `limit`, `refused` (not a plain file, or a name that our writer never makes), `storage`.
    package func nextMember() throws(ArchiveKitError) -> Member? {
        var entry: OpaquePointer?
        let code = unsafe archive_read_next_header(handle, &entry)
        if code == ARCHIVE_EOF { return nil }
        guard code == ARCHIVE_OK, let entry = unsafe entry else { throw failure() }
        members += 1
        guard members <= limits.membersMax else { throw limit("more than \(limits.membersMax) members") }
        guard unsafe archive_entry_filetype(entry) == plainFile, unsafe archive_entry_hardlink(entry) == nil,
            unsafe archive_entry_sparse_count(entry) == 0, unsafe archive_entry_size_is_set(entry) != 0
        else { throw refused("member \(members) is no plain file") }
        guard let pointer = unsafe archive_entry_pathname(entry) else { throw refused("member \(members) has no name") }
        let nameBytes = unsafe strnlen(pointer, limits.nameBytesMax + 1)
        guard nameBytes <= limits.nameBytesMax else { throw limit("a name of more than \(limits.nameBytesMax) bytes") }
        let name = unsafe String(cString: pointer)
        guard Self.isPlain(name) else { throw refused("member \(members) has a name that was not generated") }
        let bytes = UInt64(max(0, unsafe archive_entry_size(entry)))
        guard bytes <= limits.expandedBytesMax - expanded else { throw limit("more than \(limits.expandedBytesMax) bytes") }
        announced = bytes
        return Member(name: name, bytes: bytes)
    }

    /// Hands the present member's bytes to `take`, in order, in blocks that are valid for the call only.
    ///
    /// - Throws: what `nextMember` throws, and what `take` throws.
    package func read<E: Error>(_ take: (RawSpan) throws(E) -> Void) throws {
        var position: UInt64 = 0
        while true {
            var block: UnsafeRawPointer?
            var count = 0
            var offset: Int64 = 0
            let code = unsafe archive_read_data_block(handle, &block, &count, &offset)
            if code == ARCHIVE_EOF { break }
            guard code == ARCHIVE_OK else { throw failure() }
            guard UInt64(max(0, offset)) == position else { throw refused("member \(members) is sparse") }
            position += UInt64(count)
            try account(count)
            guard position <= announced else { throw damaged("member \(members) has more bytes than its size says") }
            let bytes = unsafe UnsafeRawBufferPointer(start: block, count: count)
            try unsafe take(bytes.bytes)
        }
        guard position == announced else { throw damaged("member \(members) has \(position) of its \(announced) bytes") }
    }

    /// Reads to the end of the file, so that `observe` has seen all of it.
    package func finish() throws(ArchiveKitError) {
        while input.readBlock() > 0 {}
        guard input.errorNumber == 0 else { throw storage() }
    }

    /// Compressed bytes read so far.
    package var compressedBytes: UInt64 { input.total }

    private func account(_ count: Int) throws(ArchiveKitError) {
        expanded += UInt64(count)
        guard expanded <= limits.expandedBytesMax else { throw limit("more than \(limits.expandedBytesMax) bytes") }
        let allowed = (1 << 20) + input.total.multipliedReportingOverflow(by: limits.ratioMax).partialValue
        guard expanded <= allowed else { throw limit("more than \(limits.ratioMax) times its compressed size") }
    }

    private static func isPlain(_ name: String) -> Bool {
        guard let first = name.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-") else { return false }
        return name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\\") }
    }

    private func check(_ code: CInt) throws(ArchiveKitError) {
        guard code == ARCHIVE_OK else { throw failure() }
    }

    private func failure() -> ArchiveKitError {
        guard input.errorNumber == 0 else { return storage() }
        let message = unsafe archive_error_string(handle).map { unsafe String(cString: $0) } ?? "libarchive gave no reason"
        return damaged(message)
    }

    private func storage() -> ArchiveKitError {
        ArchiveKitError(
            kind: .storage, message: unsafe String(cString: strerror(input.errorNumber)), errorNumber: input.errorNumber)
    }

    private func damaged(_ message: String) -> ArchiveKitError {
        ArchiveKitError(kind: .damaged, message: message, errorNumber: 0)
    }

    private func refused(_ message: String) -> ArchiveKitError {
        ArchiveKitError(kind: .refused, message: message, errorNumber: 0)
    }

    private func limit(_ message: String) -> ArchiveKitError {
        ArchiveKitError(kind: .limit, message: "it expands to " + message, errorNumber: 0)
    }
}

/// The compressed bytes on their way to libarchive.
@safe private final class Input {
    static let blockBytes = 1 << 18

    let descriptor: CInt
    let observe: (RawSpan) -> Void
    let block: UnsafeMutableRawBufferPointer
    private(set) var total: UInt64 = 0
    private(set) var errorNumber: CInt = 0

    init(descriptor: CInt, observe: @escaping (RawSpan) -> Void) {
        self.descriptor = descriptor
        self.observe = observe
        unsafe block = .allocate(byteCount: Self.blockBytes, alignment: 64)
    }

    deinit { unsafe block.deallocate() }

    /// Fills the block: the count, 0 at the end, or -1 with `errorNumber` set.
    func readBlock() -> Int {
        var count = 0
        repeat { count = unsafe Glibc.read(descriptor, block.baseAddress, block.count) } while count < 0 && errno == EINTR
        guard count >= 0 else {
            errorNumber = errno
            return -1
        }
        total += UInt64(count)
        unsafe observe(UnsafeRawBufferPointer(rebasing: block[..<count]).bytes)
        return count
    }

    static let read:
        @convention(c) (
            OpaquePointer?, UnsafeMutableRawPointer?, UnsafeMutablePointer<UnsafeRawPointer?>?
        ) -> Int = { _, context, buffer in
            let input = unsafe Unmanaged<Input>.fromOpaque(context!).takeUnretainedValue()
            let count = input.readBlock()
            unsafe buffer!.pointee = unsafe UnsafeRawPointer(input.block.baseAddress)
            return count
        }
}
