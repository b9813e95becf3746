import CodecKit
import DropCore
import Foundation
import HomeReports
import SocketKit
import ThreadKit

/// Tells the service manager how the daemon stands, where it wants to know (sd_notify(3)): that it is ready, reads its
/// configuration again, stops, what it does, and that it lives. docs/operations.md, "As a service", says what a unit makes of it.
package final class ServiceNotices: Sendable {
    private let socket: NotifySocket?
    /// How often the daemon has to say that it lives; nil: nobody asks. Units: microseconds.
    private let watchdog: UInt64?
    private let told = Monitor("")

    /// - Parameter environment: of this process.
    init(_ environment: [String: String] = ProcessInfo.processInfo.environment) {
        socket = environment["NOTIFY_SOCKET"].flatMap { NotifySocket($0) }
        let isForUs = environment["WATCHDOG_PID"].map { $0 == "\(FileCalls.process)" } ?? true
        watchdog = isForUs ? environment["WATCHDOG_USEC"].flatMap { UInt64($0) }.flatMap { $0 > 0 ? $0 : nil } : nil
    }

    /// Whether anybody wants to know.
    var isHeard: Bool { socket != nil }

    package func ready() { socket?.send(["READY=1"]) }

    func reloading() { socket?.send(["RELOADING=1", "MONOTONIC_USEC=\(WallClock.sinceBoot() / 1000)"]) }

    func stopping() { socket?.send(["STOPPING=1", "STATUS=Stopping; drops in hand are ended."]) }

    /// What `systemctl status` shows; sent where it is news.
    func status(_ text: String) {
        let isNews = told.with { told in
            defer { told = text }
            return told != text
        }
        if isNews { socket?.send(["STATUS=\(Escaping.visible(text))"]) }
    }

    /// Called every second by the thread that also tends the home: where that one hangs, so does the daemon.
    ///
    /// - Parameter seconds: since the start.
    func alive(after seconds: Int) {
        guard let watchdog, let socket else { return }
        // Twice as often as it is asked for.
        let every = max(1, Int(clamping: watchdog / 2_000_000))
        if seconds % every == 0 { socket.send(["WATCHDOG=1"]) }
    }
}
