import CodecKit
package import DropCore

extension Configuration {
    /// The name of the configuration file in a home.
    package static let fileName = "twindrop.yaml"
    static let fileBytesMax = 4 << 20

    /// Reads `HOME/twindrop.yaml` and every file it names, and checks all of it.
    ///
    /// - Parameters:
    ///   - home: absolute, or relative to the current folder.
    ///   - installedPlugins: folders searched for plugins after the home's own, absolute.
    /// Errors: everything that is wrong, at once. Blocking; from any thread.
    package static func load(
        home: String, installedPlugins: [String] = []
    ) throws(ConfigurationErrors) -> Configuration {
        let home = ConfigurationFiles.absolute(home, from: ConfigurationFiles.currentFolder)
        let loader = ConfigurationLoader(home: home, origin: .init(installedPlugins: installedPlugins))
        return try loader.load()
    }

    /// Reads as much as possible despite mistakes: for commands that only look, and for a daemon that serves the correct sources.
    /// A source with a mistake is in `broken`, or among `sources` with `mistakes` of its files. All other mistakes are in
    /// `mistakes`, and these values have their defaults.
    ///
    /// Errors: mistakes because of which the home's folders are unknown. Blocking; from any thread.
    package static func tolerant(
        home: String, installedPlugins: [String] = []
    ) throws(ConfigurationErrors) -> Configuration {
        let home = ConfigurationFiles.absolute(home, from: ConfigurationFiles.currentFolder)
        return try ConfigurationLoader(home: home, origin: .init(installedPlugins: installedPlugins)).loadTolerantly()
    }

    /// Reads one source again, with its manifest, mapping and lookups as they are now, but `twindrop.yaml` as it was when this
    /// configuration was read. A change of `twindrop.yaml` takes effect only with the next `load`.
    ///
    /// Errors: everything that is wrong with the source, at once. Blocking; from any thread.
    package func reread(_ name: SourceName) throws(ConfigurationErrors) -> Source {
        let loader = ConfigurationLoader(
            home: paths.home,
            origin: .init(text: origin.text, installedPlugins: origin.installedPlugins, only: [name]))
        let read = try loader.loadTolerantly()
        if let broken = read.broken.first { throw ConfigurationErrors(broken.mistakes) }
        guard let source = read.sources.first else {
            preconditionFailure("a source that was read from this text is still in it")
        }
        if !source.mistakes.isEmpty { throw ConfigurationErrors(source.mistakes) }
        return source
    }

    /// Everything that is wrong, of the home and of its sources; nil: nothing.
    package var allMistakes: ConfigurationErrors? {
        let diagnosis = Diagnosis()
        diagnosis.report(mistakes + broken.flatMap(\.mistakes) + sources.flatMap(\.mistakes))
        return diagnosis.all(mainFile: Self.fileName)
    }

    /// Every key `twindrop.yaml` may have, in the order they are read.
    package static var keys: [ConfigurationKey] {
        let loader = ConfigurationLoader(home: "/", origin: .init())
        let place = Place(file: fileName)
        let everything = YAMLFile(text: "sources: {name: {lookups: {table: {}}}}\nnotify: {channel: {}}", file: fileName).root
        let root = Section(everything, at: place, diagnosis: loader.diagnosis)
        _ = loader.read(root)
        return loader.diagnosis.keys
    }
}

extension Configuration {
    /// The same, with what is wrong with it.
    fileprivate func with(mistakes: [ConfigurationError]) -> Configuration {
        Configuration(
            paths: paths, sources: sources, broken: broken, mistakes: mistakes, limits: limits, retention: retention,
            archive: archive, log: log, http: http, outbound: outbound, notify: notify, indexes: indexes, files: files,
            origin: origin)
    }
}

/// One `load`, from the file to the values. Used by one thread.
final class ConfigurationLoader {
    let home: String
    private(set) var origin: Configuration.Origin
    let diagnosis = Diagnosis()
    var files: ConfigurationFiles
    /// Keys that are given twice within a source, or sources that are: a mistake of that source alone.
    private var doubled: [ConfigurationError] = []

    init(home: String, origin: Configuration.Origin) {
        self.home = home
        self.origin = origin
        files = ConfigurationFiles(home: home)
    }

    func load() throws(ConfigurationErrors) -> Configuration {
        let configuration = try loadTolerantly()
        if let mistakes = configuration.allMistakes { throw mistakes }
        return configuration
    }

    func loadTolerantly() throws(ConfigurationErrors) -> Configuration {
        let name = Configuration.fileName
        let path = ConfigurationFiles.absolute(name, from: home)
        let place = Place(file: name)
        var node = yaml(path, at: place, keyPath: "", into: diagnosis)
        var isCut = false
        if node == nil, let errors = diagnosis.all(mainFile: name) {
            // The folders have a separate part, which may have no mistake.
            guard let part = pathsAlone() else { throw errors }
            node = part
            isCut = true
        }
        let root = Section(node, at: place, diagnosis: diagnosis)
        let configuration = read(root)
        if !isCut { root.finish() }
        if diagnosis.errors.contains(where: { $0.keyPath.hasPrefix("paths") && $0.code != .overlap }),
            let errors = diagnosis.all(mainFile: name)
        {
            throw errors
        }
        return configuration.with(mistakes: diagnosis.all(mainFile: name)?.errors ?? [])
    }

