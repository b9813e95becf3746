import Foundation
import ProgramKit
import Testing
import TwinModel

/// What a person is told where something must be done, or was not done.
@Suite(.serialized) struct `A person` {
    @Test func `is refused a name that the source never takes`() throws {
        let home = try Home(Sample.assetsSource("patterns: [\"*.csv\"]"))
        let file = try home.file("day.csv", Sample.assets(1...2))
        for (name, why) in [
            ("day.txt", "its patterns are *.csv"), ("day.csv.part", "*.part is a pattern of temporary names"),
            (".twindrop-day.csv", "TwinDrop's own"),
        ] {
            let refused = try home.run("drop", file, "--source", "assets", "--as", name, "--wait")
            #expect(refused.code == 64 && refused.err.contains(why), "\(name): \(refused.code) \(refused.err)")
        }
        let folder = home.path + "/dropzone/assets"
        #expect((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] == [])
    }

    @Test func `is told by doctor of records that nobody corrected`() throws {
        let home = try Home(Sample.assetsSource())
        try home.deliver("a.csv", Sample.assets(1...3) + "FL-9,,x\n", to: "assets")
        _ = try home.run("run", "--once")
        let drop = try #require(try home.list("drops", "--open-rejects").first?["drop"]?.string)
        let doctor = try home.run("doctor")
        #expect(doctor.code == 1 && doctor.out.contains("`twindrop show \(drop)` says how"), "\(doctor.out)")
    }

    @Test func `is told by status of a mistake that a running daemon has not taken`() throws {
        let home = try Home(Sample.assetsSource())
        let daemon = try Daemon(home)
        let yaml = home.path + "/twindrop.yaml"
        let text = try String(contentsOfFile: yaml, encoding: .utf8)
        try Data((text + "    mode: snapsho\n").utf8).write(to: URL(fileURLWithPath: yaml))
        let status = try home.shown("status")
        #expect(status.contains("CHANGED: ") && status.contains("the daemon goes on with the configuration"), "\(status)")
        #expect(status.contains("MISTAKE ") && status.contains("snapsho"), "\(status)")
        let refused = try home.run("drop", home.file("a.csv", Sample.assets(1...2)), "--source", "assets")
        #expect(refused.code == 64 && refused.err.contains("takes what is put into its folder"), "\(refused.err)")
        #expect(try home.ask("status")["mistakes"]?.elements?.isEmpty == false)
        #expect(try daemon.end() == 0)
    }

    @Test(arguments: ["    mode: snapsho\n", "  - no: [yaml\n"])
    func `is told by why what the daemon does, though twindrop yaml has a mistake now`(mistake: String) throws {
        let home = try Home("sources:\n  assets:\n    plugin: asset-inventory\n    ready: {rule: stable, settle: 10m}\n")
        let daemon = try Daemon(home)
        try home.write("dropzone/assets/a.csv", Sample.assets(1...2))
        let yaml = home.path + "/twindrop.yaml"
        let text = try String(contentsOfFile: yaml, encoding: .utf8)
        try home.configure(text + mistake)
        for name in [home.path + "/dropzone/assets/a.csv", "a.csv"] {
            let answer = try home.ask("why", name)
            #expect(answer["source"] == "assets" && answer["code"] != "source-mistake", "\(answer)")
            #expect(answer["changed"]?.string?.contains("the daemon goes on with the configuration it started with") == true)
            let shown = try home.shown("why", name)
            #expect(shown.contains("The mistake: ") && shown.contains("twindrop.yaml:"), "\(shown)")
        }
        try home.configure(text)
        #expect(try home.ask("why", "a.csv")["changed"] == nil)
        #expect(try daemon.end() == 0)
    }

    @Test(.enabled(if: getuid() == 0)) func `is told which folder may not be read, and by whom it may`() throws {
        let home = try Home(Sample.assetsSource())
        try home.drop("a.csv", Sample.assets(1...2), to: "assets")
        unsafe chmod(home.path, 0o700)
        for command in ["status", "doctor", "drops", "verify"] {
            let ended = try Child.run(
                "runuser", ["-u", "nobody", "--", Program.twindrop, command, "--home", home.path], seconds: 60, merging: true)
            #expect(
                ended.code == 74 && ended.text.contains("may not read \(home.path)"), "\(command): \(ended.code) \(ended.text)")
        }
    }
}
