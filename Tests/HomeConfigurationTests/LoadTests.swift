import DropCore
import Foundation
import Testing
import TwinModel

@testable import HomeConfiguration

@Suite struct `A configuration` {
    @Test func `that says nothing has every default`() throws {
        let home = try Home()
        let configuration = try home.load()
        #expect(configuration.sources.isEmpty)
        #expect(configuration.paths.dropzone == home.path + "/dropzone")
        #expect(configuration.limits.workers == 4)
        #expect(configuration.log.format == .auto)
        #expect(configuration.retention.receipts == nil)
    }

    @Test func `gives a source what its keys say`() throws {
        let home = try Home(
            """
            sources:
              lifts:
                title: Forklifts
                plugin: reader
                settings: {table: lift, skip: 3, header: [a, b], columns: [{name: no, width: 1.5}]}
                folder: /srv/exports/lifts
                patterns: ["lift-*.csv", "*.txt"]
                recursive: true
                ready: {rule: marker, marker: .ok, settle: 500ms, writer-timeout: 1h, ignore: ["*.bak"]}
                mode: snapshot
                dangling: wait 36h
                guard: {deletes: 0.5%, deletes-free: 0, rejects: 100%, rejects-free: 7}
                scope: {models: ["dtmi:com:example:Lift;1"], twin-prefixes: lift-}
                duplicates: skip-any
                order: name
                limits: {file-size: 3 MB, worker: {cpu: 2m, sandbox: required}}
                lookups: {sites: {file: sites.csv, key: code, value: name, delimiter: ";"}}
            """)
        try home.write("sites.csv", "name;code\r\n\"Ham;burg \"\"Port\"\"\";HAM\r\n\nMünchen;MUC")
        let source = try #require(try home.load().sources.first)
        #expect(source.title == "Forklifts")
        #expect(source.watched.folder == "/srv/exports/lifts")
        #expect(source.watched.patterns == ["lift-*.csv", "*.txt"])
        #expect(source.watched.recursive)
        #expect(source.watched.readiness.kind == .marker)
        #expect(source.watched.readiness.markerSuffix == ".ok")
        #expect(source.watched.readiness.settle == .milliseconds(500))
        #expect(source.watched.readiness.writerTimeout == .seconds(3600))
        #expect(source.watched.readiness.ignore == ["*.bak"])
        #expect(source.watched.fileBytesMax == 3_000_000)
        #expect(source.policy.mode == .snapshot)
        #expect(source.policy.dangling == .wait(.seconds(36 * 3600)))
        #expect(source.policy.deletesShareMax == 0.005)
        #expect(source.policy.rejectsShareMax == 1)
        #expect(source.policy.deletesFree == 0 && source.policy.rejectsFree == 7)
        #expect(source.policy.models == ["dtmi:com:example:Lift;1"])
        #expect(source.policy.twinPrefixes == ["lift-"])
        #expect(source.duplicates == .skipAny && source.order == .name)
        #expect(source.worker.cpu == .seconds(120) && source.worker.sandbox == .required)
        #expect(
            source.settings.text(.canonical)
                == #"{"columns":[{"name":"no","width":1.5}],"header":["a","b"],"skip":3,"table":"lift"}"#)
        #expect(
            source.lookups == [
                LookupTable(
                    name: "sites", rows: [.init(key: "HAM", value: "Ham;burg \"Port\""), .init(key: "MUC", value: "München")])
            ])
    }

    @Test func `hands the limits of all workers down to sources that have none`() throws {
        let home = try Home("limits: {file-size: 1 MiB, worker: {silence: 3s}}\nsources: {a: {plugin: free}}")
        let source = try #require(try home.load().sources.first)
        #expect(source.watched.fileBytesMax == 1 << 20)
        #expect(source.worker.silence == .seconds(3))
    }

    @Test func `takes a mapping file as the settings`() throws {
        let home = try Home("sources: {a: {plugin: mapping, mapping: lifts.yaml}}")
        try home.write("mappings/lifts.yaml", "table: lift\nnames: {no: Nein, code: '0123', zip: 0123}\n")
        let configuration = try home.load()
        #expect(
            configuration.sources[0].settings.text(.canonical)
                == #"{"names":{"code":"0123","no":"Nein","zip":"0123"},"table":"lift"}"#)
        #expect(
            configuration.files.map { ($0 as NSString).lastPathComponent } == [
                "twindrop.yaml", "mapping.plugin.json", "lifts.yaml",
            ])
    }

    @Test func `finds an installed plugin where the home has none`() throws {
        let home = try Home("sources: {a: {plugin: far}}")
        try home.write("elsewhere/far.plugin.json", #"{"id": "far"}"#)
        let configuration = try Configuration.load(home: home.path, installedPlugins: [home.path + "/elsewhere"])
        #expect(configuration.sources[0].manifest.hasSuffix("/elsewhere/far.plugin.json"))
    }

    @Test func `allows one folder for sources whose patterns no name fits together`() throws {
        let home = try Home(
            """
            sources:
              a: {plugin: free, folder: in, patterns: ["a*.csv"]}
              b: {plugin: free, folder: in, patterns: ["b*.csv", "[c-e]*"]}
            """)
        #expect(home.errors == [])
    }

    @Test func `written out as JSON is a configuration that says the same`() throws {
        let home = try Home("sources: {a: {plugin: reader, settings: {table: t}, guard: {deletes: 7%}, dangling: stub}}")
        let first = try home.load()
        try home.write(
            "twindrop.yaml", first.json.text(.pretty).replacingOccurrences(of: #""events": null"#, with: #""events": "e.log""#))
        let second = try home.load()
        #expect(second.sources == first.sources)
        #expect(second.limits == first.limits && second.archive == first.archive && second.retention == first.retention)
    }
}

@Suite struct `The template of init` {
    static func home(_ text: String) throws -> Home {
        let home = try Home(text)
        try home.write("plugins/asset-inventory.plugin.json", #"{"id": "asset-inventory"}"#)
        return home
    }

    @Test func `loads without an error`() throws {
        let configuration = try Self.home(Configuration.template).load()
        #expect(configuration.sources.map(\.name.text) == ["assets"])
    }

    @Test func `shows defaults only in the lines that are switched off`() throws {
        let home = try Self.home(Configuration.template)
        let before = try home.load()
        let switchedOn = Configuration.template.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let body = line.drop { $0 == " " }
            return body.hasPrefix("#") && !body.hasPrefix("# ") ? line.prefix { $0 == " " } + body.dropFirst() : line
        }.joined(separator: "\n")
        try home.write("twindrop.yaml", switchedOn)
        #expect(try home.load() == before)
    }
}
