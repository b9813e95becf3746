import Testing
import TwinDropTesting

@Suite struct `The mapping plugin and the structure of a file` {
    private static func map(_ settings: String, _ text: String) throws -> Recording {
        try PluginLibraries.mapping(settings: settings).transform(Array(text.utf8), name: "x.csv")
    }

    private static func scopes(_ recording: Recording) -> [String] {
        recording.entries.compactMap { entry in if case .scope(let name) = entry { name } else { nil } }
    }

    // MARK: - Scope

    static let site = #"{"scope":"{Werk|trim|lower}","where":{"column":"use","equals":"y"},"twins":[{"id":"w-{id}"}]}"#

    @Test func `gives the scope that the records name, with the first that counts`() throws {
        let recording = try Self.map(Self.site, "id,Werk,use\n1,MUC,n\n2,HAM ,y\n3,ham,y\n")
        #expect(recording.violations.isEmpty && recording.status == 0, "\(recording.failure ?? "")")
        #expect(Self.scopes(recording) == ["ham"])
        #expect(recording.twins.map(\.key) == ["w-2", "w-3"])
    }

    @Test func `refuses a file of two scopes, with both records`() throws {
        let recording = try Self.map(Self.site, "id,Werk,use\n1,HAM,y\n2,HAM,y\n3,MUC,y\n")
        #expect(recording.status == 1)
        #expect(recording.failure?.contains("Record 3 gives another scope than record 1, by '{Werk|trim|lower}'. ") == true)
        #expect(recording.failure?.contains("MUC") == false)
    }

    @Test func `rejects a record without a scope or with one that cannot be, and gives it with the next`() throws {
        let recording = try Self.map(Self.site, "id,Werk,use\n1,,y\n2,\u{1}no record,y\n3,HAM,y\n")
        #expect(recording.violations.isEmpty && recording.status == 0, "\(recording.violations)")
        #expect(recording.rejectionCodes == ["missing-scope", "bad-scope"])
        #expect(Self.scopes(recording) == ["ham"])
    }

    @Test(arguments: ["id,Werk,use\n", "id,Werk,use\n1,HAM,n\n", "id,Werk,use\n1,,y\n"])
    func `names no part of the source where no record does`(text: String) throws {
        let scopes = Self.scopes(try Self.map(Self.site, text))
        #expect(scopes.count == 1)
        #expect(scopes.first?.hasPrefix("\u{1}") == true)
    }

    @Test func `gives a scope without insertions for every file`() throws {
        #expect(Self.scopes(try Self.map(#"{"scope":"{{Werk}}","twins":[{"id":"{id}"}]}"#, "id\n")) == ["{Werk}"])
    }

