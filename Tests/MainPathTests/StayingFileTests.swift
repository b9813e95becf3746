import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A file that stays where it was dropped` {
    @Test(arguments: [true, false]) func `is not taken for an earlier drop of its name`(withDaemon: Bool) throws {
        let home = try Home(Sample.sources)
        let id = try #require(try home.drop("a.csv", Sample.assets(1...2), to: "assets")["drop"]?.string)
        try home.drop("a.csv", Sample.fleet, to: "fleet")
        try home.configure(Sample.assetsSource("patterns: [\"b*.csv\"]"))
        let daemon = withDaemon ? try Daemon(home) : nil
        let file = try home.file("a.csv", Sample.assets(1...3))
        let refused = try home.run("drop", file, "--source", "assets", "--wait")
        #expect(refused.code == 64 && refused.out.isEmpty && !refused.err.contains("is drop"), "\(refused.err)")
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        let why = try home.ask("why", home.path + "/dropzone/assets/a.csv")
        #expect(why["drop"] == nil && why["code"] == "unmatched-name", "\(why.text())")
        #expect(why["earlierDrop"]?.string == id, "the newest of this folder, not that of fleet: \(why.text())")
        if let daemon { #expect(try daemon.end() == 0) }
    }

    @Test func `is asked for by a name that nothing has`() throws {
        let home = try Home(Sample.sources)
        try home.drop("a.csv", Sample.assets(1...2), to: "assets")
        let ended = try home.run("why", "nixda.csv")
        #expect(ended.code == 64 && ended.err.contains("no drop of that name"), "\(ended.err)")
    }
}
