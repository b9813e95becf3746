import CodecKit
import DropCore
import TwinModel

/// Reads `sources`, and checks them against one another. Used by one thread, within one `load`.
struct SourceReader {
    let loader: ConfigurationLoader
    let paths: Configuration.Paths
    let fileBytesMax: UInt64
    let worker: WorkerBounds

    /// A source that was read, and the places of the values that are compared with other sources.
    private struct Read {
        let source: Source
        let section: Section
        /// The folder with links followed.
        let folder: String
        let patterns: [Glob]
    }

    /// The mistakes of one source, separate from those of its files.
    private struct Mistakes {
        let diagnosis: Diagnosis
        /// The errors about files that are read again automatically when they change.
        var ofFiles: Range<Int> = 0..<0
    }

    func read(_ root: Section) -> (good: [Source], broken: [BrokenSource]) {
        let sections = root.sections("sources", word: "NAME", diagnosis: { Diagnosis(partOf: loader.diagnosis) })
        var all: [(name: String, read: Read?, mistakes: Mistakes)] = []
        for (text, section) in sections where loader.origin.only?.contains(where: { $0.text == text }) ?? true {
            var mistakes = Mistakes(diagnosis: section.diagnosis)
            section.diagnosis.report(loader.doubled(in: text))
            let read = self.read(text, section, &mistakes)
            section.finish()
            all.append((text, read, mistakes))
        }
        let reads = all.compactMap(\.read)
        for (index, read) in reads.enumerated() {
            checkFolder(of: read)
            for earlier in reads.prefix(index) { check(read, against: earlier) }
        }
        var result: (good: [Source], broken: [BrokenSource]) = ([], [])
        for (name, read, mistakes) in all {
            let errors = mistakes.diagnosis.errors
            let ofFiles = errors[mistakes.ofFiles].filter { isOfFile($0) }
            if let read, errors.allSatisfy(ofFiles.contains) {
                let rest = mistakes.diagnosis.rest(mainFile: Configuration.fileName)
                result.good.append(read.source.with(mistakes: ofFiles + rest))
            } else {
                let sorted = mistakes.diagnosis.all(mainFile: Configuration.fileName)?.errors ?? []
                result.broken.append(BrokenSource(name: name, source: read?.source, mistakes: sorted))
            }
        }
        return result
    }

    /// Whether the daemon notices a correction: a change of a file that `twindrop.yaml` names, or its creation.
    private func isOfFile(_ error: ConfigurationError) -> Bool {
        if error.place.file != Configuration.fileName { return true }
        return [.missingFile, .unreadable, .tooLarge].contains(error.code) && !error.keyPath.hasSuffix(".plugin")
    }

    private func read(_ text: String, _ section: Section, _ mistakes: inout Mistakes) -> Read? {
        let name = SourceName(text)
        if name == nil {
            section.diagnosis.report(
                ConfigurationError(
                    .badValue, at: section.place, keyPath: section.keyPath.joined(separator: "."),
                    "\"\(Escaping.visible(text, scalarsMax: 80))\" is no source name: 1 to 64 of a–z, 0–9 and -, not - first."
                ))
        }
        let title = section.text("title") ?? text
        let folderText = section.text(
            "folder", standard: nil, type: "path", expected: "a folder, absolute or in the drop zone")
        let folder = ConfigurationFiles.absolute(folderText ?? text, from: paths.dropzone)
        let patterns = globs("patterns", section, standard: [])
        let probes = section.flag("probe", standard: false)
        let recursive = section.flag("recursive", standard: false)
        let readiness = readReadiness(section.section("ready", word: "rule"))
        let policy = readPolicy(section)
        let (before, asked, first) = (loader.files.read.count, loader.files.asked.count, section.diagnosis.errors.count)
        let (plugin, manifest) = readPlugin(section)
        let settings = readSettings(section, manifest)
        let dialect = manifest?.schema?.dialect(in: settings.json)
        let lookups = readLookups(section)
        checkLookups(settings.tables, section)
        mistakes.ofFiles = first..<section.diagnosis.errors.count
        let files = Array(loader.files.read[before...])
        let duplicates = section.choice("duplicates", standard: DuplicateRule.newest)
        let order = section.choice("order", standard: DropOrder.none)
        let expect = readExpectation(section)
        let sequence = readSequence(section)
        let empty = readEmpty(section, policy)
        let limits = section.section("limits")
        let size = limits.size("file-size", standard: fileBytesMax)
        let bounds = loader.readWorker(limits.section("worker"), standard: worker)
        limits.finish()
        guard let name else { return nil }
        let watched = WatchedSource(
            name: name, folder: folder, patterns: patterns.map(\.text), readiness: readiness, fileBytesMax: size,
            recursive: recursive, probes: probes, byName: order == .name)
        let source = Source(
            name: name, title: title, watched: watched, policy: policy, plugin: plugin ?? "", manifest: manifest?.path ?? "",
            settings: settings.json, settingsPlaces: settings.places, lookups: lookups, zones: settings.zones, dialect: dialect,
            duplicates: duplicates, order: order, sequence: sequence, empty: empty, expect: expect, worker: bounds, files: files,
            asked: Array(loader.files.asked[asked...]), mistakes: [])
        return Read(source: source, section: section, folder: loader.files.physical(folder), patterns: patterns)
    }

