public import CTwinDropPlugin
public import TwinDropPluginSDK

/// The daily inventory of an asset management system: one line per asset, all assets in each file.
///
/// Read this plugin first: it shows everything that a plugin must do. The settings are read and the names interned once, in
/// `init`; `transform` then goes through the file record by record, and keeps nothing of it.
public struct AssetInventory: TransformerPlugin {
    public static let id: StaticString = "asset-inventory"
    public static let version: StaticString = "1.0.0"

    private var dialect = Dialect()
    private let idPrefix: String
    private let statuses: [Bytes]
    private let model: Key
    private let name, category, site, status, lastService: Key

    public init(host: Host) throws(PluginError) {
        let settings = try host.settings()
        try settings.allow(only: ["delimiter", "idPrefix", "model", "statuses"])
        if let value = try settings.optional("delimiter") { dialect.delimiter = try value.string() }
        idPrefix = try settings.optional("idPrefix")?.string() ?? "asset-"
        let words = try settings.optional("statuses")?.words() ?? ["active", "idle", "maintenance", "retired"]
        statuses = words.map { Bytes(kept: $0) }
        model = try host.key(try settings.optional("model")?.string() ?? "dtmi:com:example:Asset;1")
        name = try host.key("name")
        category = try host.key("category")
        site = try host.key("site")
        status = try host.key("status")
        lastService = try host.key("lastService")
    }

    public func probe(name: Bytes, head: Bytes) -> Int {
        head.prefix(9) == "asset_id," ? 90 : 0
    }

    public mutating func transform(_ input: Input, into output: Output) throws(PluginError) {
        var reader = try DelimitedReader(input, dialect: dialect, output: output)
        let columns = try Columns(of: reader)
        var id = ByteScratch()
        while try reader.next() {
            let assetID = reader[columns.id].trimmed
            guard !assetID.isEmpty else {
                output.reject("missing-id", "column 'asset_id' is empty. Give the asset its number.")
                continue
            }
            let state = reader[columns.status].trimmed
            guard statuses.contains(where: { $0 == state }) else {
                output.reject(
                    "unknown-status", "column 'status' is none of the statuses in the settings. Correct it, or add it there.")
                continue
            }
            id.removeAll()
            for byte in idPrefix.utf8 { id.append(byte) }
            id.append(escaped: assetID)
            output.beginTwin(.upsert, id: id.bytes(), model: model)
            output.set(name, to: reader[columns.name])
            output.set(category, to: reader[columns.category])
            output.set(site, to: reader[columns.site])
            output.set(status, to: state)
            guard setDate(reader[columns.lastService].trimmed, output) else { continue }
            try output.end()
        }
    }

    /// Sets the date of the last service; an empty cell removes it. False when the record was rejected.
    private func setDate(_ cell: Bytes, _ output: Output) -> Bool {
        guard !cell.isEmpty else {
            output.unset(lastService)
            return true
        }
        do throws(ValueError) {
            output.set(lastService, to: try cell.isoDate())
            return true
        } catch {
            output.reject(error.code, "column 'last_service' is not a date as yyyy-MM-dd. Correct it, or leave it empty.")
            return false
        }
    }

    /// The places of the columns in this file, whatever their order.
    private struct Columns {
        let id, name, category, site, status, lastService: Int

        init(of reader: borrowing DelimitedReader) throws(PluginError) {
            id = try reader.requiredColumn("asset_id")
            name = try reader.requiredColumn("name")
            category = try reader.requiredColumn("category")
            site = try reader.requiredColumn("site")
            status = try reader.requiredColumn("status")
            lastService = try reader.requiredColumn("last_service")
        }
    }
}

/// The one symbol this library exports.
@_cdecl("twindrop_plugin_v1")
public func twindropPlugin(major: UInt16, minor: UInt16) -> UnsafePointer<td_plugin>? {
    unsafe exportPlugin(AssetInventory.self, major, minor)
}
