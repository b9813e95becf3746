import Foundation
import Testing
import TwinModel

/// Pages and man pages that are made from the program and its sources.
@Suite struct `A reference` {
    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private func reference(_ arguments: String...) throws -> Program.Ended {
        try Program.run(Self.repository + "/scripts/reference", arguments, in: Self.repository)
    }

    @Test func `of the errors is what the lists of codes say`() throws {
        let ended = try reference("errors", "--check")
        #expect(ended.code == 0, "\(ended.err)")
    }

    @Test func `of the commands is what the program says`() throws {
        let ended = try reference("commands", Program.twindrop, "--check")
        #expect(ended.code == 0, "\(ended.err)")
    }

    @Test func `has a man page for every command, which can be read`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("td-man-\(UUID().uuidString.prefix(8))").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ended = try reference("man", Program.twindrop, folder)
        #expect(ended.code == 0, "\(ended.err)")
        let pages = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(pages.contains("twindrop.1") && pages.contains("twindrop-drop.1") && pages.contains("twindrop-archive-cat.1"))
        for page in pages {
            let text = try String(contentsOfFile: folder + "/" + page, encoding: .utf8)
            #expect(text.contains(".SH NAME\n") && text.contains(".SH SYNOPSIS\n"), "\(page)")
        }
        guard try Program.tool("sh", "-c", "command -v man").code == 0 else { return }
        for page in pages {
            let read = try Program.tool("man", "--warnings", "-l", folder + "/" + page)
            #expect(read.code == 0 && read.err == "", "\(page): \(read.err)")
            if page == "twindrop-drop.1" { #expect(read.out.contains("twindrop drop <file> --source <source>"), "\(read.out)") }
        }
    }
}

/// What is installed for those who watch many machines.
@Suite struct `The files for monitoring` {
    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private static func text(of name: String) throws -> String {
        try String(contentsOfFile: repository + "/" + name, encoding: .utf8)
    }

    /// Names of metrics; a histogram is documented without the endings of its parts.
    private static func metrics(in text: String) -> Set<String> {
        var found: Set<String> = []
        for match in text.matches(of: #/twindrop_[a-z_]+[a-z]/#) {
            let name = String(match.output)
            let ending = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }
            found.insert(ending.map { String(name.dropLast($0.count)) } ?? name)
        }
        return found
    }

    @Test(arguments: ["packaging/grafana/twindrop.json", "packaging/prometheus/twindrop.rules.yml"])
    func `name metrics that there are`(file: String) throws {
        let named = Self.metrics(in: try Self.text(of: file))
        let known = Self.metrics(in: try Self.text(of: "docs/twin-api.md"))
        #expect(named.count > 8)
        #expect(named.subtracting(known) == [])
    }

    @Test func `are a dashboard that can be read, with a question in every panel`() throws {
        let dashboard = try JSON(parsing: try Self.text(of: "packaging/grafana/twindrop.json"))
        let panels = (dashboard["panels"]?.elements ?? []).filter { $0["type"] != "row" }
        #expect(panels.count > 15)
        for panel in panels {
            let questions = (panel["targets"]?.elements ?? []).compactMap { $0["expr"]?.string }
            #expect(!questions.isEmpty && questions.allSatisfy { $0.contains("twindrop_") || $0.contains("up{") })
        }
    }
}