    /// The `paths` of a file that as a whole is not YAML; nil if they cannot be read.
    private func pathsAlone() -> YAMLNode? {
        guard !origin.text.isEmpty, let text = String(validating: origin.text, as: UTF8.self) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.firstIndex(where: { $0.hasPrefix("paths:") }) else {
            if text.contains("paths") { return nil }
            return YAMLNode(kind: .map([]), place: Place(file: Configuration.fileName), written: "")
        }
        let part = lines[(first + 1)...].prefix { $0.isEmpty || $0.hasPrefix(" ") || $0.hasPrefix("#") || $0.hasPrefix("\r") }
        let above = Array(repeating: Substring(""), count: first)  // So that lines keep their numbers.
        let file = YAMLFile(
            text: (above + [lines[first]] + part).joined(separator: "\n"), file: Configuration.fileName)
        return file.errors.isEmpty ? file.root : nil
    }

    func read(_ root: Section) -> Configuration {
        _ = root.number("version", standard: 1, in: 1...1)
        let paths = readPaths(root.section("paths"))
        let limits = root.section("limits")
        let homeLimits = readLimits(limits)
        let fileBytesMax = limits.size("file-size", standard: 64 << 30)
        let worker = readWorker(limits.section("worker"), standard: .standard)
        limits.finish()
        let retention = readRetention(root.section("retention"))
        let archive = readArchive(root.section("archive"))
        let log = readLog(root.section("log"))
        let http = readHTTP(root.section("http"))
        let outbound = readOutbound(root.section("outbound"))
        let notify = readNotify(root)
        let indexes = root.texts("indexes").map(\.text)
        let sources = SourceReader(loader: self, paths: paths, fileBytesMax: fileBytesMax, worker: worker).read(root)
        return Configuration(
            paths: paths, sources: sources.good, broken: sources.broken, mistakes: [], limits: homeLimits, retention: retention,
            archive: archive, log: log,
            http: http, outbound: outbound, notify: notify, indexes: indexes, files: files.read, origin: origin)
    }

