import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `The command models validate` {
    private static let base = """
        {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:base;1", "@type": "Interface"}
        """
    private static let room = """
        {
          "@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:room;1", "@type": "Interface",
          "extends": "dtmi:test:base;1",
          "contents": [{"@type": "Command", "name": "open"}]
        }
        """

    @Test func `follows references between files, unless each is to stand on its own`() throws {
        let home = try Home("")
        let files = [try home.file("room.json", Self.room), try home.file("base.json", Self.base)]
        let together = try Program.run(Program.twindrop, ["models", "validate"] + files)
        #expect(together.code == 0 && together.out.contains("2 files, 2 interfaces: valid"), "\(together.out)")
        let folder = try Program.run(Program.twindrop, ["models", "validate", home.path + "/files", "--json"])
        #expect(folder.code == 0)
        #expect(try folder.json().map { $0["valid"] } == [true, true])
        let each = try Program.run(Program.twindrop, ["models", "validate", "--each", "--json"] + files)
        #expect(each.code == 1)
        let verdicts = try each.json()
        #expect(verdicts.map { $0["valid"] } == [false, true])
        let error = try #require(verdicts.first?["errors"]?.elements?.first)
        #expect(error["id"] == "unresolvedReference" && error["line"] == .int(3) && error["property"] == "extends")
    }

    @Test func `says where an error is and what to do, by the profile`() throws {
        let home = try Home("")
        let files = [try home.file("room.json", Self.room), try home.file("base.json", Self.base)]
        let azure = try Program.run(Program.twindrop, ["models", "validate", "--profile", "azure"] + files)
        #expect(azure.code == 1)
        #expect(azure.out.contains("room.json:4:16: dtmi:test:room:_contents:__open;1: Take the Command away"), "\(azure.out)")
        #expect(azure.out.contains("[azureCommand]"))
        #expect(azure.out.contains("2 files, 2 interfaces: 1 file is not valid"))
    }

    @Test func `is used wrongly without files, and with a path that is not there`() throws {
        #expect(try Program.run(Program.twindrop, ["models", "validate"]).code == 64)
        #expect(try Program.run(Program.twindrop, ["models", "validate", "/nowhere/a.json"]).code == 64)
    }
}
