import Configuration
import DropCore
import Foundation
import Glibc
import PluginHost

/// What keeps a source's plugin from running.
enum PluginDefect {
    static func of(_ source: Source) -> String? {
        PluginCatalog.inspect(libraryPath: source.libraryPath).defect.map { "\($0.message) \($0.hint)" }
    }
}

/// The process's descriptor budget.
enum OpenFiles {
    static var limit: UInt64 {
        var limits = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 0 }
        return UInt64(limits.rlim_cur)
    }
}
