package import DropCore
import HomeReports
package import HomeConfiguration
package import Logging
package import PluginHost

/// The plugins of sources as a home has them: for the daemon, and for commands that ask a plugin beside it.
package enum SourcePlugins {
    /// The plugins of `sources`, none started yet.
    package static func host(
        of all: [Source], in configuration: Configuration, keys: any KeyTable, warmWorkersMax: Int = 16, log: Logger? = nil
    ) -> PluginHost {
        var settings = PluginHost.Configuration(
            workerPath: Installation.current.path(of: "twindrop-worker"), sources: all.map(PluginSource.init), keyTable: keys)
        settings.warmWorkersMax = warmWorkersMax
        if let log {
            settings.emit = { source, fault in
                log.warning(
                    "A worker was ended for what it did between drops.", metadata: ["source": "\(source)", "why": "\(fault)"])
            }
        }
        settings.requiresWholeSandbox = all.contains { $0.worker.sandbox == .required }
        settings.reread = { name throws(DropError) in
            do throws(ConfigurationErrors) { return PluginSource(try configuration.reread(name)) } catch {
                throw PluginSource.defect(name, error.errors)
            }
        }
        return PluginHost(configuration: settings)
    }
}
