import CodecKit
import DropCore
import HomeReports
import PluginHost
import TwinModel

/// What people are told of a plugin: what it is, and a table of its settings.
enum PluginText {
    static func print(_ plugin: CataloguedPlugin) {
        func line(_ name: String, _ value: String?) {
            if let value, !value.isEmpty { Terminal.print(name.padded(to: 10) + value) }
        }
        let id = plugin.manifest?.id ?? plugin.name
        line("plugin", id + (plugin.manifest.map { " \($0.version)" } ?? ""))
        line("title", plugin.manifest?.title)
        line("library", plugin.libraryPath)
        line("manifest", plugin.manifestPath)
        line("SHA-256", plugin.digest?.description)
        line("accepts", plugin.manifest?.accepts.joined(separator: ", "))
        line("usable", plugin.defect == nil ? "by its files; `twindrop source check` asks the library itself" : "no")
        guard plugin.manifest != nil else { return }
        let schema = plugin.manifest?.settingsSchema ?? .null
        var table = Table("SETTING", "TYPE", "DEFAULT", "MEANING")
        for row in rows(of: schema, below: "") { table.add(cells: row) }
        Terminal.print("")
        table.print(whenEmpty: "It takes no settings.")
        guard schema != .null else { return }
        Terminal.print("")
        Terminal.print("The whole schema: `twindrop plugin inspect \(id) --json`.")
    }

    /// A row for each setting; those of a mapping stand behind it, with a dot. What is in lists, the schema says.
    private static func rows(of schema: JSON, below path: String) -> [[String]] {
        let needed = Set((schema["required"]?.elements ?? []).compactMap(\.string))
        return (schema["properties"]?.members ?? []).flatMap { member -> [[String]] in
            let setting = member.value
            let otherwise = needed.contains(member.name) ? "must be given" : setting["default"]?.text() ?? ""
            let row = [path + member.name, type(of: setting), otherwise, setting["description"]?.string ?? ""]
            // A manifest is a stranger's: no deeper than anybody reads.
            guard path.split(separator: ".").count < depthMax else { return [row] }
            return [row] + rows(of: setting, below: path + member.name + ".")
        }
    }

    private static let depthMax = 3

    private static func type(of setting: JSON) -> String {
        if let words = setting["enum"]?.elements { return words.map { $0.string ?? $0.text() }.joined(separator: ", ") }
        if let types = setting["type"]?.elements { return types.compactMap(\.string).joined(separator: " or ") }
        if let type = setting["type"]?.string {
            guard type == "array", let items = setting["items"]?["type"]?.string else { return type }
            return "array of \(items)"
        }
        // `#/$defs/condition`
        return setting["$ref"]?.string.flatMap { $0.split(separator: "/").last.map(String.init) } ?? "any"
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
