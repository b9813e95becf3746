import CodecKit
import DropCore
import HomeConfiguration
import DropSpooling
import HomeReports
import SocketKit
import ThreadKit
import TwinModel

/// Answers the commands of operators on `state/control.sock`: one JSON object a line in, one out.
///
///     {"do": "release", "drop": "01K…", "force": false, "reason": "…"}   ->   {"result": {…}} or {"error": {"code", "message",
///     "hint", "exit"}}
///
/// Callers need write permission on the socket (0660): the daemon's user, its group, and root. Who acts is what the kernel says
/// of the caller, never what the caller says.
final class ControlServer: Sendable {
    typealias Handler = @Sendable (_ act: String, _ request: JSON, _ caller: Person) throws(CommandFailure) -> JSON

    private let listener: LocalListener
    private let threads: BoundedQueue<Void>

    /// Listens at `path` until `stop`; `handler` runs on a thread of the connection.
    init(at path: String, _ handler: @escaping Handler) throws(StartError) {
        do {
            listener = try LocalListener(at: path)
        } catch {
            throw StartError(
                .controlSocket, "The control socket cannot be opened: \(error).",
                hint: "Check the permissions of the state folder; its path may have at most 107 bytes.")
        }
        threads = BoundedQueue(capacity: 8)  // At most this many callers at once; the next waits in the listen queue.
        _ = NamedThread("td-control") { [listener, threads] in
            while let connection = listener.accept() {
                guard threads.push(()) else { return }
                do throws(NamedThread.Shortage) {
                    _ = try NamedThread(unlessShort: "td-caller") {
                        Self.serve(connection, handler)
                        _ = threads.pop()
                    }
                } catch {
                    // Served here, then: the next caller waits.
                    Self.serve(connection, handler)
                    _ = threads.pop()
                }
            }
        }
    }

    func stop() {
        listener.stop()
        threads.close()
    }

    private static func serve(_ connection: LocalConnection, _ handler: Handler) {
        connection.setTimeout(seconds: 60)
        guard let user = connection.peerUser else { return }
        let caller = Users.person(user)
        while let line = connection.readLine() {
            let answer = answer(to: line, caller, handler)
            guard connection.write(line: answer.text()) else { return }
        }
    }

    private static func answer(to line: String, _ caller: Person, _ handler: Handler) -> JSON {
        guard let request = try? JSON(parsing: line), let act = request["do"]?.string else {  // Any bad line gets one answer.
            return failure(
                CommandFailure(
                    StartError(.request, "The request is no JSON object with \"do\".", hint: "Use the twindrop command.")))
        }
        do throws(CommandFailure) {
            return ["result": try handler(act, request, caller)]
        } catch {
            return failure(error)
        }
    }

    private static func failure(_ error: CommandFailure) -> JSON {
        [
            "error": [
                "code": .string(error.word), "message": .string(error.lines.first ?? ""),
                "hint": .string(error.lines.dropFirst().joined(separator: " ")), "exit": .int(Int64(error.code.rawValue)),
            ]
        ]
    }
}
