import Foundation

/// Where a TwinDrop finds its other programs and the plugins that came with it (docs/decisions/0003): relative to its own
/// executable, so that an installed tree and a build folder both work, and can be moved.
package struct Installation: Sendable, Equatable {
    /// Absolute paths; nil if the program is at none of the places, which are named in `searched`.
    package let watch: String?
    package let worker: String?
    /// Existing folders of plugins, absolute; a home's own plugins come before them.
    package let plugins: [String]
    /// The folders that were searched for programs.
    package let searched: [String]

    /// The installation that `executable` belongs to: the absolute path of the running `twindrop`, links followed
    /// (`/proc/self/exe`).
    ///
    /// Programs: beside the executable, then `../libexec/twindrop`. Plugins: `../lib/twindrop/plugins`; and `../../plugins` where
    /// the executable lies in a build folder, `release` or `debug`: `make` puts them there.
    package init(executable: String) {
        let folder = ConfigurationFiles.absolute("..", from: executable)
        searched = [folder, ConfigurationFiles.absolute("../libexec/twindrop", from: folder)]
        let candidates = searched
        func program(_ name: String) -> String? {
            candidates.map { $0 + "/" + name }.first { FileManager.default.isExecutableFile(atPath: $0) }
        }
        watch = program("twindrop-watch")
        worker = program("twindrop-worker")
        let isBuild = folder.hasSuffix("/release") || folder.hasSuffix("/debug")
        plugins = (["../lib/twindrop/plugins"] + (isBuild ? ["../../plugins"] : []))
            .map { ConfigurationFiles.absolute($0, from: folder) }.filter { FileManager.default.fileExists(atPath: $0) }
    }
}