    /// The values of a YAML file; nil if it is empty or cannot be read, which is reported at `place`.
    func yaml(_ path: String, at place: Place, keyPath: String, into diagnosis: Diagnosis) -> YAMLNode? {
        let isMain = keyPath.isEmpty
        let content =
            isMain && !origin.text.isEmpty
            ? .success(origin.text) : files.bytes(of: path, bytesMax: Configuration.fileBytesMax)
        switch content {
        case .failure(let failure):
            let error = files.error(failure, path: path, at: place, keyPath: keyPath, bytesMax: Configuration.fileBytesMax)
            diagnosis.report(
                isMain && failure == .missing
                    ? ConfigurationError(
                        error.code, at: place, "there is no \(place.file) in \(Escaping.visible(home)).",
                        hint: "Make a home with `twindrop init`, or name one with --home.") : error)
            return nil
        case .success(let bytes):
            if isMain { origin.text = bytes }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                diagnosis.report(
                    ConfigurationError(
                        .unreadable, at: Place(file: files.shown(path)), "the file is not UTF-8.", hint: "Save it as UTF-8."))
                return nil
            }
            let file = YAMLFile(text: text, file: files.shown(path))
            if isMain { doubled = file.errors.filter { $0.code == .duplicateKey && $0.keyPath.hasPrefix("sources.") } }
            diagnosis.report(isMain ? file.errors.filter { !doubled.contains($0) } : file.errors)
            return file.root
        }
    }

    /// Keys that are given twice within the source, or the name itself given twice.
    func doubled(in source: String) -> [ConfigurationError] {
        doubled.filter { $0.keyPath == "sources." + source || $0.keyPath.hasPrefix("sources.\(source).") }
    }

    private func readPaths(_ section: Section) -> Configuration.Paths {
        func folder(_ key: String) -> String {
            let text = section.text(key, standard: key, type: "path", expected: "a folder, absolute or in the home") ?? key
            return ConfigurationFiles.absolute(text, from: home)
        }
        let paths = Configuration.Paths(
            home: home, dropzone: folder("dropzone"), archive: folder("archive"), receipts: folder("receipts"),
            state: folder("state"), models: folder("models"), mappings: folder("mappings"), plugins: folder("plugins"))
        section.finish()
        let ours = [
            ("dropzone", paths.dropzone), ("archive", paths.archive), ("receipts", paths.receipts), ("state", paths.state),
        ]
        for (index, (key, path)) in ours.enumerated() {
            for (otherKey, other) in ours.prefix(index) where Folders.overlap(files.physical(path), files.physical(other)) {
                section.report(
                    .overlap, key, "the folder \(files.shown(path)) and that of \(otherKey) are inside one another.",
                    hint: "Give each of dropzone, archive, receipts and state a folder of its own.")
            }
        }
        return paths
    }

    private func readLimits(_ section: Section) -> Limits {
        let workers = section.number("workers", standard: 4, in: 1...256)
        let drops = section.number("commit-drops", standard: 256, in: 1...65_536)
        let bytes = section.size("commit-size", standard: 64 << 20, in: (1 << 20)...(1 << 40))
        let space = section.section("free-space")
        let marks = Limits.Space(
            softShare: space.share("soft-share", standard: 0.10), softBytes: space.size("soft", standard: 2 << 30),
            hardShare: space.share("hard-share", standard: 0.05), hardBytes: space.size("hard", standard: 1 << 30))
        space.finish()
        if marks.hardBytes > marks.softBytes || marks.hardShare > marks.softShare {
            space.report(
                .badValue, "hard", "the hard mark is above the soft one.", hint: "Claims stop at soft, transforms at hard.")
        }
        return Limits(workers: Int(workers), commitDrops: Int(drops), commitBytes: bytes, space: marks)
    }

    private func readRetention(_ section: Section) -> Retention {
        let retention = Retention(receipts: section.age("receipts"), revisions: section.age("revisions"))
        section.finish()
        return retention
    }

    private func readArchive(_ section: Section) -> ArchiveSettings {
        let settings = ArchiveSettings(
            level: Int(section.number("level", standard: 1, in: 1...19)),
            containerDrops: Int(section.number("container-drops", standard: 256, in: 1...65_536)),
            containerBytes: section.size("container-size", standard: 64 << 20, in: (1 << 20)...(1 << 40)))
        section.finish()
        return settings
    }

    private func readLog(_ section: Section) -> LogSettings {
        let level = section.choice("level", standard: LogSettings.Level.info)
        let format = section.choice("format", standard: LogSettings.Format.auto)
        let events = section.text("events", type: "path", expected: "a file, absolute or in the home")
        section.finish()
        return LogSettings(level: level, format: format, events: events.map { ConfigurationFiles.absolute($0, from: home) })
    }

    /// The limits of workers; `standard` counts if a key is absent.
    func readWorker(_ section: Section, standard: WorkerBounds) -> WorkerBounds {
        let seconds = Duration.milliseconds(100)
        let bounds = WorkerBounds(
            sandbox: section.choice("sandbox", standard: standard.sandbox),
            memoryBytes: section.size("memory", standard: standard.memoryBytes, in: (16 << 20)...(1 << 40)),
            cpu: section.duration("cpu", standard: standard.cpu, atLeast: seconds),
            wall: section.duration("wall", standard: standard.wall, atLeast: seconds),
            wallPerMiB: section.duration("wall-per-mib", standard: standard.wallPerMiB, atLeast: .zero),
            silence: section.duration("silence", standard: standard.silence, atLeast: seconds),
            outputFactor: Int(section.number("output-factor", standard: Int64(standard.outputFactor), in: 1...65_536)),
            outputBytesFree: section.size("output-free", standard: standard.outputBytesFree),
            operationsFree: UInt64(
                section.number("operations-free", standard: Int64(standard.operationsFree), in: 1...Int64.max)),
            logBytes: section.size("log", standard: standard.logBytes, in: 0...(16 << 20)),
            reuseDrops: Int(section.number("reuse-drops", standard: Int64(standard.reuseDrops), in: 1...1_000_000)),
            reuseTime: section.duration("reuse-time", standard: standard.reuseTime, atLeast: .seconds(1)),
            failuresMax: Int(section.number("failures-in-a-row", standard: Int64(standard.failuresMax), in: 1...1_000_000)))
        section.finish()
        return bounds
    }
}

extension WorkerBounds {
    /// The values that apply without configuration (docs/configuration.md, "Limits: `limits`, `sources.NAME.limits`").
    package static let standard = WorkerBounds(
        sandbox: .available, memoryBytes: 512 << 20, cpu: .seconds(60), wall: .seconds(120), wallPerMiB: .seconds(1),
        silence: .seconds(10), outputFactor: 64, outputBytesFree: 256 << 20, operationsFree: 1_000_000, logBytes: 64 << 10,
        reuseDrops: 1000, reuseTime: .seconds(900), failuresMax: 5)
}

/// How two folders lie to each other; both absolute.
enum Folders {
    static func overlap(_ left: String, _ right: String) -> Bool { contains(left, right) || contains(right, left) }

    /// Whether `inner` is `outer` or lies below it.
    static func contains(_ outer: String, _ inner: String) -> Bool {
        let outer = Array(outer.utf8)
        let inner = Array(inner.utf8)
        return inner.starts(with: outer) && (inner.count == outer.count || outer.last == 0x2F || inner[outer.count] == 0x2F)
    }
}
