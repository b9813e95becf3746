import Daemon
import DropCore
import HomeConfiguration
import PluginHost

/// What plugins themselves say of the settings they are given. Their schema is checked when the configuration is read; what only
/// the plugin can tell (a template that does not end, a pattern of dates that is none) would else be found by the first file.
enum PluginCheck {
    struct Findings {
        /// Mistakes in settings and mappings, each at its place.
        var mistakes: [ConfigurationError] = []
        /// What else keeps a plugin from running.
        var defects: [(source: SourceName, error: DropError)] = []
    }

    /// Asks the plugin of every source whose settings can be read, in a worker, so that a person has all mistakes at once. Of a
    /// source with mistakes that are known, a plugin finds these again; only what it finds elsewhere is added. Writes nothing.
    static func run(_ configuration: Configuration) -> Findings {
        let (sources, known) = asked(configuration)
        let host = SourcePlugins.host(of: sources, in: configuration, keys: NoKeys())
        defer { host.close() }
        var findings = Findings()
        for source in sources {
            let mistakes = known[source.name] ?? []
            do throws(DropError) {
                let found = try host.complaints(of: source.name).map(source.settingsPlaces.error)
                findings.mistakes += found.filter { one in !mistakes.contains { isTheSame(one, $0) } }
            } catch {
                // Where mistakes are known, they may be why.
                if mistakes.isEmpty { findings.defects.append((source.name, error)) }
            }
        }
        return findings
    }

    /// The sources whose plugins are asked, and the mistakes that are known of them.
    private static func asked(_ configuration: Configuration) -> (sources: [Source], known: [SourceName: [ConfigurationError]]) {
        let broken = configuration.broken.compactMap { broken in broken.source.map { ($0, broken.mistakes) } }
        let all = configuration.sources.map { ($0, $0.mistakes) } + broken
        let counts = Dictionary(all.map { ($0.0.name, 1) }, uniquingKeysWith: +)
        let asked = all.filter { source, mistakes in
            // Of two sources of one name nobody can say which is meant.
            mistakes.isEmpty || source.settingsPlaces.isRead && !source.plugin.isEmpty && counts[source.name] == 1
        }
        return (
            asked.map { $0.0.with(mistakes: []) }, Dictionary(asked.map { ($0.0.name, $0.1) }, uniquingKeysWith: +)
        )
    }

    /// Whether both are about one setting, or one setting and a part of it.
    private static func isTheSame(_ one: ConfigurationError, _ other: ConfigurationError) -> Bool {
        guard one.place.file == other.place.file else { return false }
        return one.keyPath == other.keyPath || one.keyPath.isEmpty || other.keyPath.hasPrefix(one.keyPath + ".")
            || one.keyPath.hasPrefix(other.keyPath + ".")
    }

    /// Plugins are asked before anything has a name.
    private struct NoKeys: KeyTable {
        func keys(of source: SourceName) throws(DropError) -> [String] { [] }
    }
}