    private func readSequence(_ section: Section) -> NameSequence? {
        guard let text = section.text("sequence", expected: "a file name with places: inventory_{yyyy}{MM}{dd}.csv") else {
            return nil
        }
        if let sequence = NameSequence(text) { return sequence }
        section.report(
            .badValue, "sequence",
            "found \"\(Escaping.visible(text, scalarsMax: 80))\", expected a file name with places, each once: {yyyy}, {MM}, {dd}, {HH}, "
                + "{mm}, {ss} or {n}.", hint: "inventory_{yyyy}{MM}{dd}.csv, stock-{n}.csv; * matches any text.")
        return nil
    }

    /// An empty file is recorded. A snapshot source holds it, because there it would mean that nothing exists any more.
    private func readEmpty(_ section: Section, _ policy: ApplyPolicy) -> EmptyRule {
        let rule = section.choice("empty", standard: EmptyRule.record)
        return section.has("empty") || policy.mode != .snapshot ? rule : .hold
    }

    private func globs(_ key: String, _ section: Section, standard: [String]) -> [Glob] {
        section.texts(key, standard: standard).compactMap { text, place in
            if let glob = Glob(checking: text) { return glob }
            section.report(
                .badValue, key, at: place,
                "found \"\(Escaping.visible(text, scalarsMax: 60))\", expected a name pattern without /.",
                hint: "* matches any text, ? one character, [a-z] one of a set.")
            return nil
        }
    }

    private func readReadiness(_ section: Section) -> ReadinessRule {
        enum Rule: String, CaseIterable { case rename, marker, close, stable }
        var rule = ReadinessRule()
        switch section.choice("rule", standard: Rule.stable) {
        case .rename: rule.kind = .rename
        case .marker: rule.kind = .marker
        case .close: rule.kind = .close
        case .stable: rule.kind = .stable
        }
        rule.settle = section.duration("settle", standard: rule.settle, atLeast: .milliseconds(10))
        let suffix = section.text("marker", standard: rule.markerSuffix) ?? rule.markerSuffix
        if suffix.utf8.contains(0x2F) || suffix.utf8.count > 64 {
            section.report(.badValue, "marker", "found \"\(Escaping.visible(suffix))\", expected the end of a name: .done")
        } else {
            rule.markerSuffix = suffix
        }
        rule.writerTimeout = section.duration("writer-timeout", standard: rule.writerTimeout, atLeast: .seconds(1))
        rule.provesEnd = section.flag("proves-end", standard: rule.provesEnd)
        rule.ignore = globs("ignore", section, standard: rule.ignore).map(\.text)
        section.finish()
        return rule
    }

    private func readPolicy(_ section: Section) -> ApplyPolicy {
        enum Mode: String, CaseIterable { case incremental, snapshot }
        var policy = ApplyPolicy()
        policy.mode = section.choice("mode", standard: Mode.incremental) == .snapshot ? .snapshot : .incremental
        policy.dangling = readDangling(section)
        policy.validation = section.choice("validation", standard: policy.validation)
        let guards = section.section("guard")
        policy.deletesShareMax = guards.share("deletes", standard: policy.deletesShareMax)
        policy.deletesFree = UInt64(guards.number("deletes-free", standard: Int64(policy.deletesFree), in: 0...Int64.max))
        policy.rejectsShareMax = guards.share("rejects", standard: policy.rejectsShareMax)
        policy.rejectsFree = UInt64(guards.number("rejects-free", standard: Int64(policy.rejectsFree), in: 0...Int64.max))
        guards.finish()
        let scope = section.section("scope")
        policy.models = scope.texts("models").map { text, place in
            if !text.hasPrefix("dtmi:") {
                scope.report(
                    .badValue, "models", at: place,
                    "found \"\(Escaping.visible(text))\", expected a model id, or a namespace: dtmi:com:example:Lift;1 or "
                        + "dtmi:com:example:*")
            }
            return text
        }
        policy.twinPrefixes = scope.texts("twin-prefixes").map(\.text)
        scope.finish()
        return policy
    }

