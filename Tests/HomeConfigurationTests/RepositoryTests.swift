import Foundation
import Testing

@testable import HomeConfiguration

/// The plugins and scripts of this repository, against the real manifests.
@Suite struct `The repository's own configurations` {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Manifest by plugin id.
    static let manifests: [String: String] = {
        var manifests: [String: String] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: root + "/Plugins")) ?? [] {
            let path = "\(root)/Plugins/\(name)/\(name).plugin.json"
            // Folders without a manifest are not ours to judge.
            manifests[name] = try? String(contentsOfFile: path, encoding: .utf8)
        }
        return manifests
    }()
    static let isWhole = ["mapping", "asset-inventory", "wms-orders", "fleet-hierarchy"].allSatisfy { manifests[$0] != nil }

    /// A home with `yaml` and the repository's manifests.
    private func home(_ yaml: String) throws -> Home {
        let home = try Home(yaml)
        for (id, text) in Self.manifests { try home.write("plugins/\(id).plugin.json", text) }
        return home
    }

    /// What stands in `file` between the first line that ends in `start` and the next one that is `end`.
    private func part(of file: String, from start: String, to end: String) throws -> String {
        let lines = try String(contentsOfFile: Self.root + "/" + file, encoding: .utf8).components(separatedBy: "\n")
        let first = try #require(lines.firstIndex { $0.hasSuffix(start) })
        let last = try #require(lines[first...].firstIndex { $0 == end })
        return lines[(first + 1)..<last].joined(separator: "\n")
    }

    @Test(.enabled(if: isWhole, "the plugins' manifests are not all there"))
    func `have manifests whose schemas can be checked`() {
        for (id, text) in Self.manifests {
            #expect(SettingsManifest(Array(text.utf8), id: id, path: id, shown: id).errors == [])
        }
    }

    @Test(.enabled(if: isWhole, "the plugins' manifests are not all there"))
    func `load: the template of init`() throws { #expect(try home(Configuration.template).errors == []) }

    @Test(.enabled(if: isWhole, "the plugins' manifests are not all there"))
    func `load: the demo's`() throws {
        #expect(try home(part(of: "scripts/demo", from: "<<'YAML'", to: "YAML")).errors == [])
    }

    @Test(.enabled(if: isWhole, "the plugins' manifests are not all there"))
    func `load: the benchmark runner's`() throws {
        let home = try home("sources: {landing: {plugin: mapping, mapping: assets.yaml}}")
        try home.write("mappings/assets.yaml", part(of: "Benchmarks/peer-runner", from: "MAPPING = \"\"\"\\", to: "\"\"\""))
        #expect(home.errors == [])
    }
}
