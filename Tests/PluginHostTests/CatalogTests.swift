import DropCore
import Foundation
import PluginHost
import Testing

@Suite struct `The catalog` {
    /// A folder of its own, removed at the end of the test.
    private struct Folder: ~Copyable {
        let path: String

        init() throws {
            path = Workshop.folder.appendingPathComponent("catalog-" + UUID().uuidString).path
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }  // A left-over folder harms nobody.

        func library(_ name: String, from plugin: String = "honest") throws {
            try FileManager.default.copyItem(atPath: Workshop.plugin(plugin), toPath: "\(path)/\(name)")
        }

        func file(_ name: String, _ text: String) throws {
            try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
        }
    }

    private static func manifest(id: String = "honest", version: String = "1.0.0", more: String = "") -> String {
        "{\"id\": \"\(id)\", \"version\": \"\(version)\", \"title\": \"A plugin\", \"accepts\": [\"*.csv\"]\(more)}"
    }

    @Test func `lists plugins with their manifests and digests`() throws {
        let folder = try Folder()
        try folder.library("libhonest.so")
        try folder.file("honest.plugin.json", Self.manifest())
        try folder.file("notes.txt", "nothing")
        let found = try PluginCatalog(folder: folder.path).list()
        #expect(found.map(\.name) == ["honest"])
        #expect(found[0].defect == nil)
        #expect(found[0].manifest?.accepts == ["*.csv"])
        #expect(found[0].digest == (try PluginLibrary(path: "\(folder.path)/libhonest.so")).digest)
        #expect(try PluginCatalog(folder: folder.path).plugin("honest") == found[0])
    }

    static let defects: [(String, String, String)] = [
        ("plugin-manifest", "", "is missing"),
        ("plugin-manifest", "{", "not JSON"),
        ("plugin-manifest", "[]", "not a JSON object"),
        ("plugin-manifest", "{\"id\": \"Honest\"}", "Member id"),
        ("plugin-manifest", manifest(version: "1.0"), "Member version"),
        ("plugin-manifest", manifest(version: "01.0.0"), "Member version"),
        ("plugin-manifest", manifest(more: ", \"colour\": 1"), "Member colour is unknown"),
        ("plugin-manifest", manifest(more: ", \"settings\": 1"), "Member settings"),
        ("plugin-manifest", manifest(more: ", \"sha256\": \"12\""), "Member sha256"),
        (
            "plugin-digest", manifest(more: ", \"sha256\": \"" + String(repeating: "0", count: 64) + "\""),
            "its manifest pins 0000"
        ),
    ]

    @Test(arguments: defects)
    func `says what is wrong with a plugin`(code: String, manifest: String, word: String) throws {
        let folder = try Folder()
        try folder.library("honest.so")
        if !manifest.isEmpty { try folder.file("honest.plugin.json", manifest) }
        let defect = try #require(try PluginCatalog(folder: folder.path).list()[0].defect)
        #expect(defect.code.text == code)
        #expect(defect.message.contains(word), "\(defect.message)")
        #expect(defect.message.contains(folder.path))
    }

    @Test func `says that its folder is not there`() throws {
        let folder = Workshop.folder.appendingPathComponent("no-catalog").path
        let error = #expect(throws: DropError.self) { try PluginCatalog(folder: folder).list() }
        #expect(error?.code.text == "plugin-folder" && error?.message.contains(folder) == true)
    }

    @Test func `knows files that are no library for this machine`() throws {
        let folder = try Folder()
        try folder.file("text.so", String(repeating: "text ", count: 40))
        var bytes = try Data(contentsOf: URL(fileURLWithPath: Workshop.plugin("honest")))
        bytes[18] = 8  // MIPS
        try bytes.write(to: URL(fileURLWithPath: "\(folder.path)/mips.so"))
        try folder.file("lonely.plugin.json", Self.manifest(id: "lonely"))
        let found = try PluginCatalog(folder: folder.path).list()
        #expect(found.map(\.name) == ["lonely", "mips", "text"])
        #expect(found.map { $0.defect?.code.text } == ["plugin-missing", "plugin-missing", "plugin-missing"])
        #expect(found[1].defect?.message.contains("another processor") == true)
        #expect(found[2].defect?.message.contains("no ELF library") == true)
    }

    @Test func `does not guess between two plugins of one id`() throws {
        let folder = try Folder()
        for name in ["a", "b"] {
            try folder.library("\(name).so")
            try folder.file("\(name).plugin.json", Self.manifest())
        }
        #expect(try PluginCatalog(folder: folder.path).list().map { $0.defect?.code.text } == ["plugin-double", "plugin-double"])
    }

    @Test func `names the plugins it has when one is missing`() throws {
        let folder = try Folder()
        try folder.library("honest.so")
        try folder.file("honest.plugin.json", Self.manifest())
        do throws(DropError) {
            _ = try PluginCatalog(folder: folder.path).plugin("other")
            Issue.record("a plugin was found")
        } catch { #expect(error.message.contains("it has honest")) }
    }

    @Test func `is believed only when the library says the same`() throws {
        let folder = try Folder()
        try folder.library("honest.so")
        try folder.file("honest.plugin.json", Self.manifest(version: "2.0.0"))
        let failure = Bench("\(folder.path)/honest.so").failure()
        #expect(failure?.code == .abi)
        #expect(failure?.hint.hasPrefix("Correct `id` and `version` in the manifest") == true, "\(failure?.hint ?? "")")
        #expect(failure?.message.contains("its manifest says honest 2.0.0") == true)
        #expect(failure?.remedy == .suspendSource)
    }

    @Test func `pins the bytes that were hashed, whatever happens to the file`() throws {
        let folder = try Folder()
        try folder.library("honest.so")
        let path = "\(folder.path)/honest.so"
        var limits = Bench.limits()
        limits.dropsPerWorker = 1
        let bench = Bench(path, limits: limits)
        let first = try bench.run().pluginDigest
        try Data("no library any more".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try bench.run().pluginDigest == first)
    }
}