    /// `wait 24h`, `reject` or `stub`.
    private func readDangling(_ section: Section) -> ApplyPolicy.Dangling {
        let standard = ApplyPolicy().dangling
        let node = section.take("dangling", type: "wait DURATION|reject|stub", standard: "wait 1d")
        guard let node else { return standard }
        if case .text(let text) = node.kind {
            if text == "reject" { return .reject }
            if text == "stub" { return .stub }
            if text.hasPrefix("wait "), let duration = Quantity.duration(String(text.dropFirst(5))) { return .wait(duration) }
        }
        section.refuse("dangling", node, expected: "wait with a duration (wait 24h), reject, or stub")
        return standard
    }

    private func readPlugin(_ section: Section) -> (id: String?, manifest: SettingsManifest?) {
        guard let id = section.required("plugin", "the id of a plugin") else { return (nil, nil) }
        let folders = [paths.plugins] + loader.origin.installedPlugins
        for folder in folders {
            let path = ConfigurationFiles.absolute(id + SettingsManifest.suffix, from: folder)
            switch loader.files.bytes(of: path, bytesMax: SettingsManifest.bytesMax) {
            case .success(let bytes):
                let manifest = SettingsManifest(bytes, id: id, path: path, shown: loader.files.shown(path))
                section.diagnosis.report(manifest.errors)
                return (id, manifest)
            case .failure(.missing): continue
            case .failure(let failure):
                section.diagnosis.report(
                    loader.files.error(
                        failure, path: path, at: section.place(of: "plugin"), keyPath: section.path("plugin"),
                        bytesMax: SettingsManifest.bytesMax))
                return (id, nil)
            }
        }
        let known = folders.flatMap(loader.files.names).filter { $0.hasSuffix(SettingsManifest.suffix) }
            .map { String($0.dropLast(SettingsManifest.suffix.count)) }
        let names = known.isEmpty ? "no plugin" : known.joined(separator: ", ")
        let looked = folders.map(loader.files.shown).joined(separator: " and ")
        section.report(
            .missingFile, "plugin", at: section.node?["plugin"]?.place,
            "there is no plugin \"\(Escaping.visible(id, scalarsMax: 60))\"; found in \(looked): \(names).",
            hint: Suggestion.hint(for: id, among: known))
        return (id, nil)
    }

    /// The settings of a source, and what they name outside themselves.
    private struct Settings {
        var json = JSON.object([])
        var places: SettingsPlaces
        var zones: [LookupTable.Row] = []
        var tables: [SettingsSchema.Name] = []
    }

    private func readSettings(_ section: Section, _ manifest: SettingsManifest?) -> Settings {
        let inline = section.take("settings", type: "mapping", standard: "none")
        let file = section.text("mapping", type: "path", expected: "a YAML file, absolute or in the mappings folder")
        var node = inline
        var keyPath = section.keyPath + ["settings"]
        let nothing = YAMLNode(kind: .map([]), place: section.place(of: "plugin"), written: "")
        let none = Settings(places: SettingsPlaces(root: nothing, keyPath: keyPath, isRead: false))
        if let file {
            if inline != nil {
                section.report(
                    .badValue, "mapping", "both settings and mapping are given.",
                    hint: "Keep one: a mapping is a file of settings.")
            }
            let path = ConfigurationFiles.absolute(file, from: paths.mappings)
            let place = section.node?["mapping"]?.place ?? section.place
            let errors = section.diagnosis.errors.count
            node = loader.yaml(path, at: place, keyPath: section.path("mapping"), into: section.diagnosis)
            guard section.diagnosis.errors.count == errors else { return none }
            keyPath = []
            if node == nil { node = YAMLNode(kind: .map([]), place: Place(file: loader.files.shown(path), line: 1), written: "") }
        }
        let settings = node ?? nothing
        guard case .map = settings.kind else {
            section.report(
                .wrongType, "settings", at: settings.place, "found \(settings.found), expected a mapping of keys to values.")
            return none
        }
        let schema = manifest?.schema
        section.diagnosis.report(schema?.errors(in: settings, keyPath: keyPath) ?? [])
        return Settings(
            json: settings.json, places: SettingsPlaces(root: settings, keyPath: keyPath),
            zones: readZones(schema?.names(.zone, in: settings, keyPath: keyPath) ?? [], into: section.diagnosis),
            tables: schema?.names(.lookup, in: settings, keyPath: keyPath) ?? [])
    }

