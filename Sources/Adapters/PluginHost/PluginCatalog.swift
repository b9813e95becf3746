import CodecKit
package import DropCore
import SystemKit

/// One library in the plugins folder.
package struct CataloguedPlugin: Sendable, Equatable {
    /// The library's file name without `lib` and `.so`.
    package let name: String
    /// Absolute, or relative as the folder was given.
    package let libraryPath: String
    package let manifestPath: String
    /// Nil if the manifest is missing or wrong.
    package let manifest: PluginManifest?
    /// SHA-256 of the library; nil if it cannot be read.
    package let digest: ContentDigest?
    /// Why the plugin cannot be used; nil when it can.
    package let defect: DropError?

    /// Whether there is no manifest file at all.
    var isWithoutManifest: Bool { !System.leadsSomewhere(manifestPath) }
}

/// The plugins folder: every `NAME.so` with its manifest `NAME.plugin.json`. Reads files only; no code of a plugin runs.
/// Calls block; safe from any thread.
package struct PluginCatalog: Sendable {
    package let folder: String

    package init(folder: String) { self.folder = folder }

    /// All plugins by name, the defective ones with their reason; also a manifest whose library is missing.
    ///
    /// Errors: `plugin-folder`, when the folder cannot be listed.
    package func list() throws(DropError) -> [CataloguedPlugin] {
        let files = try fileNames()
        var libraries = files.filter { $0.hasSuffix(".so") }
        let names = Set(libraries.map(Self.name))
        for manifest in files where manifest.hasSuffix(".plugin.json") {
            let name = String(manifest.dropLast(".plugin.json".count))
            if !names.contains(name) { libraries.append(name + ".so") }
        }
        var found: [CataloguedPlugin] = libraries.map { inspect(libraryPath: folder + "/" + $0) }
        found.sort { Array($0.libraryPath.utf8).lexicographicallyPrecedes(Array($1.libraryPath.utf8)) }
        return Self.markDoubles(found)
    }

    /// The usable plugin with this id.
    ///
    /// Errors: `plugin-missing` when there is none (the message lists those there are), or the plugin's own defect.
    package func plugin(_ id: String) throws(DropError) -> CataloguedPlugin {
        let all = try list()
        let matches = all.filter { $0.manifest?.id == id || ($0.manifest == nil && $0.name == id) }
        if let usable = matches.first(where: { $0.defect == nil }) { return usable }
        if let defect = matches.first?.defect { throw defect }
        let ids = all.compactMap { $0.defect == nil ? $0.manifest?.id : nil }
        let known = ids.isEmpty ? "none" : ids.joined(separator: ", ")
        throw DropError(
            .pluginMissing,
            "\(Escaping.visible(folder)) has no plugin \(Escaping.visible(id)); it has \(known).",
            hint: "Install the plugin, or correct the source's plugin.", remedy: .suspendSource)
    }

    /// What is known about one library file, without running it.
    package func inspect(libraryPath: String) -> CataloguedPlugin { Self.inspect(libraryPath: libraryPath) }

    /// See the method of the same name.
    package static func inspect(libraryPath: String) -> CataloguedPlugin {
        inspect(libraryPath: libraryPath) { () throws(DropError) in try PluginLibrary(path: libraryPath) }
    }

    /// The same for a library that may be in memory already.
    static func inspect(libraryPath: String, load: () throws(DropError) -> PluginLibrary) -> CataloguedPlugin {
        let slash = libraryPath.utf8.lastIndex(of: UInt8(ascii: "/")).map { libraryPath.utf8.index(after: $0) }
        let start = slash ?? libraryPath.startIndex
        let name = Self.name(of: String(libraryPath[start...]))
        let manifestPath = Self.manifestPath(ofLibrary: libraryPath)
        var manifest: PluginManifest?
        var digest: ContentDigest?
        var defect: DropError?
        do throws(DropError) {
            let library = try load()
            digest = library.digest
            let read = try readManifest(manifestPath)
            manifest = read
            if let pin = read.digest, pin != library.digest {
                throw DropError(
                    .pluginDigest,
                    "\(Escaping.visible(libraryPath)) has the SHA-256 \(library.digest), its manifest pins \(pin).",
                    hint: "Install the library the manifest was made for, or correct its member sha256.", remedy: .suspendSource)
            }
        } catch { defect = error }
        return CataloguedPlugin(
            name: name, libraryPath: libraryPath, manifestPath: manifestPath, manifest: manifest, digest: digest, defect: defect)
    }

    /// Where the manifest of a library lies: `NAME.plugin.json` beside `NAME.so` or `libNAME.so`.
    static func manifestPath(ofLibrary path: String) -> String {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path.utf8.index(after: $0) } ?? path.startIndex
        return String(path[..<slash]) + name(of: String(path[slash...])) + ".plugin.json"
    }

    private static func readManifest(_ path: String) throws(DropError) -> PluginManifest {
        guard System.leadsSomewhere(path) else {
            throw DropError(
                .pluginManifest, "\(Escaping.visible(path)) is missing.",
                hint: "Put the plugin's manifest beside its library; \(DocumentPage.path("plugin-abi.md")) shows one.",
                remedy: .suspendSource)
        }
        return try PluginManifest(parsing: PluginLibrary.read(path, bytesMax: 1 << 20), path: path)
    }

    private static func name(of file: String) -> String {
        let stem = file.hasSuffix(".so") ? String(file.dropLast(3)) : file
        return stem.hasPrefix("lib") ? String(stem.dropFirst(3)) : stem
    }

    /// Two libraries with one id: the program does not guess which is right.
    private static func markDoubles(_ plugins: [CataloguedPlugin]) -> [CataloguedPlugin] {
        let byID = Dictionary(grouping: plugins.filter { $0.manifest != nil }) { $0.manifest?.id ?? "" }
        return plugins.map { plugin in
            guard plugin.defect == nil, let id = plugin.manifest?.id, let same = byID[id], same.count > 1 else { return plugin }
            let paths = same.map { Escaping.visible($0.libraryPath) }.joined(separator: " and ")
            return CataloguedPlugin(
                name: plugin.name, libraryPath: plugin.libraryPath, manifestPath: plugin.manifestPath, manifest: plugin.manifest,
                digest: plugin.digest,
                defect: DropError(
                    .pluginDouble, "\(paths) both are plugin \(id).", hint: "Remove one of them.", remedy: .suspendSource))
        }
    }

    private func fileNames() throws(DropError) -> [String] {
        do {
            return try System.names(in: folder).filter { !$0.hasPrefix(".") }
        } catch {
            throw DropError(
                .pluginFolder, "\(Escaping.visible(folder)) cannot be listed (\(error.reason)).",
                hint: "Make the folder, or correct paths in the configuration.", remedy: .suspendSource)
        }
    }
}
