import DropCore
import Foundation
import Testing
import TwinModel

@testable import Evidence

@Suite struct `A stranger with plain tools` {
    private static let commands: [String] = {
        let path = Fixture.packageRoot + "/docs/archive-format.md"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
        return text.components(separatedBy: "\n```sh").dropFirst().map { block in
            let lines = block.components(separatedBy: "\n")
            let end = lines.firstIndex(of: "```")!
            return lines[1..<end].joined(separator: "\n")
        }
    }()

    @Test func `runs every command of the format's document on a good archive`() throws {
        let fixture = try Fixture()
        let places = try fixture.fill()
        let proof = try #require(try fixture.verify(prove: places[3].drop).proof)
        try fixture.write("archive/proof.json", Array(proof.json.text(.pretty).utf8))
        #expect(Self.commands.count == 8)
        for command in Self.commands {
            let (output, succeeded) = try fixture.run(command)
            #expect(succeeded, "\(command)\n\(output)")
            #expect(!output.isEmpty)
        }
    }

    @Test func `sees the same tree root as the verifier`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        let script = try #require(Self.commands.first { $0.contains("print(\"root:\"") })
        let root = try fixture.verify().root
        #expect(try fixture.run(script).output.contains("root: \(root)\n"))
    }

    @Test(arguments: ["leaves = [sha", "text = line[16:-1]", "sha256sum -c", "members ="])
    func `finds a changed record or container with the document's commands`(marker: String) throws {
        let fixture = try Fixture()
        try fixture.fill()
        if marker == "leaves = [sha" || marker == "text = line[16:-1]" {
            var records = try fixture.records()
            records[2] = Array(String(decoding: records[2], as: UTF8.self).replacing("orders", with: "0rders").utf8)
            try fixture.writeChain(records)
        } else {
            let bytes = try fixture.read("archive/2026/11/21/000001.tar.zst")
            try fixture.write("archive/2026/11/21/000001.tar.zst", bytes.dropLast(30) + [UInt8](repeating: 7, count: 30))
        }
        let command = try #require(Self.commands.first { $0.contains(marker) })
        #expect(try !fixture.run(command).succeeded)
    }

    @Test func `unpacks the very bytes that were dropped with tar`() throws {
        let fixture = try Fixture()
        let writer = try fixture.writer()
        let item = try fixture.item(Array("a;b\r\n1;ü\r\n".utf8))
        try writer.append(item, now: Fixture.morning)
        let place = try #require(try writer.close(now: Fixture.morning).first)
        #expect(place.container == "2026/11/21/000001.tar.zst")
        #expect(place.member == "\(item.record.id).erp.content.csv")
        #expect(try fixture.run("tar --zstd -xOf \(place.container) \(place.member)").output == "a;b\r\n1;ü\r\n")
    }

    @Test func `reads a drop's facts as JSON`() throws {
        let fixture = try Fixture()
        let place = try #require(try fixture.fill().first)
        let text = try fixture.run("tar --zstd -xOf \(place.container) \(place.drop).erp.drop.json").output
        let json = try JSON(parsing: text)
        #expect(json["drop"]?.string == place.drop.description)
        #expect(json["lineage"]?["mapping"]?.string == "none")
    }
}

@Suite struct `The published schemas` {
    private func check(_ value: JSON, _ name: String) throws -> [String] {
        let path = Fixture.packageRoot + "/docs/schemas/\(name).schema.json"
        let schema = try JSON(parsing: Array(Data(contentsOf: URL(fileURLWithPath: path))))
        return SchemaCheck(root: schema).problems(value, schema, at: name)
    }

    @Test func `describe a verify result, with findings and a proof`() throws {
        let fixture = try Fixture()
        let places = try fixture.fill()
        try fixture.remove("archive/" + places[0].container)
        let result = try fixture.verify(full: true, prove: places[6].drop)
        #expect(!result.isSound && result.proof != nil)
        #expect(try check(result.json, "verify") == [])
    }

    @Test func `describe a batch`() throws {
        let fixture = try Fixture()
        try fixture.fill()
        var batches: [BatchFacts] = []
        try ArchiveCatalogue(root: fixture.archive).batches {
            batches.append($0); return true
        }
        #expect(batches.map(\.drops) == [3, 2, 2])
        for batch in batches { #expect(try check(batch.json, "batch") == []) }
    }

    @Test func `describe a receipt with everything in it`() throws {
        let fixture = try Fixture()
        var record = try fixture.item("a;b\n").record
        record.reason = DropReason(code: .noSource, message: "No.", hint: "Add one.")
        record.link = DropLink(kind: .amends, drop: record.id)
        record.released = true
        let place = ArchivedItem(drop: record.id, container: "2026/11/21/000001.tar.zst", member: "m", leaf: 2)
        let rejects = RejectsFile(of: record, records: 1)
        #expect(try check(ReceiptWriter.json(record, place, rejects), "receipt") == [])
    }

    @Test func `refuse what does not fit`() throws {
        #expect(try !check(["sound": "yes"], "verify").isEmpty)
    }
}

/// As much of JSON Schema as our schemas use.
struct SchemaCheck {
    let root: JSON

    func problems(_ value: JSON, _ schema: JSON, at place: String) -> [String] {
        if let reference = schema["$ref"]?.string {
            return problems(value, root["$defs"]![String(reference.split(separator: "/").last!)]!, at: place)
        }
        var out: [String] = []
        let types = schema["type"].map { $0.elements ?? [$0] } ?? []
        if !types.isEmpty, !types.contains(where: { fits(value, $0.string!) }) { out.append("\(place): type") }
        if let constant = schema["const"], constant != value { out.append("\(place): const") }
        if let values = schema["enum"]?.elements, !values.contains(value) { out.append("\(place): enum") }
        if let minimum = schema["minimum"]?.int, let number = value.int, number < minimum { out.append("\(place): minimum") }
        if let pattern = schema["pattern"]?.string, let text = value.string,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            out.append("\(place): pattern")
        }
        for name in schema["required"]?.elements ?? [] where value.members != nil && value[name.string!] == nil {
            out.append("\(place): lacks \(name.string!)")
        }
        for member in value.members ?? [] {
            if let inner = schema["properties"]?[member.name] {
                out += problems(member.value, inner, at: place + "." + member.name)
            } else if schema["additionalProperties"] == false {
                out.append("\(place): \(member.name) is not described")
            }
        }
        if let inner = schema["items"] {
            for element in value.elements ?? [] { out += problems(element, inner, at: place + "[]") }
        }
        return out
    }

    private func fits(_ value: JSON, _ type: String) -> Bool {
        switch value {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .int: type == "integer" || type == "number"
        case .double: type == "number"
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }
}
