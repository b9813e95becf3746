package import DropCore
package import TwinModel

/// The content of `twindrop.yaml` and of the files it names, completely checked, with every default filled in. All paths are
/// absolute and without `.`, `..` and doubled slashes. See docs/configuration.md for each key.
package struct Configuration: Sendable, Equatable {
    /// The folders of a home (docs/configuration.md, "Folders: `paths`").
    package struct Paths: Sendable, Equatable {
        package let home: String
        package let dropzone: String
        package let archive: String
        package let receipts: String
        package let state: String
        package let models: String
        package let mappings: String
        /// The home's own plugins; they are found before the installed ones.
        package let plugins: String
    }

    package let paths: Paths
    /// In the order of the file; sources that can be served, or that wait until one of their files is corrected.
    package let sources: [Source]
    /// Sources that cannot be served as they are configured; empty unless mistakes were allowed.
    package let broken: [BrokenSource]
    /// Mistakes in the rest of `twindrop.yaml`; empty unless mistakes were allowed.
    package let mistakes: [ConfigurationError]
    package let limits: Limits
    package let retention: Retention
    package let archive: ArchiveSettings
    package let log: LogSettings
    package let http: HTTPSettings
    package let outbound: OutboundSettings
    /// In the order of the file.
    package let notify: [NotifyChannel]
    /// Properties of twins that queries find by an index: `name`, or `component.name`.
    package let indexes: [String]
    /// Every file that was read: configuration, manifests, mappings, lookups; absolute, in the order they were read. A change of
    /// any of them asks for a new `load`.
    package let files: [String]
    let origin: Origin

    /// What `reread` goes by.
    struct Origin: Sendable {
        /// `twindrop.yaml` as it was when all was read.
        var text: [UInt8] = []
        var installedPlugins: [String] = []
        /// The sources to be read; nil: all.
        var only: [SourceName]?
    }

    /// Equal when both mean the same, however they are written.
    package static func == (left: Self, right: Self) -> Bool {
        left.paths == right.paths && left.sources == right.sources && left.limits == right.limits
            && left.retention == right.retention && left.archive == right.archive && left.log == right.log
            && left.files == right.files && left.broken == right.broken && left.mistakes == right.mistakes
            && left.notify == right.notify
    }

    /// Whether `twindrop.yaml` changed since this was read; true if it cannot be read.
    package var isOutOfDate: Bool {
        var files = ConfigurationFiles(home: paths.home)
        let path = ConfigurationFiles.absolute(Self.fileName, from: paths.home)
        guard case .success(let bytes) = files.bytes(of: path, bytesMax: Self.fileBytesMax) else { return true }
        return bytes != origin.text
    }

    /// The source `name`, if there is one.
    package func source(_ name: SourceName) -> Source? { sources.first { $0.name == name } }
}

/// A source with mistakes in `twindrop.yaml`: it is not served.
package struct BrokenSource: Sendable, Equatable {
    /// As it is written.
    package let name: String
    /// The source as far as it could be read, for checks alone; nil if its name is not valid.
    package let source: Source?
    /// Its landing folder, absolute; nil if its name is not valid.
    package var watched: WatchedSource? { source?.watched }
    /// Never empty.
    package let mistakes: [ConfigurationError]
}

/// What `log` says.
package struct LogSettings: Sendable, Equatable {
    package enum Level: String, Sendable, CaseIterable { case trace, debug, info, notice, warning, error, critical }
    /// `auto` is text on a terminal and JSON elsewhere.
    package enum Format: String, Sendable, CaseIterable { case auto, text, json }

    package let level: Level
    package let format: Format
    /// The file or FIFO that gets a line for each step of a drop (docs/operations.md, "A line for each drop"). Nil: none.
    package let events: String?
}

/// The values of `retention`; nil means for ever.
package struct Retention: Sendable, Equatable {
    package let receipts: Duration?
    package let revisions: Duration?
}

/// What `archive` says.
package struct ArchiveSettings: Sendable, Equatable {
    /// zstd's level, 1 … 19.
    package let level: Int
    /// A container is closed when nothing waits, when it holds this many drops,
    package let containerDrops: Int
    /// … or this many bytes of content,
    package let containerBytes: UInt64
}

/// The values of `limits` for the home; those for one drop are in its source.
package struct Limits: Sendable, Equatable {
    /// Workers that transform at once, over all sources.
    package let workers: Int
    /// A commit takes at most so many drops,
    package let commitDrops: Int
    /// … and so many bytes of their content.
    package let commitBytes: UInt64
    package let space: Space

    /// Free space of the state's file system. Each mark is the smaller of share and size.
    package struct Space: Sendable, Equatable {
        /// Below: no new claims.
        package let softShare: Double
        package let softBytes: UInt64
        /// Below: no new transforms either.
        package let hardShare: Double
        package let hardBytes: UInt64
    }
}

/// What a worker may use (docs/failure-model.md, "Plugins and workers").
package struct WorkerBounds: Sendable, Equatable {
    package enum Sandbox: String, Sendable, CaseIterable {
        /// Every protection this kernel has; what is missing is named in `status`.
        case available
        /// A source whose worker cannot have all protections is suspended.
        case required
    }

    package let sandbox: Sandbox
    /// Address space.
    package let memoryBytes: UInt64
    /// Processor time of one drop.
    package let cpu: Duration
    /// Time of one drop: this,
    package let wall: Duration
    /// … and this for each MiB of its file.
    package let wallPerMiB: Duration
    /// Longest time without a sign of life.
    package let silence: Duration
    /// Output of one drop: this many times its bytes,
    package let outputFactor: Int
    /// … and this.
    package let outputBytesFree: UInt64
    /// Operations of one drop: one for each byte of its file, and this many.
    package let operationsFree: UInt64
    /// Log output of one drop; the rest is counted and dropped.
    package let logBytes: UInt64
    /// A worker is replaced after this many drops,
    package let reuseDrops: Int
    /// … or this long.
    package let reuseTime: Duration
    /// Failures on as many different drops in a row suspend the source.
    package let failuresMax: Int
}

/// One source, with everything that decides what happens to its drops.
package struct Source: Sendable, Equatable {
    package let name: SourceName
    /// For people; the name where none is given.
    package let title: String
    package let watched: WatchedSource
    package let policy: ApplyPolicy
    /// The plugin's id, and the path of its manifest.
    package let plugin: String
    package let manifest: String
    /// One JSON object, checked against the manifest's schema; for `mapping`, the mapping file's content.
    package let settings: JSON
    package let settingsPlaces: SettingsPlaces
    package let lookups: [LookupTable]
    /// The rules of the time zones that the settings name, as the system has them now; see `ValueRules.ZoneRules`.
    package let zones: [LookupTable.Row]
    /// How its text is written, if the plugin's schema says which settings describe that.
    package let dialect: TextDialect?
    package let duplicates: DuplicateRule
    package let order: DropOrder
    /// The part of a file's name that says which delivery is newer; nil if there is none.
    package let sequence: NameSequence?
    package let empty: EmptyRule
    /// When its deliveries are expected; nil: at any time.
    package let expect: Expectation?
    package let worker: WorkerBounds
    /// The files that plugin, settings and lookups were read from: manifest, mapping, tables; absolute.
    package let files: [String]
    /// Those files, and others that would have been read if they existed. After a change of any of them the source must be read
    /// again.
    package let asked: [String]
    /// Mistakes in these files: the source's drops wait until they are corrected. Empty unless mistakes were allowed.
    package let mistakes: [ConfigurationError]
}
