import CodecKit
import Glibc

/// How a file is opened. No started program ever inherits it.
package struct OpenOptions: OptionSet, Sendable {
    package let rawValue: CInt

    package init(rawValue: CInt) { self.rawValue = rawValue }

    package static let read = OpenOptions(rawValue: O_RDONLY)
    package static let write = OpenOptions(rawValue: O_WRONLY)
    package static let readAndWrite = OpenOptions(rawValue: O_RDWR)
    /// Made where it is missing.
    package static let create = OpenOptions(rawValue: O_CREAT)
    /// A new file; refused if it exists, even as a link that leads nowhere.
    package static let createNew = OpenOptions(rawValue: O_CREAT | O_EXCL)
    package static let empty = OpenOptions(rawValue: O_TRUNC)
    /// Every write goes to the end.
    package static let atEnd = OpenOptions(rawValue: O_APPEND)
    package static let folder = OpenOptions(rawValue: O_DIRECTORY)
    /// A link at the end of the path is refused.
    package static let noLink = OpenOptions(rawValue: O_NOFOLLOW)
    /// Never waits for a FIFO's other end.
    package static let noWaiting = OpenOptions(rawValue: O_NONBLOCK)
    /// Never becomes the process's terminal.
    package static let noTerminal = OpenOptions(rawValue: O_NOCTTY)
    /// A file of the folder that has no name (`O_TMPFILE`, which the Glibc module leaves out).
    package static let unnamed = OpenOptions(rawValue: 0o20_000_000 | O_DIRECTORY)
}

extension System {
    /// Opens what has the path; the number is the caller's to close.
    ///
    /// - Parameter mode: of a file that is made.
    package static func open(_ path: String, _ options: OpenOptions, mode: UInt32 = 0o600) throws(SystemError) -> CInt {
        try make("open", Escaping.visible(path)) { unsafe Glibc.open(path, options.rawValue | O_CLOEXEC, mode_t(mode)) }
    }

    /// Opens a name in a folder; the number is the caller's to close.
    package static func open(
        _ name: [UInt8], in folder: CInt, _ options: OpenOptions, mode: UInt32 = 0o600, call: String = "open"
    ) throws(SystemError) -> CInt {
        let path = terminated(name)
        return try make(call, Escaping.visible(name)) {
            unsafe openat(folder, path, options.rawValue | O_CLOEXEC, mode_t(mode))
        }
    }

    /// Opens an open file again, with an offset of its own, for reading.
    package static func reopen(_ descriptor: CInt) throws(SystemError) -> CInt {
        try open("/proc/self/fd/\(descriptor)", .read)
    }

    /// Another number for an open file, with the same offset.
    ///
    /// - Parameter least: the number is this one or a higher one.
    package static func duplicate(_ descriptor: CInt, from least: CInt = 0) throws(SystemError) -> CInt {
        try make("dup", "/proc/self/fd/\(descriptor)") { fcntl(descriptor, F_DUPFD_CLOEXEC, least) }
    }

    /// Never called again: on Linux the number is free even if close(2) fails.
    package static func close(_ descriptor: CInt) { _ = Glibc.close(descriptor) }

    /// A file without a name in `folder`, for reading and writing; gone when it is closed.
    ///
    /// - Parameter prefix: of the name it has for a moment.
    package static func unnamedFile(in folder: String, prefix: String) throws(SystemError) -> CInt {
        var template = Array("\(folder)/\(prefix)XXXXXX".utf8CString)
        let descriptor = try make("mkstemp", Escaping.visible(folder)) { unsafe mkstemp(&template) }
        unsafe Glibc.unlink(template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    /// The two ends of a pipe, which no program inherits.
    package static func pipe() throws(SystemError) -> (read: CInt, write: CInt) {
        var ends: [CInt] = [-1, -1]
        try make("pipe", "pipe") { unsafe Glibc.pipe(&ends) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// The two ends of a stream socket without a name, which no program inherits.
    package static func socketPair() throws(SystemError) -> (CInt, CInt) {
        var ends: [CInt] = [-1, -1]
        try make("socketpair", "socketpair") {
            unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        }
        return (ends[0], ends[1])
    }

    /// Reads that find nothing return at once.
    package static func setNonBlocking(_ descriptor: CInt) { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
}
