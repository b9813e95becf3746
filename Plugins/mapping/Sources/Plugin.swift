public import CTwinDropPlugin
public import TwinDropPluginSDK

/// Maps delimited text to twins and relationships by settings alone; README.md describes them.
public struct MappingPlugin: TransformerPlugin {
    public static let id: StaticString = "mapping"
    public static let version: StaticString = "1.0.0"

    private let plan: MappingPlan
    private let host: Host

    public init(host: Host) throws(PluginError) {
        self.host = host
        plan = try MappingReader.plan(try host.settings(), host: host)
    }

    /// Only a source that says which files it is for (`files`) competes for files without a source.
    public func probe(name: Bytes, head: Bytes) -> Int {
        plan.nameMatches.contains { $0.matches(name) } ? 80 : 0
    }

    public mutating func transform(_ input: Input, into output: Output) throws(PluginError) {
        var reader = try DelimitedReader(input, dialect: plan.dialect, output: output)
        let places = try plan.columns.places(in: reader, allowingMissing: plan.allowsMissingColumns)
        if let scope = plan.scope { output.scope(scope) }
        var mapper = RowMapper(plan: plan, places: places, host: host, output: output)
        guard try reader.next() else { return mapper.finish() }
        if reader.columns.isEmpty, !plan.allowsMissingColumns, plan.dialect.ragged == .reject || plan.dialect.ragged == .fail {
            try plan.columns.check(cells: reader.fieldCount)
        }
        repeat { try mapper.map(reader) } while try reader.next()
        mapper.finish()
    }
}

/// The one symbol this library exports.
@_cdecl("twindrop_plugin_v1")
public func twindropPlugin(major: UInt16, minor: UInt16) -> UnsafePointer<td_plugin>? {
    unsafe exportPlugin(MappingPlugin.self, major, minor)
}