    /// If the settings name a table that the source does not have, every look-up would fail, and every record would be refused or
    /// passed.
    private func checkLookups(_ names: [SettingsSchema.Name], _ section: Section) {
        var known: [String] = []
        if case .map(let entries)? = section.node?["lookups"]?.kind { known = entries.map(\.key) }
        for name in names where !known.contains(where: { $0.utf8.elementsEqual(name.text.utf8) }) {
            let tables = known.isEmpty ? "it has none" : "it has " + known.joined(separator: ", ")
            section.diagnosis.report(
                ConfigurationError(
                    .badValue, at: name.place, keyPath: name.keyPath.joined(separator: "."),
                    "the source has no lookup table \"\(Escaping.visible(name.text, scalarsMax: 60))\"; \(tables).",
                    hint: known.isEmpty
                        ? "Name its file under lookups in the source." : Suggestion.hint(for: name.text, among: known)))
        }
    }

    private func readLookups(_ section: Section) -> [LookupTable] {
        section.sections("lookups", word: "TABLE").compactMap { name, table in
            let file = table.required("file", type: "path", "a CSV file, absolute or in the home")
            let key = table.required("key", "the name of the column to look up")
            let value = table.required("value", "the name of the column that is the answer")
            let delimiter = table.text("delimiter", standard: ",") ?? ","
            table.finish()
            guard let file, let key, let value else { return nil }
            guard delimiter.utf8.count == 1, let byte = delimiter.utf8.first, byte != 0x22, byte != 0x0A, byte != 0x0D else {
                table.report(
                    .badValue, "delimiter",
                    "found \"\(Escaping.visible(delimiter))\", expected one ASCII character, not a quote.")
                return nil
            }
            let path = ConfigurationFiles.absolute(file, from: paths.home)
            switch loader.files.bytes(of: path, bytesMax: LookupTable.fileBytesMax) {
            case .failure(let failure):
                table.diagnosis.report(
                    loader.files.error(
                        failure, path: path, at: table.node?["file"]?.place ?? table.place, keyPath: table.path("file"),
                        bytesMax: LookupTable.fileBytesMax))
                return nil
            case .success(let bytes):
                let (lookup, errors) = LookupTable.read(
                    bytes, name: name, file: loader.files.shown(path), delimiter: byte, key: key, value: value)
                table.diagnosis.report(errors)
                return lookup
            }
        }
    }

    /// A source's folder is not inside one of our folders, and is not the whole drop zone, where files are routed by patterns.
    private func checkFolder(of read: Read) {
        let files = loader.files
        let others = [
            ("archive", paths.archive), ("receipts", paths.receipts), ("state", paths.state), ("plugins", paths.plugins),
        ]
        for (key, path) in others where Folders.overlap(read.folder, files.physical(path)) {
            read.section.report(
                .overlap, "folder", "the folder \(files.shown(read.folder)) and paths.\(key) are inside one another.")
        }
        if loader.origin.only == nil, let why = files.defect(ofFolder: read.source.watched.folder) {
            read.section.report(.badValue, "folder", why, hint: "Name a folder that is there, or that can be made.")
        }
        if Folders.contains(read.folder, files.physical(paths.dropzone)) {
            read.section.report(
                .overlap, "folder", "the folder \(files.shown(read.folder)) is the whole drop zone.",
                hint: "Name a folder in it; files in the drop zone itself are routed by the sources' patterns.")
        }
    }

    /// Two sources never claim the same file: their folders are apart, or no name fits both their patterns.
    private func check(_ read: Read, against earlier: Read) {
        let sameFolder = read.folder == earlier.folder
        let nested =
            !sameFolder
            && (Folders.contains(read.folder, earlier.folder) && read.source.watched.recursive
                || Folders.contains(earlier.folder, read.folder) && earlier.source.watched.recursive)
        guard sameFolder || nested else { return }
        let all = [Glob("*")]
        // A source that is asked by `probe` needs no patterns in a shared folder.
        func taken(_ read: Read) -> [Glob] { read.patterns.isEmpty && !read.source.watched.probes ? all : read.patterns }
        let (left, right) = (taken(read), taken(earlier))
        for pattern in left {
            guard let other = right.first(where: pattern.overlaps) else { continue }
            let how = sameFolder ? "share a folder" : "have folders inside one another"
            read.section.report(
                .overlap, sameFolder && !read.patterns.isEmpty ? "patterns" : "folder",
                "this source and \(earlier.source.name) \(how), and a name can fit both \(pattern.text) and \(other.text).",
                hint: "Give each a folder of its own, or patterns of which no name fits both; or let one be asked (probe: true).")
            return
        }
    }
}

extension Source {
    /// The same, with what is wrong with its files.
    package func with(mistakes: [ConfigurationError]) -> Source {
        Source(
            name: name, title: title, watched: watched, policy: policy, plugin: plugin, manifest: manifest, settings: settings,
            settingsPlaces: settingsPlaces, lookups: lookups, zones: zones, dialect: dialect, duplicates: duplicates,
            order: order, sequence: sequence, empty: empty, expect: expect, worker: worker, files: files, asked: asked,
            mistakes: mistakes)
    }
}