    @Test(arguments: [#"{Werk"#, "{@record}", "{Werk|loud}"])
    func `refuses a scope that no file has`(scope: String) throws {
        let error = #expect(throws: HarnessError.self) {
            try PluginLibraries.mapping(settings: #"{"scope":"\#(scope)","twins":[{"id":"{id}"}]}"#)
        }
        #expect(error?.message.contains("scope: ") == true, "\(error?.message ?? "")")
    }

    // MARK: - Ids

    @Test(arguments: [
        (#"{"id":"{a}-{b}"}"#, "x-y,z\nx,y-z\n", ["x-y-z"], ["id-collision"]),
        (#"{"id":"{a}-{b}"}"#, "x-y,z\nx-y,z\n", ["x-y-z", "x-y-z"], []),
        (#"{"id":"{a}-{b}","escape":"separate"}"#, "x-y,z\nx,y-z\n", ["x%2Dy-z", "x-y-z"], []),
        (#"{"id":"{a}--{b}","escape":"separate"}"#, "x-,z\nx,-z\n", ["x%2D--z", "x---z"], []),
        (#"{"id":"{a}{b}"}"#, "1,11\n11,1\n", ["111"], ["id-collision"]),
        (#"{"id":"{a|lower}-{b}"}"#, "HAM,1\nham,1\n", ["ham-1", "ham-1"], []),
        (#"{"id":"{a}/{b}","escape":"none"}"#, "x/y,z\nx,y/z\n", ["x/y/z"], ["id-collision"]),
        (#"{"id":"{a}"}"#, "\"\u{FEFF}1\",z\n", [], ["byte-order-mark"]),
        (#"{"id":"{a}","escape":"none"}"#, "x\u{FEFF},z\n", [], ["byte-order-mark"]),
    ])
    func `gives different cells different ids, or rejects the second`(
        twin: String, rows: String, ids: [String], rejected: [String]
    )
        throws
    {
        let recording = try Self.map(#"{"twins":[\#(twin)]}"#, "a,b\n" + rows)
        #expect(recording.twins.map(\.key) == ids)
        #expect(recording.rejectionCodes == rejected)
    }

    @Test func `compares ids of a relationship within its source only`() throws {
        let settings = #"{"relationships":[{"source":"s-{s}","name":"to","target":"t-{a}","id":"{a}{b}"}]}"#
        let recording = try Self.map(settings, "s,a,b\n1,1,11\n2,11,1\n1,11,1\n")
        #expect(recording.rejectionCodes == ["id-collision"])
        #expect(recording.allOperations.count == 2)
    }

    @Test func `refuses a template whose cells cannot be kept apart`() throws {
        for id in ["{a}{b}", "{a}0{b}", "{a}%{b}"] {
            let error = #expect(throws: HarnessError.self) {
                try PluginLibraries.mapping(settings: #"{"twins":[{"id":"\#(id)","escape":"separate"}]}"#)
            }
            #expect(error?.message.contains("needs a character between two insertions") == true)
        }
    }

    // MARK: - Names

    @Test(arguments: ["$dtId", "$etag", "$metadata", "names/{locale}", "a/b/c", "a b", "1a", "a_", "a-b", "", "grün", "/a"])
    func `refuses a property that DTDL does not let be`(name: String) throws {
        let error = #expect(throws: HarnessError.self) {
            try PluginLibraries.mapping(settings: #"{"twins":[{"id":"a","properties":{"\#(name)":"k"}}]}"#)
        }
        #expect(error?.message.contains("'\(name)' is no name of a property.") == true, "\(error?.message ?? "")")
    }

    @Test func `takes names as DTDL has them`() throws {
        let settings =
            #"{"twins":[{"id":"{k}","model":"dtmi:com:example:_x:A;1","properties":{"a1_B":"k","part/name":"k"}}],"#
            + #""relationships":[{"source":"a","name":"is_in","target":"{k}"}]}"#
        #expect(try Self.map(settings, "k\n1\n").status == 0)
        for (key, value) in [("model", "Thing"), ("model", "dtmi:a b;1"), ("name", "$is"), ("name", "a/b")] {
            let settings =
                key == "model"
                ? #"{"twins":[{"id":"a","model":"\#(value)"}]}"#
                : #"{"relationships":[{"source":"a","name":"\#(value)","target":"b"}]}"#
            #expect(throws: HarnessError.self) { try PluginLibraries.mapping(settings: settings) }
        }
    }

    // MARK: - Columns

    @Test(arguments: [
        ("id,name\u{A0}\n", "Column 2 is another only by what cannot be seen: U+00A0 (no-break space)"),
        ("id,na\u{200B}me\n", "U+200B (zero width space)"), ("id,Name\n", "Column 2 is another only in case"),
        ("id;name;x\n", #"Cut at semicolons they would have it: set dialect.delimiter: ";""#),
        ("id\tname\n", "set dialect.delimiter: tab"), ("{\"id\":1}\n", "The file is a JSON text"),
    ])
    func `says what stands in the way of a column`(text: String, words: String) throws {
        let recording = try Self.map(#"{"twins":[{"id":"{name}"}]}"#, text)
        #expect(recording.status == 1)
        #expect(recording.failure?.contains(words) == true, "\(recording.failure ?? "")")
    }

    @Test func `tells names apart that are put together from other letters`() throws {
        let recording = try Self.map(#"{"twins":[{"id":"{n\u00e4me}"}]}"#, "id,na\u{308}me\n1,2\n")
        #expect(recording.failure?.contains("U+006E U+0061 U+0308 U+006D U+0065 there, U+006E U+00E4") == true)
    }

    @Test(arguments: [
        (##"{"twins":[{"id":"{#3}"}]}"##, "a,b\n1,2\n", "The file has 2 columns; the mapping reads #3."),
        (
            ##"{"dialect":{"header":false},"twins":[{"id":"{#2}"}]}"##, "a;b\nc;d\n",
            "The first record has 1 cell; the mapping reads #2."
        ),
        (#"{"missingColumns":"empty","twins":[{"id":"{x}"}]}"#, "a,b\n1,2\n", "The file has no column 'x'."),
    ])
    func `refuses a file without its columns`(settings: String, text: String, words: String) throws {
        let recording = try Self.map(settings, text)
        #expect(recording.status == 1)
        #expect(recording.failure?.contains(words) == true, "\(recording.failure ?? "")")
    }

    // MARK: - Sample plugins

    @Test func `has neighbours that escape ids, too`() throws {
        let orders = try PluginHarness(library: PluginLibraries.path("wms-orders")).transform(
            Array(
                ("forklift_id,battery_pct,order_id,priority,quantity,from_bin,to_bin,assigned_at\n"
                    + "F 1/ä,80,47 11,1,5,A,B,2026-11-21T10:00:00Z\n").utf8), name: "x.csv")
        #expect(orders.twins.map(\.key) == ["forklift-F%201%2F%C3%A4", "order-47%2011"])
        let fleet = try PluginHarness(library: PluginLibraries.path("fleet-hierarchy")).transform(
            Array(
                ("company_id,company_name,depot_id,depot_name,vehicle_id,vehicle_name,vehicle_type\n"
                    + "C1,Co,D1,Dep,V1,Van,van\nC2,Other,D1,Dep,V2,Van,van\nC1,Else,D2,Dep,V3,Van,van\n").utf8), name: "x.csv")
        #expect(fleet.rejectionCodes == ["second-parent", "second-name"])
        #expect(fleet.violations.isEmpty)
    }
}
