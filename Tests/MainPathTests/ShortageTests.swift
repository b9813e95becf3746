import Foundation
import Glibc
import Testing
import TwinModel

@Suite(.serialized) struct `A daemon that is short of something, or ended by a drop` {
    private static let sources = """
        sources:
          assets: {plugin: asset-inventory, ready: {rule: rename}}
        http: {listen: 127.0.0.1:0}
        """

    private func connect(_ port: UInt16) -> CInt {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(socket)
            return -1
        }
        return socket
    }

    /// Waits, at most a minute, until the worker of `assets` has a drop in its hands.
    private func waitForWork(_ home: Home) throws {
        let deadline = Date(timeIntervalSinceNow: 60)
        while try home.ask("status")["sources"]?.elements?.first?["worker"] != "busy", deadline > .now { usleep(50_000) }
    }

    private func states(_ home: Home) throws -> [String] { try home.list("drops").compactMap { $0["state"]?.string } }

    @Test func `survives more connections than it may have files open, and takes drops beside them`() throws {
        let home = try Home(Self.sources)
        let daemon = try Daemon(starting: home, openFiles: 300)
        try daemon.waitUntilReady()
        let endpoint = try home.text(of: "state/endpoint")
        let port = try #require(UInt16(endpoint.split(separator: ":").last?.prefix { $0.isNumber } ?? ""))
        let sockets = (0..<400).map { _ in connect(port) }
        defer { for socket in sockets where socket >= 0 { close(socket) } }
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        #expect(try home.ask("doctor", code: 1)["sound"] == false)
        #expect(try daemon.end() == 0)
    }

    @Test func `does not start with fewer files than it needs, and says how to give it more`() throws {
        let home = try Home(Self.sources)
        let daemon = try Daemon(starting: home, openFiles: 100)
        #expect(try daemon.waitForEnd() == 64)
    }

    @Test func `sets a drop aside that was in hand at two faults in a row, and goes on`() throws {
        let home = try Home(Self.sources)
        try home.replaceAssetInventory(by: "slow.c", "-DSECONDS=60")
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        for _ in 0..<2 {
            let daemon = try Daemon(home)
            try waitForWork(home)
            #expect(try daemon.end(SIGILL) == -SIGILL)
            #expect(try states(home) == ["claimed"])
        }
        let daemon = try Daemon(home)
        try daemon.wait(for: "A drop was quarantined.")
        let record = try #require(try home.list("drops").first)
        #expect(record["state"] == "quarantined")
        #expect(try home.shown("show", record["drop"]?.string ?? "").contains("ended by a fault"))
        #expect(try home.run("discard", "a.csv").code == 0)
        #expect(try daemon.end() == 0)
    }

    @Test func `lets a person discard a drop that is being worked on, with a daemon and without`() throws {
        let home = try Home(Self.sources)
        try home.replaceAssetInventory(by: "slow.c", "-DSECONDS=60")
        let daemon = try Daemon(home)
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        try waitForWork(home)
        #expect(try home.run("discard", "a.csv").code == 0)
        try home.deliver("b.csv", Sample.assets(1...4), to: "assets")
        try waitForWork(home)
        #expect(try daemon.end(SIGKILL) == -SIGKILL)
        #expect(try home.run("discard", "b.csv").code == 0)
        #expect(try states(home) == ["discarded", "discarded"])
        #expect(try home.run("discard", "b.csv").code == 1)
        #expect(try home.run("verify").code == 0)
    }
}
