/// What libarchive or the limits of the reader refused.
package struct ArchiveKitError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// A call of the operating system failed; `errorNumber` says how (`ENOSPC`, `EIO`).
        case storage
        /// The bytes are not a complete tar in zstd.
        case damaged
        /// A limit of `TarZstdReader.Limits` was passed.
        case limit
        /// The archive has something other than plain files with generated names.
        case refused
    }

    package let kind: Kind
    /// libarchive's own words, or ours; without the name of the archive, which the caller knows.
    package let message: String
    /// The `errno` of the failed call; 0 if there was none.
    package let errorNumber: CInt

    package var description: String { message }
}
