import Foundation
import Glibc
import Testing
import ThreadKit
import TwinModel

/// What a service manager hears: a datagram socket that keeps every notice.
private final class NoticeListener: Sendable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("td-notify-\(UUID().uuidString.prefix(8))").path
    private let descriptor: CInt
    private let notices = Monitor<[String]>([])

    init() throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
        let bound = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { [descriptor] in
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0, "no socket can be bound at \(path)")
        _ = NamedThread("notices") { [descriptor, notices] in
            var buffer = [UInt8](repeating: 0, count: 4096)
            while case let count = unsafe recv(descriptor, &buffer, buffer.count, 0), count > 0 {
                let text = String(decoding: buffer[..<count], as: UTF8.self)
                notices.with { $0.append(text) }
            }
        }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
        try? FileManager.default.removeItem(atPath: path)
    }

    var heard: [String] { notices.with { $0 } }

    /// Waits for `count` notices that begin so, in at most 60 s.
    func wait(for start: String, count: Int = 1) throws {
        let isThere = { (heard: [String]) in heard.count { $0.hasPrefix(start) } >= count }
        try #require(
            notices.wait(until: isThere, timeout: .seconds(60)) { isThere($0) }, "\(count) × \(start) was never heard: \(heard)")
    }
}

@Suite(.serialized) struct `A service manager` {
    private static func start(_ home: Home, _ listener: NoticeListener, _ more: [String: String] = [:]) throws -> Daemon {
        let daemon = try Daemon(
            starting: home, environment: more.merging(["NOTIFY_SOCKET": listener.path]) { first, _ in first })
        try daemon.waitUntilReady()
        return daemon
    }

    @Test func `hears when the daemon is ready, what it does, and that it stops`() throws {
        let home = try Home(Sample.sources)
        let listener = try NoticeListener()
        let daemon = try Self.start(home, listener)
        try listener.wait(for: "READY=1")
        try listener.wait(for: "STATUS=4 sources, 0 drops in hand")
        #expect(listener.heard.firstIndex(of: "READY=1") != nil)
        #expect(!listener.heard.contains { $0.hasPrefix("STOPPING") || $0.hasPrefix("WATCHDOG") })
        #expect(try daemon.end() == 0)
        try listener.wait(for: "STOPPING=1")
    }

    @Test func `hears every second that the daemon lives, where it asks for that`() throws {
        let home = try Home(Sample.sources)
        let listener = try NoticeListener()
        let daemon = try Self.start(home, listener, ["WATCHDOG_USEC": "2000000"])
        try listener.wait(for: "WATCHDOG=1", count: 3)
        #expect(try daemon.end() == 0)
    }

    @Test func `hears nothing of that where another process is meant`() throws {
        let home = try Home(Sample.sources)
        let listener = try NoticeListener()
        let daemon = try Self.start(home, listener, ["WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"])
        try listener.wait(for: "STATUS=4 sources")
        #expect(try daemon.end() == 0)
        try listener.wait(for: "STOPPING=1")
        #expect(!listener.heard.contains { $0.hasPrefix("WATCHDOG") })
    }

    @Test func `asks with SIGHUP for a changed configuration`() throws {
        let home = try Home(Sample.sources)
        let listener = try NoticeListener()
        let daemon = try Self.start(home, listener, ["WATCHDOG_USEC": "2000000"])
        daemon.send(SIGHUP)
        try listener.wait(for: "RELOADING=1")
        try listener.wait(for: "READY=1", count: 2)
        try daemon.wait(for: "Asked to read the configuration again: it is as it was. The drop zone is looked through.")

        try home.configure(Sample.sources + "  more: {plugin: asset-inventory}\n")
        let changed = try home.ask("status")[path: "daemon/changed"]?.string
        #expect(changed?.contains("reload it") == true, "\(changed ?? "-")")
        #expect(changed?.contains("Changed: sources.more (new).") == true, "\(changed ?? "-")")
        daemon.send(SIGHUP)
        try listener.wait(for: "READY=1", count: 3)
        try daemon.wait(for: "The configuration was changed; the daemon takes it over.")
        try listener.wait(for: "STATUS=5 sources, 0 drops in hand")
        #expect(try home.ask("status")[path: "daemon/changed"]?.string == nil)
        #expect(!listener.heard.contains { $0.hasPrefix("STOPPING") })

        try home.configure(Sample.sources + "nonsense: 1\n")
        daemon.send(SIGHUP)
        try daemon.wait(for: "The changed configuration has a mistake.")
        try listener.wait(for: "READY=1", count: 4)
        #expect(try daemon.end() == 0)
        try listener.wait(for: "STOPPING=1")
    }
}
