import CodecKit
import DropCore
import Glibc

/// One run of `twindrop-watch`: started with an empty environment, spoken to over a socket, read from over a pipe.
///
/// `start` must be called on a thread that outlives the process: the parent-death signal follows the thread.
struct HelperProcess: Sendable {
    let process: pid_t
    /// Written to by us; its end tells the helper that we are gone.
    private let control: CInt
    /// Read by us.
    private let frames: CInt

    /// Starts the program and sends it the folders.
    static func start(_ path: String, folders: [(path: FolderPath, recursive: Bool)]) throws(SystemCallError) -> HelperProcess {
        var sockets: [CInt] = [-1, -1]
        var pipe: [CInt] = [-1, -1]
        try SystemCall.check("socketpair", "helper") {
            unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &sockets)
        }
        do {
            try SystemCall.check("pipe", "helper") { Self.pipe(&pipe) }
            let process = try spawn(path, input: sockets[1], output: pipe[1])
            close(sockets[1])
            close(pipe[1])
            let helper = HelperProcess(process: process, control: sockets[0], frames: pipe[0])
            helper.send(folders)
            return helper
        } catch {
            for descriptor in sockets + pipe where descriptor >= 0 { close(descriptor) }
            throw error
        }
    }

    /// Reads into `buffer`; 0 when the helper has ended.
    func read(into buffer: inout [UInt8]) -> Int {
        let count = buffer.count
        // An error can only mean that the pipe is unusable: the helper is started again, as when it ends.
        let read = try? SystemCall.check("read", "helper") {
            unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(frames, $0.baseAddress, count) }
        }
        return read ?? 0
    }

    /// Ends the process now; `read` returns 0 soon after. Safe from any thread until `reap`.
    func kill() { _ = Glibc.kill(process, SIGKILL) }

    /// Waits for the ended process and closes both channels. Once.
    func reap() {
        var status: CInt = 0
        close(control)
        // ECHILD: somebody reaped it for us.
        _ = try? SystemCall.check("waitpid", "helper") { unsafe waitpid(process, &status, 0) }
        close(frames)
    }

    /// A helper that ended already is noticed by `read`.
    private func send(_ folders: [(path: FolderPath, recursive: Bool)]) {
        var bytes: [UInt8] = []
        for folder in folders {
            bytes.append(UInt8(ascii: folder.recursive ? "r" : "-"))
            bytes += folder.path.bytes
            bytes.append(0)
        }
        bytes.append(0)
        var done = 0
        while done < bytes.count {
            let sent = try? SystemCall.check("send", "helper") {
                unsafe bytes.withUnsafeBytes {
                    unsafe Glibc.send(control, $0.baseAddress! + done, bytes.count - done, CInt(MSG_NOSIGNAL))
                }
            }
            guard let sent else { return }
            done += sent
        }
    }

    private static func pipe(_ ends: inout [CInt]) -> CInt {
        let code = unsafe Glibc.pipe(&ends)
        for end in ends where code == 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return code
    }

    private static func spawn(_ path: String, input: CInt, output: CInt) throws(SystemCallError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        // Signals we ignore or block are no business of the helper's.
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var process = pid_t()
        let arguments = [path, String(getpid())]
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
        var environment: [UnsafeMutablePointer<CChar>?] = unsafe [nil]
        let code = unsafe posix_spawn(&process, path, &actions, &attributes, &pointers, &environment)
        guard code == 0 else { throw SystemCallError(number: code, call: "posix_spawn", subject: Escaping.visible(path)) }
        return process
    }
}
