import Foundation
import Testing
import TwinModel

/// A landing folder that two homes name (docs/decisions/0047-nobody-writes-unseen.md).
@Suite(.serialized) struct `A landing folder of two homes` {
    /// Catches an adoption beside a living owner without a word, and an owner that goes on taking files.
    @Test func `is adopted once its owner has let go, or at a person's word`() throws {
        let ours = try Home(Sample.assetsSource())
        let folder = ours.path + "/dropzone/assets"
        let theirs = try Home(Sample.assetsSource("folder: \(folder)"))
        let daemon = try Daemon(ours)
        try ours.drop("a.csv", Sample.assets(1...2), to: "assets")
        let refused = try theirs.run("source", "adopt", "assets", "--reason", "mine")
        #expect(refused.code == 64 && refused.err.contains("runs and serves it"), "\(refused)")
        let adopted = try theirs.ask("source", "adopt", "assets", "--while-in-use", "--reason", "mine")
        #expect(adopted["adopted"]?.elements?.first?["formerOwner"]?.string?.isEmpty == false, "\(adopted)")
        let left = try ours.run("drop", ours.file("b.csv", Sample.assets(1...3)), "--source", "assets", "--wait")
        #expect(left.code == 1 && left.err.contains("[folder-owned]"), "\(left)")
        #expect(try ours.list("drops").count == 1)
        #expect(try daemon.end() == 0)
        #expect(try theirs.run("run", "--once").code == 0)
        #expect(try theirs.list("drops").count == 1)
        // Nobody runs now, so it goes back without more ado.
        #expect(try ours.run("source", "adopt", "assets", "--reason", "ours").code == 0)
    }

    /// Catches an owner file that is written again without a word.
    @Test func `says in its status that it had lost its owner file`() throws {
        let home = try Home(Sample.assetsSource())
        let daemon = try Daemon(home)
        try home.drop("a.csv", Sample.assets(1...2), to: "assets")
        let owner = home.path + "/dropzone/assets/.twindrop-owner"
        try FileManager.default.removeItem(atPath: owner)
        // A folder is checked at least every 30 seconds, and at once after this.
        #expect(try home.run("source", "adopt", "--all", "--reason", "look again").code == 0)
        let said = "the folder \(home.path)/dropzone/assets was made again or lost its owner file; it is ours again."
        try daemon.wait(for: "Source assets: \(said)")
        #expect(FileManager.default.fileExists(atPath: owner))
        #expect(try home.shown("status").contains("ALARM: The folder \(home.path)/dropzone/assets was made again or lost its"))
        #expect(try daemon.end() == 0)
    }
}
