import Foundation
import Testing
import TwinModel

/// A home in a folder of its own, removed with this value. Files to drop lie in `files/`.
final class Home {
    let path: String

    /// - Parameters:
    ///   - configuration: the text of twindrop.yaml.
    ///   - mappings: files of `mappings/`, by name.
    init(_ configuration: String, mappings: [String: String] = [:]) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("td-home-\(UUID().uuidString.prefix(8))").path
        for folder in ["", "/mappings", "/plugins", "/dropzone", "/files"] {
            try FileManager.default.createDirectory(atPath: path + folder, withIntermediateDirectories: true)
        }
        try configure(configuration)
        for (name, text) in mappings { try write("mappings/" + name, text) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func configure(_ text: String) throws { try write("twindrop.yaml", text) }

    /// Writes a file of the home.
    func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name)) }

    /// Writes a file outside the drop zone; its path.
    func file(_ name: String, _ text: String) throws -> String { try file(name, Data(text.utf8)) }

    func file(_ name: String, _ bytes: Data) throws -> String {
        let file = path + "/files/" + name
        try bytes.write(to: URL(fileURLWithPath: file))
        return file
    }

    /// Compiles a file of `Plugins/` as this home's own asset-inventory, which hides the installed one.
    func replaceAssetInventory(by file: String, _ options: String...) throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let root = tests.deletingLastPathComponent().deletingLastPathComponent().path
        let common = ["-std=c11", "-shared", "-fPIC", "-I\(root)/Sources/PluginSide/CTwinDropPlugin/include"]
        let library = path + "/plugins/asset-inventory.so"
        let compiled = try Program.run("cc", common + options + ["-o", library, tests.path + "/Plugins/" + file])
        try #require(compiled.code == 0, "\(compiled.err)")
        try write(
            "plugins/asset-inventory.plugin.json",
            #"{"id": "asset-inventory", "version": "1.0.0", "title": "\#(file)", "accepts": ["*"]}"#)
    }

    /// Takes the home's own plugins away.
    func removePlugins() throws {
        for name in names(in: "plugins") { try FileManager.default.removeItem(atPath: path + "/plugins/" + name) }
    }

    /// Puts a file into a source's folder by rename, as a sender does.
    func deliver(_ name: String, _ text: String, to source: String) throws {
        let folder = path + "/dropzone/" + source
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: try file(name, text), toPath: folder + "/" + name)
    }

    /// Hands a file over with `drop --wait`; its receipt.
    @discardableResult
    func drop(_ name: String, _ text: String, to source: String, code: Int32 = 0) throws -> JSON {
        try drop(file: file(name, text), to: source, code: code)
    }

    /// Puts a whole file into a source's landing folder, as a sender does: by a rename.
    func place(_ name: String, _ bytes: Data, in source: String) throws {
        let folder = path + "/dropzone/" + source
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: file("placed", bytes), toPath: folder + "/" + name)
    }

    @discardableResult
    func drop(file: String, to source: String, code: Int32 = 0) throws -> JSON {
        try ask("drop", file, "--source", source, "--wait", code: code)
    }

    func run(_ arguments: String...) throws -> Program.Ended { try Program.run(Program.twindrop, arguments + ["--home", path]) }

    /// What a command prints for a person, which must go well.
    func shown(_ arguments: String...) throws -> String {
        let ended = try Program.run(Program.twindrop, arguments + ["--home", path])
        try #require(ended.code == 0, "\(arguments) ended with \(ended.code): \(ended.err)\(ended.out)")
        return ended.out
    }

    /// The one JSON object a command prints.
    func ask(_ arguments: String..., code: Int32 = 0) throws -> JSON {
        let facts = try facts(arguments, code)
        return try #require(facts.first, "\(arguments) printed nothing")
    }

    /// The NDJSON a command prints.
    func list(_ arguments: String..., code: Int32 = 0) throws -> [JSON] { try facts(arguments, code) }

    private func facts(_ arguments: [String], _ code: Int32) throws -> [JSON] {
        let ended = try Program.run(Program.twindrop, arguments + ["--home", path, "--json"])
        try #require(ended.code == code, "\(arguments) ended with \(ended.code): \(ended.err)\(ended.out)")
        return try ended.json()
    }

    /// What every twin says, without tags and times: what two homes with the same data have in common.
    func twins() throws -> [JSON] { try list("twin", "--all").map(\.withoutTagsAndTimes) }

    /// Names in a folder of the home, sorted; empty where there is no such folder.
    func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path + "/" + folder)) ?? []).sorted()
    }

    func text(of name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)), as: UTF8.self)
    }
}

extension JSON {
    /// A member of a member: `books/records/read`.
    subscript(path path: String) -> JSON? { path.split(separator: "/").reduce(self as JSON?) { $0?[String($1)] } }

    var isTrue: Bool { self == .bool(true) }

    var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        case .string(let text): Double(text)
        default: nil
        }
    }

    /// Without the member of this name.
    func without(_ name: String) -> JSON {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { $0.name != name })
    }

    /// Without `$etag` and `lastUpdateTime`, at any depth.
    var withoutTagsAndTimes: JSON {
        switch self {
        case .object(let members):
            .object(
                members.filter { $0.name != "$etag" && !$0.name.hasSuffix("astUpdateTime") }.map {
                    .init($0.name, $0.value.withoutTagsAndTimes)
                })
        case .array(let elements): .array(elements.map(\.withoutTagsAndTimes))
        default: self
        }
    }
}
