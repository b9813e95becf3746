public import CTwinDropPlugin
public import TwinDropPluginSDK

/// A fleet as a tree: companies contain depots, depots contain vehicles. One line per vehicle, or per depot without vehicles.
///
/// Each line repeats the names of its company and depot; they are given once per file. The file is a snapshot: a vehicle that
/// moved is listed only below its new depot, and the old relationship is deleted because the file does not list it any more.
public struct FleetHierarchy: TransformerPlugin {
    public static let id: StaticString = "fleet-hierarchy"
    public static let version: StaticString = "1.0.0"

    /// There are few companies and depots; a file with more is not of this kind.
    private static let placesMax = 1_000_000

    private var dialect = Dialect()
    private let companyModel, depotModel, vehicleModel: Key
    private let contains, name, type: Key

    public init(host: Host) throws(PluginError) {
        let settings = try host.settings()
        try settings.allow(only: ["delimiter", "companyModel", "depotModel", "vehicleModel"])
        if let value = try settings.optional("delimiter") { dialect.delimiter = try value.string() }
        companyModel = try host.key(try settings.optional("companyModel")?.string() ?? "dtmi:com:example:Company;1")
        depotModel = try host.key(try settings.optional("depotModel")?.string() ?? "dtmi:com:example:Depot;1")
        vehicleModel = try host.key(try settings.optional("vehicleModel")?.string() ?? "dtmi:com:example:Vehicle;1")
        contains = try host.key("contains")
        name = try host.key("name")
        type = try host.key("vehicleType")
    }

    public func probe(name: Bytes, head: Bytes) -> Int {
        head.prefix(11) == "company_id," ? 90 : 0
    }

    public mutating func transform(_ input: Input, into output: Output) throws(PluginError) {
        var reader = try DelimitedReader(input, dialect: dialect, output: output)
        let columns = try Columns(of: reader)
        var given: [[UInt8]: Place] = [:]
        var company = ByteScratch()
        var depot = ByteScratch()
        var vehicle = ByteScratch()
        while try reader.next() {
            guard !reader[columns.company].isEmpty, !reader[columns.depot].isEmpty else {
                output.reject("missing-id", "'company_id' or 'depot_id' is empty. Say where in the tree the line belongs.")
                continue
            }
            compose("company-", reader[columns.company], into: &company)
            compose("depot-", reader[columns.depot], into: &depot)
            let companyPlace = Place(name: reader[columns.companyName].array, parent: [])
            let depotPlace = Place(name: reader[columns.depotName].array, parent: company.bytes().array)
            guard agrees(given[company.bytes().array], companyPlace, "company", output),
                agrees(given[depot.bytes().array], depotPlace, "depot", output)
            else { continue }
            if given.updateValue(companyPlace, forKey: company.bytes().array) == nil {
                output.beginTwin(.upsert, id: company.bytes(), model: companyModel)
                output.set(name, to: reader[columns.companyName])
                try output.end()
            }
            if given.updateValue(depotPlace, forKey: depot.bytes().array) == nil {
                output.beginTwin(.upsert, id: depot.bytes(), model: depotModel)
                output.set(name, to: reader[columns.depotName])
                try output.end()
                output.beginRelationship(.upsert, from: company.bytes(), name: contains, to: depot.bytes())
                try output.end()
            }
            guard given.count <= Self.placesMax else {
                throw PluginError(.limit, "More than \(Self.placesMax) companies and depots. Is this another kind of file?")
            }
            guard !reader[columns.vehicle].isEmpty else { continue }
            compose("vehicle-", reader[columns.vehicle], into: &vehicle)
            output.beginTwin(.upsert, id: vehicle.bytes(), model: vehicleModel)
            output.set(name, to: reader[columns.vehicleName])
            output.set(type, to: reader[columns.vehicleType])
            try output.end()
            output.beginRelationship(.upsert, from: depot.bytes(), name: contains, to: vehicle.bytes())
            try output.end()
        }
    }

    /// What a file says about a company or depot. It must say the same each time.
    private struct Place {
        let name: [UInt8]
        /// The id of the company; empty for a company.
        let parent: [UInt8]
    }

    /// Whether a line says the same about a place as an earlier line; false when the record was rejected.
    private func agrees(_ earlier: Place?, _ now: Place, _ kind: StaticString, _ output: Output) -> Bool {
        guard let earlier else { return true }
        let kind = Bytes(kind).text
        guard earlier.parent == now.parent else {
            output.reject(
                "second-parent",
                "'\(kind)_id' stands below another company in an earlier line. A \(kind) has one parent: correct it.")
            return false
        }
        guard earlier.name == now.name else {
            output.reject(
                "second-name", "'\(kind)_name' is another than in an earlier line of this \(kind). Correct one of them.")
            return false
        }
        return true
    }

    private func compose(_ prefix: StaticString, _ cell: Bytes, into id: inout ByteScratch) {
        id.removeAll()
        id.append(Bytes(prefix))
        id.append(escaped: cell)
    }

    /// The places of the columns in this file.
    private struct Columns {
        let company, companyName, depot, depotName, vehicle, vehicleName, vehicleType: Int

        init(of reader: borrowing DelimitedReader) throws(PluginError) {
            company = try reader.requiredColumn("company_id")
            companyName = try reader.requiredColumn("company_name")
            depot = try reader.requiredColumn("depot_id")
            depotName = try reader.requiredColumn("depot_name")
            vehicle = try reader.requiredColumn("vehicle_id")
            vehicleName = try reader.requiredColumn("vehicle_name")
            vehicleType = try reader.requiredColumn("vehicle_type")
        }
    }
}

/// The one symbol this library exports.
@_cdecl("twindrop_plugin_v1")
public func twindropPlugin(major: UInt16, minor: UInt16) -> UnsafePointer<td_plugin>? {
    unsafe exportPlugin(FleetHierarchy.self, major, minor)
}
