import Foundation
import Glibc
import Testing
import TwinModel

@Suite(.serialized) struct `A receipts folder that cannot be used` {
    private static let sources = """
        sources:
          assets: {plugin: asset-inventory, ready: {rule: rename}}
          fleet: {plugin: fleet-hierarchy, ready: {rule: rename}}
        http: {listen: "127.0.0.1:0"}
        """

    /// A home whose source `assets` has a file where its receipts folder was.
    private func home() throws -> Home {
        let home = try Home(Self.sources)
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        try FileManager.default.removeItem(atPath: home.path + "/receipts/assets")
        try home.write("receipts/assets", "")
        return home
    }

    @Test func `stops neither the daemon nor another source, and is told everywhere`() throws {
        let home = try home()
        #expect(try home.run("doctor").code == 1)
        let daemon = try Daemon(home)
        let waited = try home.run("drop", home.file("b.csv", Sample.assets(4...5)), "--source", "assets", "--wait")
        #expect(waited.code == 1 && waited.err.contains("[receipts-unusable]"), "\(waited.err)")
        try home.drop("f.csv", Sample.fleet, to: "fleet")
        #expect(try home.shown("status").contains("WITHOUT RECEIPTS (receipts-unusable)"))
        #expect(try home.ask("show", "b.csv")[path: "waiting/code"] == "receipts-unusable")
        let doctor = try home.run("doctor")
        #expect(doctor.code == 1 && doctor.out.contains("receipts-unusable"), "\(doctor.out)")
        #expect(try daemon.end() == 0)
        let once = try home.run("run", "--once")
        #expect(once.code == 1 && once.err.contains("[receipts-unusable]"), "\(once.err)")
        let next = try Daemon(home)
        try FileManager.default.removeItem(atPath: home.path + "/receipts/assets")
        try next.wait(for: "What was told is over.")
        #expect(try next.end() == 0)
        #expect(try home.text(of: "receipts/assets/b.csv.receipt.json").contains("\"done\""))
        #expect(try home.run("doctor").code == 0)
        #expect(try home.run("verify", "--full").code == 0)
    }

    @Test func `is made again where it was taken away`() throws {
        let home = try Home(Self.sources)
        let daemon = try Daemon(home)
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        try FileManager.default.removeItem(atPath: home.path + "/receipts")
        try home.drop("b.csv", Sample.assets(4...5), to: "assets")
        #expect(try home.text(of: "receipts/assets/b.csv.receipt.json").contains("\"done\""))
        #expect(try daemon.end() == 0)
    }
}

@Suite(.serialized) struct `A daemon that cannot be asked` {
    @Test func `is not called one that does not run`() throws {
        let home = try Home(Sample.assetsSource())
        let daemon = try Daemon(home)
        try FileManager.default.removeItem(atPath: home.path + "/state/control.sock")
        let status = try home.run("status")
        #expect(status.code == 1 && status.err.contains("restart it"), "\(status)")
        #expect(!status.out.contains("not running"))
        let doctor = try home.run("doctor")
        #expect(doctor.code == 1 && doctor.out.contains("holds the home"), "\(doctor.out)")
        #expect(try daemon.end() == 0)
        #expect(try home.run("doctor").code == 0)
    }

    @Test func `does not keep those waiting who only look`() throws {
        let home = try Home(Sample.assetsSource())
        let daemon = try Daemon(home)
        daemon.send(SIGSTOP)
        for command in ["status", "doctor"] {
            let begun = ContinuousClock.now
            let ended = try home.run(command)
            #expect(ended.code == 1 && (ended.out + ended.err).contains("did not answer"), "\(ended)")
            #expect(.now - begun < .seconds(30))
        }
        daemon.send(SIGCONT)
        #expect(try daemon.end() == 0)
    }

    @Test func `tells that its configuration was changed since`() throws {
        let home = try Home(Sample.assetsSource())
        let daemon = try Daemon(home)
        #expect(try home.run("doctor").code == 0)
        try home.configure(Sample.assetsSource("duplicates: process"))
        #expect(try home.shown("status").contains("CHANGED: twindrop.yaml"))
        #expect(try home.run("doctor").code == 1)
        #expect(try daemon.end() == 0)
    }

    @Test(arguments: ["tokens", "models"]) func `is foretold by doctor where it would not start`(what: String) throws {
        let home = try Home(Sample.assetsSource() + (what == "tokens" ? "http: {tokens: tokens}\n" : ""))
        try home.drop("a.csv", Sample.assets(1...2), to: "assets")
        try? FileManager.default.createDirectory(atPath: home.path + "/models", withIntermediateDirectories: false)
        try home.write(what == "tokens" ? "tokens" : "models/bad.json", "garbage\n")
        let doctor = try home.run("doctor")
        #expect(doctor.code == 1 && doctor.out.contains("PROBLEM tokens and models"), "\(doctor.out)")
        #expect(try home.run("source", "check").code == 64)
    }
}
