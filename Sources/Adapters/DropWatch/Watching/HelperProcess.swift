import DropCore
import SystemKit

/// One run of `twindrop-watch`. It starts with an empty environment, is sent messages over a socket, and is read from over a
/// pipe.
///
/// `start` must be called on a thread that outlives the process: the parent-death signal follows the thread.
struct HelperProcess: Sendable {
    let process: Int32
    /// We write to it. When it closes, the helper knows that we are gone.
    private let control: CInt
    /// Read by us.
    private let frames: CInt

    /// Starts the program and sends it the folders.
    static func start(_ path: String, folders: [(path: FolderPath, recursive: Bool)]) throws(SystemError) -> HelperProcess {
        let sockets = try System.socketPair()
        let pipe: (read: CInt, write: CInt)
        do throws(SystemError) { pipe = try System.pipe() } catch {
            for end in [sockets.0, sockets.1] { System.close(end) }
            throw error
        }
        defer { for end in [sockets.1, pipe.write] { System.close(end) } }
        do throws(SystemError) {
            let process = try ChildProcess.start(
                path, [path, String(System.processID)], environment: [], streams: [sockets.1, pipe.write])
            let helper = HelperProcess(process: process, control: sockets.0, frames: pipe.read)
            helper.send(folders)
            return helper
        } catch {
            for end in [sockets.0, pipe.read] { System.close(end) }
            throw error
        }
    }

    /// Reads into `buffer`; 0 when the helper has ended.
    func read(into buffer: inout [UInt8]) -> Int {
        // An error can only mean that the pipe is unusable: the helper is started again, as when it ends.
        (try? System.read(frames, into: &buffer, "helper")) ?? 0
    }

    /// Ends the process now; `read` returns 0 soon after. Safe from any thread until `reap`.
    func kill() { ChildProcess.kill(process) }

    /// Waits for the ended process and closes both channels. Once.
    func reap() {
        System.close(control)
        _ = try? ChildProcess.reap(process)  // Somebody else may have reaped it.
        System.close(frames)
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
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let sent = try? System.send(rest, to: control, "helper") else { return }
            rest = rest.dropFirst(sent)
        }
    }
}
