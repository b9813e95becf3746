import ArgumentParser
import CodecKit
import HomeConfiguration
import DropCore
import HomeReports
import PluginHost
import TwinModel

struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "Lists and inspects transformer plugins.",
        discussion: "Example:\n  twindrop plugin list",
        subcommands: [List.self, Inspect.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the plugins of the home and of the installation.", discussion: "Example:\n  twindrop plugin list")

        @OptionGroup var home: HomeOptions

        mutating func run() throws {
            var table = Table("PLUGIN", "VERSION", "SHA-256", "LIBRARY", "TITLE")
            for plugin in try PluginCommand.all(home) {
                if home.json {
                    Terminal.print(PluginCommand.json(plugin))
                } else {
                    table.add(
                        plugin.manifest?.id ?? plugin.name, plugin.manifest?.version ?? "-",
                        plugin.digest.map { String($0.description.prefix(16)) } ?? "-", plugin.libraryPath,
                        plugin.defect.map { "BROKEN: \($0.message)" } ?? plugin.manifest?.title ?? "")
                }
            }
            if !home.json { table.print(whenEmpty: "No plugins.") }
        }
    }

    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what a plugin is and which settings it takes.",
            discussion: "Example:\n  twindrop plugin inspect mapping")

        @OptionGroup var home: HomeOptions
        @Argument(help: "A plugin's id, or the path of a library.") var plugin: String

        mutating func run() throws {
            let found: CataloguedPlugin
            if plugin.contains("/") {
                guard FileCalls.isFile(plugin) else {
                    throw CommandFailure(.usage, "There is no file \(Escaping.visible(plugin)).", "Name a plugin's library.")
                }
                found = PluginCatalog.inspect(libraryPath: plugin)
            } else if let known = try PluginCommand.all(home).first(where: { $0.manifest?.id == plugin || $0.name == plugin }) {
                found = known
            } else {
                throw CommandFailure(
                    .negative, "No plugin is called \(Escaping.visible(plugin)).", "`twindrop plugin list` lists them.")
            }
            if home.json { Terminal.print(PluginCommand.json(found)) } else { PluginText.print(found) }
            if let defect = found.defect { throw CommandFailure(.negative, lines: [defect.message, defect.hint]) }
        }
    }

    static func all(_ options: HomeOptions) throws(CommandFailure) -> [CataloguedPlugin] {
        var folders = Installation.current.plugins
        if let home = try? options.open() { folders.insert(home.paths.plugins, at: 0) }  // Without a home: the installation's.
        var found: [CataloguedPlugin] = []
        for folder in folders {
            guard Folders.exists(folder) else { continue }
            found += try reporting { () throws(DropError) in try PluginCatalog(folder: folder).list() }
        }
        return found
    }

    static func json(_ plugin: CataloguedPlugin) -> JSON {
        var members: [JSON.Member] = [
            .init("plugin", .string(plugin.manifest?.id ?? plugin.name)), .init("library", .string(plugin.libraryPath)),
            .init("manifest", .string(plugin.manifestPath)), .init("usable", .bool(plugin.defect == nil)),
        ]
        if let manifest = plugin.manifest {
            members.append(.init("version", .string(manifest.version)))
            members.append(.init("title", .string(manifest.title)))
            members.append(.init("accepts", .array(manifest.accepts.map { .string($0) })))
            members.append(.init("settings", manifest.settingsSchema ?? .null))
        }
        if let digest = plugin.digest { members.append(.init("sha256", .string(digest.description))) }
        if let defect = plugin.defect { members.append(.init("defect", .string(defect.description))) }
        return .object(members)
    }
}

struct SourceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "source", abstract: "Lists and checks the configured sources.",
        discussion: "Example:\n  twindrop source check",
        subcommands: [List.self, Check.self, Adopt.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the sources with everything that is in force.", discussion: "Example:\n  twindrop source list --json"
        )

        @OptionGroup var home: HomeOptions

        mutating func run() throws {
            let opened = try home.open()
            try opened.checkReadable()
            var table = Table("SOURCE", "PLUGIN", "READY", "MODE", "FOLDER")
            for source in opened.configuration.sources {
                if home.json {
                    Terminal.print(.object([.init("source", .string(source.name.text))] + (source.json.members ?? [])))
                } else {
                    table.add(
                        source.name.text, source.plugin, source.watched.readiness.kind.rawValue,
                        source.policy.mode == .snapshot ? "snapshot" : "incremental", source.watched.folder)
                }
            }
            for broken in opened.configuration.broken {
                let mistakes = broken.mistakes.map(\.description)
                if home.json {
                    Terminal.print(["source": .string(broken.name), "mistakes": .array(mistakes.map { .string($0) })])
                } else {
                    table.add(broken.name, "NOT SERVED", "-", "-", mistakes.joined(separator: " "))
                }
            }
            if !home.json { table.print(whenEmpty: "No sources.") }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks the whole configuration, mappings included; lists everything that is wrong.",
            discussion: "The plugin of each source is asked about its settings, too.\n\nExample:\n  twindrop source check")

        @OptionGroup var home: HomeOptions

        mutating func run() throws {
            let opened = try home.open()
            let found = PluginCheck.run(opened.configuration)
            let mistakes = (opened.configuration.allMistakes?.errors ?? []) + found.mistakes
            let defects = found.defects.flatMap { defect -> [String] in
                let (name, message) = ("Source \(defect.source): ", defect.error.message)
                return [message.hasPrefix(name) ? message : name + message, defect.error.hint]
            }
            let findings = StartCheck(home: opened).findings() + Doctor.notifiers(opened.configuration)
            if !mistakes.isEmpty {
                throw CommandFailure(.usage, lines: Home.failure(ConfigurationErrors(mistakes)).lines + defects + findings)
            }
            guard defects.isEmpty, findings.isEmpty else { throw CommandFailure(.usage, lines: defects + findings) }
            if home.json {
                Terminal.print(opened.configuration.json)
            } else {
                Terminal.print("\(counted(opened.configuration.sources.count, "source")), nothing is wrong.")
            }
        }
    }
}
