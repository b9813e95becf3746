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

    /// Asks the plugin of every source whose files are in order, in a worker. Writes nothing.
    static func run(_ configuration: Configuration) -> Findings {
        let sources = configuration.sources.filter(\.mistakes.isEmpty)
        let host = SourcePlugins.host(of: sources, in: configuration, keys: NoKeys())
        defer { host.close() }
        var findings = Findings()
        for source in sources {
            do throws(DropError) {
                findings.mistakes += try host.complaints(of: source.name).map(source.settingsPlaces.error)
            } catch { findings.defects.append((source.name, error)) }
        }
        return findings
    }

    /// Plugins are asked before anything has a name.
    private struct NoKeys: KeyTable {
        func keys(of source: SourceName) throws(DropError) -> [String] { [] }
    }
}
