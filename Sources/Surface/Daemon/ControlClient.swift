import CodecKit
import DropCore
import DropSpooling
import HomeConfiguration
package import HomeReports
import SocketKit
package import TwinModel

/// The other end: what a command asks a running daemon.
package enum ControlClient {
    /// How long a daemon may take to answer one who only looks. Units: seconds.
    private static let secondsToLook = 5

    /// Nil when no daemon runs in this home.
    package static func ask(_ socket: String, _ request: JSON, seconds: Int = 60) throws(CommandFailure) -> JSON? {
        let begun = ContinuousClock.now
        let connection: LocalConnection
        do {
            connection = try LocalConnection(connectingTo: socket, seconds: seconds)
        } catch {
            if error.isAbsent { return nil }
            if error.isTimeout { throw silence(seconds) }
            throw CommandFailure(.storage, "The daemon's control socket does not answer: \(error).")
        }
        guard connection.write(line: request.text()), let line = connection.readLine(),
            let answer = try? JSON(parsing: line)  // A daemon of another version: the message below says so.
        else {
            if ContinuousClock.now - begun >= .seconds(seconds) { throw silence(seconds) }
            throw CommandFailure(.storage, "The daemon did not answer the request.", "Is it another version of twindrop?")
        }
        if let error = answer["error"] {
            throw CommandFailure(
                CommandFailure.Code(rawValue: CInt(error["exit"]?.int ?? 1)) ?? .negative, error["message"]?.string ?? "",
                error["hint"]?.string ?? "")
        }
        return answer["result"] ?? .null
    }

    private static func silence(_ seconds: Int) -> CommandFailure {
        CommandFailure(
            .storage, "The daemon runs and did not answer within \(seconds) s.",
            "If somebody stopped it (SIGSTOP, a debugger), let it go on (SIGCONT); else see its log, and restart it.")
    }

    /// What one who only looks hears of a daemon.
    package enum Look {
        case answer(JSON)
        case none
        /// It runs, and says nothing: why, in sentences.
        case silent([String])
    }

    /// Asks for facts, and does not wait long for them.
    package static func look(_ home: Home, _ request: JSON) -> Look {
        do throws(CommandFailure) {
            if let told = try ask(home.controlSocket, request, seconds: secondsToLook) { return .answer(told) }
        } catch { return .silent(error.lines) }
        guard HomeLock.isHeld(state: home.paths.state) else { return .none }
        return .silent([
            "An instance holds the home and cannot be asked: \(Escaping.visible(home.controlSocket)) is not there.",
            "It starts, stops, or is a command such as `run --once`; if it is a daemon, its socket was removed: restart it.",
        ])
    }
}
