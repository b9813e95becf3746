import DropCore
import Foundation
import Testing

@testable import HomeConfiguration

@Suite struct `Configuration errors` {
    private func texts(_ yaml: String) throws -> [String] { try Home(yaml).errors.map(\.description) }

    @Test func `come all at once, in the order of the file, with place, key and allowed values`() throws {
        let texts = try texts(
            """
            sources:
              Lifts:
                plugin: reader
                settings: {table: t}
              assets:
                plugin: raeder
                redy: {rule: stable}
                ready:
                  rule: stabel
                  settle: 2 weeks
                mode: yes
                guard: {deletes: 0.05}
            log: {level: 7}
            archive: []
            """)
        #expect(
            texts == [
                #"twindrop.yaml:2:3: sources.Lifts: "Lifts" is no source name: 1 to 64 of a–z, 0–9 and -, not - first."#,
                #"twindrop.yaml:6:13: sources.assets.plugin: there is no plugin "raeder"; found in plugins: free, mapping, reader. "#
                    + "Did you mean reader?",
                "twindrop.yaml:7:5: sources.assets.redy: unknown key; allowed here: dangling, duplicates, empty, expect, folder, guard, "
                    + "limits, lookups, mapping, mode, order, patterns, plugin, probe, ready, recursive, scope, sequence, settings, "
                    + "title, validation. "
                    + "Did you mean ready?",
                #"twindrop.yaml:9:13: sources.assets.ready.rule: found "stabel", expected rename, marker, close, stable. "#
                    + "Did you mean stable?",
                #"twindrop.yaml:10:15: sources.assets.ready.settle: found "2 weeks", expected a duration of at least 10ms, "#
                    + "a whole number with ms, s, m, h or d: 2s, 15m, 24h, 365d.",
                #"twindrop.yaml:11:11: sources.assets.mode: found "yes", expected incremental, snapshot."#,
                "twindrop.yaml:12:22: sources.assets.guard.deletes: found 0.05, expected a share of 0% to 100%: 5%, 0.1%.",
                "twindrop.yaml:13:14: log.level: found 7, expected trace, debug, info, notice, warning, error, critical.",
                "twindrop.yaml:14:10: archive: found a list, expected a mapping of keys to values.",
            ])
    }

    @Test func `tell every key that is given twice`() throws {
        let texts = try texts(
            "log:\n  level: info\n  level: debug\n  \"level\": error\narchive: {level: 1, 'level': 2}\nversion: 2\n")
        #expect(
            texts == [
                "twindrop.yaml:3:3: log.level: this key is given already on line 2. Keep one of the two.",
                "twindrop.yaml:4:3: log.level: this key is given already on line 2. Keep one of the two.",
                "twindrop.yaml:5:21: archive.level: this key is given already on line 5. Keep one of the two.",
                "twindrop.yaml:6:10: version: found 2, expected a whole number of 1 to 1.",
            ])
    }

    @Test(arguments: [
        ("sources:\n  a: [\n", 3), ("a: b: c", 1), ("\ta: 1", 1), ("x: &a [1]\ny: *b", 2), ("a: 1\n---\nb: 2", 2),
        ("a: \u{1}", 1),
        ("log: !!python/object {}", 1), ("<<: {version: 1}", 1), ("? [a]\n: b", 1),
    ])
    func `of YAML itself have the same form`(yaml: String, line: Int) throws {
        let errors = try Home(yaml).errors
        #expect(errors.map(\.code).allSatisfy { $0 == .syntax })
        #expect(errors.first?.place.file == "twindrop.yaml")
        #expect(errors.first?.place.line == line)
    }

    @Test func `stop aliases that unfold without end`() throws {
        let layers = (1...9).map { "l\($0): &l\($0) [\(Array(repeating: "*l\($0 - 1)", count: 10).joined(separator: ","))]" }
        let errors = try Home("l0: &l0 x\n" + layers.joined(separator: "\n")).errors
        #expect(errors.map(\.code) == [.tooLarge])
    }

    @Test func `name the settings that the plugin's schema does not allow, by line`() throws {
        let texts = try texts(
            """
            sources:
              a:
                plugin: reader
                settings:
                  tabel: x
                  table: far too long
                  skip: 101
                  quoting: standart
                  header: 5
                  columns:
                    - width: wide
                    - name: 17
                  names: {a: true}
            """)
        #expect(
            texts == [
                "twindrop.yaml:5:7: sources.a.settings.tabel: unknown key; allowed here: columns, header, names, quoting, skip, table. "
                    + "Did you mean table?",
                #"twindrop.yaml:6:14: sources.a.settings.table: found "far too long", expected 0 to 8 characters."#,
                "twindrop.yaml:7:13: sources.a.settings.skip: found 101, at most 100 is allowed.",
                #"twindrop.yaml:8:16: sources.a.settings.quoting: found "standart", allowed: none, standard, backslash. Did you mean standard?"#,
                "twindrop.yaml:9:15: sources.a.settings.header: found 5, expected true or false or a list.",
                "twindrop.yaml:11:11: sources.a.settings.columns.0.name: the key is missing.",
                #"twindrop.yaml:11:18: sources.a.settings.columns.0.width: found "wide", expected a number."#,
                "twindrop.yaml:12:17: sources.a.settings.columns.1.name: found 17, expected text. Put it in quotes if text is meant.",
                "twindrop.yaml:13:18: sources.a.settings.names.a: found true, expected text. Put it in quotes if text is meant.",
            ])
    }

    @Test(arguments: [
        ("    order: none\n    order: none", "duplicate-key"), ("    guard: {deletes: 5%, deletes: 6%}", "duplicate-key"),
        ("    folder: " + String(repeating: "x", count: 300), "bad-value"), ("    folder: file/in", "bad-value"),
        ("    folder: file", "bad-value"),
    ])
    func `of one source leave the others as they are`(line: String, code: String) throws {
        let home = try Home("sources:\n  a:\n    plugin: free\n\(line)\n  b: {plugin: free}\n")
        try home.write("dropzone/file", "")
        let read = try Configuration.tolerant(home: home.path)
        #expect(read.mistakes == [])
        #expect(read.sources.map(\.name.text) == ["b"])
        #expect(read.broken.map(\.name) == ["a"])
        #expect(read.broken.first?.mistakes.map(\.code.text) == [code])
    }

    @Test func `of a name that two sources have leave both unserved`() throws {
        let home = try Home("sources: {a: {plugin: free}, b: {plugin: free}, a: {plugin: free}}")
        let read = try Configuration.tolerant(home: home.path)
        #expect(read.mistakes == [] && read.sources.map(\.name.text) == ["b"] && read.broken.map(\.name) == ["a"])
    }

    @Test func `in a file that was changed since are noticed`() throws {
        let home = try Home("sources: {a: {plugin: free}}")
        let read = try Configuration.tolerant(home: home.path)
        #expect(!read.isOutOfDate)
        try home.write("twindrop.yaml", "sources: {b: {plugin: free}}")
        #expect(read.isOutOfDate)
    }

    /// What a reload goes by (decision 0050): who is served is not stopped by a slip.
    @Test(arguments: [
        ("sources: {a: {plugin: free}, b: {plugin: free}}", false),
        ("sources: {a: {plugin: free, order: never}}", true),
        ("sources: {a: {plugin: free}, c: {plugin: free, order: never}}", true),
        ("sources: {a: {plugin: free}, wrong: {plugin: free, order: never}}", false),
        ("sources: {a: {plugin: free}}\nnonsense: 1", true),
        ("sources: [", true),
    ])
    func `that were not there before are told from those that were`(text: String, isNew: Bool) throws {
        let home = try Home("sources: {a: {plugin: free}, wrong: {plugin: free, order: never}}")
        let before = try Configuration.tolerant(home: home.path)
        try home.write("twindrop.yaml", text)
        #expect((try Configuration.tolerant(home: home.path).newMistakes(besides: before) != nil) == isNew)
    }

    @Test func `name the settings that are missing, by what they mean`() throws {
        #expect(
            try texts("sources: {a: {plugin: reader}}") == [
                "twindrop.yaml:1:15: sources.a.settings.table: the key is missing (the table to fill)."
            ])
    }

    @Test func `of a mapping file name that file`() throws {
        let home = try Home("sources: {a: {plugin: mapping, mapping: m.yaml}, b: {plugin: mapping, mapping: none.yaml}}")
        try home.write("mappings/m.yaml", "table: t\nskip: -1\n")
        #expect(
            home.errors.map(\.description) == [
                "twindrop.yaml:1:80: sources.b.mapping: there is no file mappings/none.yaml.",
                "mappings/m.yaml:2:7: skip: found -1, at least 0 is allowed.",
            ])
    }

    @Test func `of a manifest are its own, and name rules that are not checked`() throws {
        let home = try Home("sources: {a: {plugin: reader}}", readerSchema: #"{"type": "objekt", "multipleOf": 2}"#)
        let errors = home.errors
        #expect(errors.map(\.code) == [.manifest, .manifest])
        #expect(errors.map(\.place.file) == ["plugins/reader.plugin.json", "plugins/reader.plugin.json"])
        #expect(errors.map(\.message).contains { $0.hasPrefix("settings: the keyword multipleOf is not checked") })
    }

    @Test func `tell of lookups that cannot be read as asked`() throws {
        let home = try Home(
            """
            sources:
              a:
                plugin: free
                lookups:
                  sites: {file: sites.csv, key: code, value: nam}
                  gone: {file: gone.csv, key: a, value: b}
                  twice: {file: twice.csv, key: a, value: b}
            """)
        try home.write("sites.csv", "code,name\n")
        try home.write("twice.csv", "a,b\n1,x\n1,y\n2\n\"3,z\n")
        #expect(
            home.errors.map(\.description) == [
                "twindrop.yaml:6:20: sources.a.lookups.gone.file: there is no file gone.csv.",
                "sites.csv:1: the header has no column nam; its columns are code, name. Did you mean name?",
                #"twice.csv:3: the key "1" stands on line 2 already. Keep one."#,
                "twice.csv:4: found 1 columns, expected 2 as in the header.",
                "twice.csv:5: the quote that opens here is not closed.",
                "twice.csv:5: found 1 columns, expected 2 as in the header.",
            ])
    }

    @Test(arguments: [
        ("a: {plugin: free, folder: in}\n  b: {plugin: free, folder: in}", "share a folder"),
        (
            #"a: {plugin: free, folder: in, patterns: ["*.csv"]}"# + "\n  "
                + #"b: {plugin: free, folder: in/., patterns: ["x*"]}"#, "share a folder"
        ),
        ("a: {plugin: free, folder: in, recursive: true}\n  b: {plugin: free, folder: in/b}", "inside one another"),
        ("a: {plugin: free, folder: ../dropzone}", "the whole drop zone"),
        ("a: {plugin: free, folder: ../state/spool}", "paths.state are inside one another"),
    ])
    func `refuse folders where two would take one file`(sources: String, words: String) throws {
        let errors = try Home("sources:\n  " + sources).errors
        #expect(errors.map(\.code) == [.overlap])
        #expect(errors.first?.message.contains(words) == true)
    }

    @Test func `see through symbolic links to folders that are one`() throws {
        let home = try Home("sources: {a: {plugin: free, folder: ../real/in}, b: {plugin: free, folder: ../link/in}}")
        try home.write("real/x", "")
        try FileManager.default.createSymbolicLink(atPath: home.path + "/link", withDestinationPath: "real")
        #expect(home.errors.map(\.code) == [.overlap])
    }

    @Test func `are cut when one slip spoils a whole file`() throws {
        let home = try Home("sources: {a: {plugin: mapping, mapping: m.yaml}}")
        let columns = (0..<3000).map { "  - {nam: c\($0)}\n" }.joined()
        try home.write("mappings/m.yaml", "table: t\ncolumns:\n" + columns)
        let errors = home.errors
        #expect(errors.count == 501)
        #expect(errors.last?.message == "5500 more errors are not shown.")
    }

    @Test func `refuse folders of our own that lie in one another`() throws {
        #expect(try Home("paths: {archive: state/archive}").errors.map(\.keyPath) == ["paths.state"])
    }

    @Test func `name hosts, networks and addresses of keys that are none`() throws {
        let texts = try texts(
            """
            http:
              jobs: {hosts: [exports.example, "*.example", "exports.example/path"]}
              jwt: {issuer: i, audience: a, keys: "http://login.example/keys"}
            outbound: {networks: [10.0.0.1/8]}
            """)
        let host = "expected a host: exports.example, exports.example:8443, or http://127.0.0.1:10000 without TLS."
        #expect(
            texts == [
                "twindrop.yaml:2:35: http.jobs.hosts: found *.example, \(host)",
                "twindrop.yaml:2:48: http.jobs.hosts: found exports.example/path, \(host)",
                "twindrop.yaml:3:33: http.jwt.keys: the keys would come over plain http, where others can put theirs in. "
                    + "Use https, or a file.",
                "twindrop.yaml:4:23: outbound.networks: found 10.0.0.1/8, expected a range of addresses: "
                    + "10.0.0.0/8, fd00::/8, 127.0.0.1.",
            ])
    }

    @Test func `say how to make a home where there is none`() {
        #expect(throws: ConfigurationErrors.self) { try Configuration.load(home: "/nowhere/at/all") }
    }
}

