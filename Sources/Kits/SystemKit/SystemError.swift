import CodecKit
import Glibc

/// A failed system call: which call, on what, and the kernel's error number.
package struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The errno.
    package let number: CInt
    /// `open`, `fsync`, …
    package let call: String
    /// The thing it was about, shown safely.
    package let path: String

    package init(number: CInt, call: String, path: String) {
        self.number = number
        self.call = call
        self.path = path
    }

    /// `open /var/lib/x: Permission denied`
    package var description: String { "\(call) \(path): \(reason)" }

    /// The C library's sentence for the number.
    package var reason: String { Self.text(number) }

    /// The C library's sentence for an errno.
    package static func text(_ number: CInt) -> String { unsafe String(cString: strerror(number)) }
}

/// What callers tell apart.
extension SystemError {
    /// Why a call failed, as far as callers need it to decide what to do.
    package enum Kind: Sendable {
        /// Nothing has the name (ENOENT).
        case missing
        /// Something in the path is no folder (ENOTDIR).
        case noFolder
        /// A folder in the place of a file (EISDIR).
        case folder
        /// Something has the name already (EEXIST).
        case taken
        /// A link where none is followed (ELOOP).
        case link
        /// A FIFO or socket that nobody serves, or a place past the end (ENXIO).
        case nobody
        /// The rights on a file, or on a folder in its path, forbid it (EACCES).
        case lockedAway
        /// The system forbids it to this process (EPERM).
        case forbidden
        /// Both names must be on one file system, and are not (EXDEV).
        case otherFileSystem
        /// The file system, or the user's share of it, is full (ENOSPC, EDQUOT).
        case full
        /// The process, or the machine, has no descriptor left (EMFILE, ENFILE).
        case noDescriptors
        case noMemory
        /// The medium did not take or give bytes (EIO).
        case medium
        case other
    }

    package var kind: Kind { Self.kind(of: number) }

    /// What an errno is.
    package static func kind(of number: CInt) -> Kind {
        switch number {
        case ENOENT: .missing
        case ENOTDIR: .noFolder
        case EISDIR: .folder
        case EEXIST: .taken
        case ELOOP: .link
        case ENXIO: .nobody
        case EACCES: .lockedAway
        case EPERM: .forbidden
        case EXDEV: .otherFileSystem
        case ENOSPC, EDQUOT: .full
        case EMFILE, ENFILE: .noDescriptors
        case ENOMEM: .noMemory
        case EIO: .medium
        default: .other
        }
    }

    /// Nothing has the name.
    package var isMissing: Bool { number == ENOENT }

    /// Nothing has the name, or something in its path is no folder.
    package var isNowhere: Bool { number == ENOENT || number == ENOTDIR }

    /// Something has the name already.
    package var isTaken: Bool { number == EEXIST }

    /// Rights, or the system, forbid it.
    package var isDenied: Bool { number == EACCES || number == EPERM }

    /// The file system makes no link, or no more, to the file.
    package var isOfNoLinks: Bool { [EPERM, EOPNOTSUPP, EMLINK, ENOSYS].contains(number) }

    /// Whether an errno is temporary: a shortage, or a program that is just being replaced.
    package static func passes(_ number: CInt) -> Bool { [EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY].contains(number) }

    /// Whether an errno tells that descriptors or memory are short, as of accept(2).
    package static func isShortage(_ number: CInt) -> Bool { [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(number) }

    /// The errno of a read that finds nothing now, and of a wait that was over first.
    package static var nothingNow: CInt { EAGAIN }

    /// The errno of a medium that does not give what was written there.
    package static var mediumFault: CInt { EIO }

    /// That what has the name is of another kind than it must be (EINVAL).
    package static func unfit(_ call: String, _ path: String) -> SystemError {
        SystemError(number: EINVAL, call: call, path: path)
    }

    /// That a file is larger than it may be (EFBIG).
    package static func tooLarge(_ call: String, _ path: String) -> SystemError {
        SystemError(number: EFBIG, call: call, path: path)
    }

    /// That nothing has this name.
    package static func missing(_ call: String, _ path: String) -> SystemError {
        SystemError(number: ENOENT, call: call, path: path)
    }
}
