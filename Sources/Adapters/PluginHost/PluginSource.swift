import Crypto
package import DropCore

/// What one source runs: its plugin, and everything the plugin gets. Immutable; `PluginHost.Configuration.reread` makes a new
/// one.
package struct PluginSource: Sendable {
    /// One read-only lookup table. Of equal keys the first counts.
    package struct Lookup: Sendable, Equatable {
        package let table: String
        package let entries: [(key: String, value: String)]

        package init(table: String, entries: [(key: String, value: String)]) {
            self.table = table
            self.entries = entries
        }

        package static func == (left: Self, right: Self) -> Bool {
            left.table == right.table && left.entries.elementsEqual(right.entries, by: ==)
        }
    }

    package let name: SourceName
    /// The plugin's library; its manifest lies beside it (`CataloguedPlugin.libraryPath`).
    package let libraryPath: String
    /// One JSON object, as the plugin reads it.
    package let settings: String
    package let lookups: [Lookup]
    /// How its text is written, if the settings say so in a form that the host knows. It is part of the settings, so it is not
    /// added to the transform digest.
    package let dialect: TextDialect?
    package let limits: WorkerLimits
    /// The files that settings and lookups were read from, absolute: when one changes, the source is read again.
    package let files: [String]
    /// Why these files cannot be used as they are; nil if they can. Its remedy is suspendSource.
    package let defect: DropError?
    /// Adds to an error about the settings the place where they are written.
    let located: @Sendable (String) -> String

    package init(
        name: SourceName, libraryPath: String, settings: String = "{}", lookups: [Lookup] = [],
        dialect: TextDialect? = nil, limits: WorkerLimits = WorkerLimits(), files: [String] = [], defect: DropError? = nil,
        located: @escaping @Sendable (String) -> String = { $0 }
    ) {
        self.located = located
        self.name = name
        self.libraryPath = libraryPath
        self.settings = settings
        self.lookups = lookups
        self.dialect = dialect
        self.limits = limits
        self.files = files
        self.defect = defect
    }

    /// The bytes of OPEN (`twindrop_wire.h`) with the keys of the source so far.
    func configuration(keys: KeyList) -> [UInt8] {
        var out: [UInt8] = []
        func number(_ value: Int) { for shift in [0, 8, 16, 24] { out.append(UInt8(truncatingIfNeeded: value >> shift)) } }
        func text(_ bytes: some Collection<UInt8>) {
            number(bytes.count)
            out += bytes
        }
        text(settings.utf8)
        number(keys.names.count)
        for name in keys.names { text(name) }
        number(lookups.count)
        for lookup in lookups {
            text(lookup.table.utf8)
            number(lookup.entries.count)
            for entry in lookup.entries {
                text(entry.key.utf8)
                text(entry.value.utf8)
            }
        }
        return out
    }

    /// The digest of everything that determines the plugin's output: SHA-256 over the library's digest, the settings and the
    /// lookup tables, each with its length in front.
    func transformDigest(library: ContentDigest) -> ContentDigest {
        var hash = SHA256()
        hash.update(data: Array("twindrop-epoch-1".utf8))
        hash.update(data: library.bytes)
        var configuration = configuration(keys: KeyList())
        hash.update(data: configuration)
        configuration.removeAll()
        return ContentDigest(bytes: Array(hash.finalize()))
    }
}
