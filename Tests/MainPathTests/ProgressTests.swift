import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `Progress` {
    /// A home whose asset-inventory takes two seconds for a file.
    private static func home() throws -> Home {
        let home = try Home(Sample.assetsSource())
        try home.replaceAssetInventory(by: "slow.c", "-DSECONDS=2")
        return home
    }

    /// What a command writes to a terminal of 60 columns.
    private static func onTerminal(_ arguments: String...) throws -> String {
        let script = """
            import fcntl, os, pty, struct, sys, termios
            pid, terminal = pty.fork()
            if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
            while True:
                try: block = os.read(terminal, 65536)
                except OSError: break
                if not block: break
                os.write(1, block)
            os.waitpid(pid, 0)
            """
        let ended = try Program.run("/usr/bin/env", ["python3", "-c", script, Program.twindrop] + arguments)
        try #require(ended.code == 0, "\(ended.err)")
        return ended.out
    }

    /// A line that is written over, in front of which nothing stays.
    private static let line = "\r\u{1B}[Kslow.csv  0 rows  0 % of "

    @Test func `of a large file is one line on a terminal, which is gone at the end`() throws {
        let home = try Self.home()
        try home.deliver("slow.csv", Sample.assets(1...3), to: "assets")
        let text = try Self.onTerminal("run", "--once", "--home", home.path)
        #expect(text.contains(Self.line), "\(text)")
        #expect(try #require(text.components(separatedBy: "\r\u{1B}[K").last).contains("slow.csv  0 rows") == false)
        #expect(text.components(separatedBy: "\r").allSatisfy { !$0.hasPrefix("\u{1B}[Kslow") || $0.unicodeScalars.count < 64 })
    }

    @Test func `of a drop that is waited for comes from the daemon`() throws {
        let home = try Self.home()
        let daemon = try Daemon(home)
        let file = try home.file("slow.csv", Sample.assets(1...3))
        let text = try Self.onTerminal("drop", file, "--source", "assets", "--wait", "--home", home.path)
        #expect(text.contains(Self.line), "\(text)")
        #expect(try daemon.end() == 0)
    }

    @Test func `is not drawn where there is no terminal`() throws {
        let home = try Self.home()
        try home.deliver("slow.csv", Sample.assets(1...3), to: "assets")
        let ended = try home.run("run", "--once")
        #expect(ended.code == 0 && ended.out == "")
        #expect(!ended.err.contains("\r"))
    }
}
