package import HomeConfiguration
import DropCore
import PluginHost

/// What keeps a source's plugin from running.
package enum PluginDefect {
    package static func of(_ source: Source) -> String? {
        PluginCatalog.inspect(libraryPath: source.libraryPath).defect.map { "\($0.message) \($0.hint)" }
    }
}