@Suite struct `Quantities` {
    @Test(arguments: [("2s", 2000), ("15 m", 900_000), ("365d", 31_536_000_000), ("0ms", 0)] as [(String, Int64)])
    func `are durations in one unit`(text: String, milliseconds: Int64) {
        #expect(Quantity.duration(text) == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "5", "s", "1.5s", "-1s", "1w", "1h30m", "9223372036854775807d", "٣s"])
    func `refuse other durations`(text: String) { #expect(Quantity.duration(text) == nil) }

    @Test(arguments: [("64 MiB", 64 << 20), ("3kB", 3000), ("7", 7), ("0 B", 0)] as [(String, UInt64)])
    func `are sizes in bytes`(text: String, bytes: UInt64) { #expect(Quantity.size(text) == bytes) }

    @Test(arguments: ["", "MiB", "1.5 GiB", "64 mib", "99999999999 TiB", "-1 B"])
    func `refuse other sizes`(text: String) { #expect(Quantity.size(text) == nil) }

    @Test(arguments: [("5%", 0.05), ("0.1 %", 0.001), ("100%", 1), ("0%", 0)] as [(String, Double)])
    func `are shares in per cent`(text: String, share: Double) { #expect(Quantity.share(text) == share) }

    @Test(arguments: ["", "%", "5", "101%", "-1%", "1.2.3%", "nan%"])
    func `refuse other shares`(text: String) { #expect(Quantity.share(text) == nil) }
}
