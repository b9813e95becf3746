import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `The archive, to a stranger` {
    private static func home() throws -> (home: Home, receipts: [JSON], texts: [String]) {
        let home = try Home(Sample.sources)
        let texts = [Sample.assets(1...50), "<html>\n"]
        let receipts = try [
            home.drop("a.csv", texts[0], to: "assets"), home.drop("broken.csv", texts[1], to: "assets", code: 1),
        ]
        return (home, receipts, texts)
    }

    @Test func `gives the dropped bytes back to tar, zstd and sha256sum`() throws {
        let (home, receipts, texts) = try Self.home()
        for (receipt, text) in zip(receipts, texts) {
            let container = try #require(receipt[path: "archive/container"]?.string)
            let member = try #require(receipt[path: "archive/member"]?.string)
            let folder = home.path + "/files/out-\(receipt["state"]?.string ?? "")"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            #expect(try Program.tool("tar", "--zstd", "-xf", home.path + "/archive/" + container, "-C", folder).code == 0)
            let sum = try Program.tool("sha256sum", folder + "/" + member).out
            #expect(sum.hasPrefix(receipt["content"]?.string ?? "none"))
            #expect(try String(contentsOfFile: folder + "/" + member, encoding: .utf8) == text)
        }
    }

    @Test func `verifies where it was copied to, without a home`() throws {
        let (home, receipts, texts) = try Self.home()
        let copy = home.path + "/files/copy"
        try FileManager.default.copyItem(atPath: home.path + "/archive", toPath: copy)
        let id = try #require(receipts[0]["drop"]?.string)
        let verified = try Program.run(
            Program.twindrop, ["verify", "--full", "--prove", id, "--archive", copy, "--json"], in: "/")
        #expect(verified.code == 0, "\(verified.err)")
        let result = try #require(try verified.json().first)
        #expect(result["sound"] == .bool(true))
        #expect(result["drops"] == 2)
        #expect(result[path: "proof/drop"] == .string(id))
        let cat = try Program.run(Program.twindrop, ["archive", "cat", "a.csv", "--archive", copy], in: "/")
        #expect(cat.out == texts[0])
        #expect(try Program.run(Program.twindrop, ["archive", "list", "--archive", copy, "--json"], in: "/").json().count == 2)
        #expect(try Program.run(Program.twindrop, ["batches", "--archive", copy, "--json"], in: "/").json().isEmpty == false)
    }

    @Test(arguments: [[String](), ["--full"]]) func `shows a flipped bit, and where it is`(options: [String]) throws {
        let (home, receipts, _) = try Self.home()
        let container = try #require(receipts[0][path: "archive/container"]?.string)
        let file = URL(fileURLWithPath: home.path + "/archive/" + container)
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count / 2] ^= 0x10
        _ = try Program.tool("chmod", "-R", "u+w", home.path + "/archive")
        try bytes.write(to: file)
        let verified = try Program.run(Program.twindrop, ["verify", "--home", home.path] + options)
        #expect(verified.code == 1)
        #expect(verified.out.contains(container))
        #expect(try home.ask("doctor", code: 1).text().contains(container))
    }

    @Test func `shows that the chain was cut, to who kept a seal`() throws {
        let (home, _, _) = try Self.home()
        let anchors = home.path + "/files/anchor.json"
        let days = home.names(in: "archive/seals")
        let seal = try #require(
            home.names(in: "archive/seals/" + (days.last ?? "")).max { $0.count < $1.count || $0.count == $1.count && $0 < $1 })
        try FileManager.default.copyItem(atPath: home.path + "/archive/seals/\(days.last ?? "")/\(seal)", toPath: anchors)
        #expect(try home.run("verify", "--anchor", anchors).code == 0)
        let other = try Home(Sample.sources)
        try other.drop("a.csv", Sample.assets(1...5), to: "assets")
        #expect(try other.run("verify", "--anchor", anchors).code == 1)
    }

    @Test func `lists drops by day, source and file`() throws {
        let (home, _, _) = try Self.home()
        #expect(try home.list("archive", "list", "--source", "assets").count == 2)
        #expect(try home.list("archive", "list", "--source", "fleet").isEmpty)
        #expect(try home.list("archive", "list", "--file", "brok").map { $0["file"] } == ["broken.csv"])
        #expect(try home.list("archive", "list", "--through", "2020-01-01").isEmpty)
        #expect(try home.run("archive", "cat", "nothing.csv").code == 1)
    }
}
