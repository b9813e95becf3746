public import CTwinDropPlugin
public import TwinDropPluginSDK

/// What each forklift of a warehouse works on now: a file every ten minutes, one line per forklift.
///
/// The order becomes a relationship `currentOrder` from forklift to order. Its id is always `current-order`, so that a new order
/// moves the relationship instead of adding one; a forklift without an order removes it.
public struct WMSOrders: TransformerPlugin {
    public static let id: StaticString = "wms-orders"
    public static let version: StaticString = "1.0.0"

    private var dialect = Dialect()
    private let names: Names
    private let pattern: DatePattern
    private let zone: Zone
    private let relationshipID = Bytes("current-order")

    public init(host: Host) throws(PluginError) {
        let settings = try host.settings()
        try settings.allow(only: ["delimiter", "forkliftModel", "orderModel", "timeFormat", "zone", "offsetMinutes"])
        if let value = try settings.optional("delimiter") { dialect.delimiter = try value.string() }
        names = try Names(host, settings)
        let format = try settings.optional("timeFormat")
        do throws(PluginError) {
            pattern = try DatePattern(try format?.string() ?? "yyyy-MM-dd'T'HH:mm:ss[.S][XXX]", need: .dateTime)
        } catch { throw format?.error(error.message) ?? error }
        let offset = try settings.optional("offsetMinutes")
        if let name = try settings.optional("zone") {
            if let offset { throw offset.error("and zone are both given. Keep zone.") }
            do throws(PluginError) { zone = try host.zone(try name.string()) } catch { throw name.error(error.message) }
        } else {
            zone = Zone(offsetMinutes: Int32(try offset?.int(in: -1439...1439) ?? 0))
        }
    }

    public func probe(name: Bytes, head: Bytes) -> Int {
        head.prefix(12) == "forklift_id," ? 90 : 0
    }

    public mutating func transform(_ input: Input, into output: Output) throws(PluginError) {
        var reader = try DelimitedReader(input, dialect: dialect, output: output)
        let columns = try Columns(of: reader)
        var forklift = ByteScratch()
        var order = ByteScratch()
        while try reader.next() {
            guard !reader[columns.forklift].isEmpty else {
                output.reject("missing-id", "column 'forklift_id' is empty. Say which forklift it is.")
                continue
            }
            forklift.removeAll()
            forklift.append(Bytes("forklift-"))
            forklift.append(escaped: reader[columns.forklift])
            order.removeAll()
            order.append(Bytes("order-"))
            order.append(escaped: reader[columns.order])
            guard let work = work(reader, columns, output) else { continue }
            try give(work, forklift.bytes(), order.bytes(), output)
        }
    }

    /// Reads every value of a record before it gives any operation; nil when the record was rejected.
    private func work(_ reader: borrowing DelimitedReader, _ columns: Columns, _ output: Output) -> Work? {
        do throws(CellError) {
            return try Work(reader, columns, pattern, zone)
        } catch {
            let message = error.reason.message("column '\(reader.columns[error.column])'", reader[error.column])
            output.reject(error.reason.code, "\(message) Correct the cell.")
            return nil
        }
    }

    /// Gives the operations of one forklift.
    private func give(_ work: Work, _ forklift: Bytes, _ order: Bytes, _ output: Output) throws(PluginError) {
        output.beginTwin(.upsert, id: forklift, model: names.forkliftModel)
        if let battery = work.battery { output.set(names.battery, to: battery) } else { output.unset(names.battery) }
        try output.end()
        guard work.hasOrder else {
            output.beginRelationship(.delete, from: forklift, name: names.currentOrder, to: .empty, id: relationshipID)
            return try output.end()
        }
        output.beginTwin(.upsert, id: order, model: names.orderModel)
        output.set(names.quantity, to: work.quantity)
        output.set(names.priority, to: work.priority)
        try output.end()
        output.beginRelationship(.upsert, from: forklift, name: names.currentOrder, to: order, id: relationshipID)
        output.set(names.fromBin, to: work.fromBin)
        output.set(names.toBin, to: work.toBin)
        output.set(names.assignedAt, to: work.assignedAt)
        try output.end()
    }
}

/// The names this plugin uses, interned once.
private struct Names {
    let forkliftModel, orderModel: Key
    let currentOrder: Key
    let battery, quantity, priority: Key
    let fromBin, toBin, assignedAt: Key

    init(_ host: Host, _ settings: SettingsValue) throws(PluginError) {
        forkliftModel = try host.key(try settings.optional("forkliftModel")?.string() ?? "dtmi:com:example:Forklift;1")
        orderModel = try host.key(try settings.optional("orderModel")?.string() ?? "dtmi:com:example:Order;1")
        currentOrder = try host.key("currentOrder")
        battery = try host.key("batteryPercent")
        quantity = try host.key("quantity")
        priority = try host.key("priority")
        fromBin = try host.key("fromBin")
        toBin = try host.key("toBin")
        assignedAt = try host.key("assignedAt")
    }
}

/// The places of the columns in this file.
private struct Columns {
    let forklift, battery, order, priority, fromBin, toBin, quantity, assignedAt: Int

    init(of reader: borrowing DelimitedReader) throws(PluginError) {
        forklift = try reader.requiredColumn("forklift_id")
        battery = try reader.requiredColumn("battery_pct")
        order = try reader.requiredColumn("order_id")
        priority = try reader.requiredColumn("priority")
        fromBin = try reader.requiredColumn("from_bin")
        toBin = try reader.requiredColumn("to_bin")
        quantity = try reader.requiredColumn("quantity")
        assignedAt = try reader.requiredColumn("assigned_at")
    }
}

/// What one forklift does, read from one record.
private struct Work {
    let battery: Int64?
    let hasOrder: Bool
    var priority: Int64 = 0
    var quantity = 0.0
    var fromBin = Bytes.empty
    var toBin = Bytes.empty
    var assignedAt = Timestamp(microseconds: 0, offsetMinutes: 0)

    init(
        _ reader: borrowing DelimitedReader, _ columns: Columns, _ pattern: DatePattern, _ zone: Zone
    ) throws(CellError) {
        let batteryCell = reader[columns.battery]
        battery = batteryCell.isEmpty ? nil : try read(columns.battery) { () throws(ValueError) in try batteryCell.int64() }
        hasOrder = !reader[columns.order].isEmpty
        guard hasOrder else { return }
        let (priorityCell, quantityCell, timeCell) = (
            reader[columns.priority], reader[columns.quantity], reader[columns.assignedAt]
        )
        priority = try read(columns.priority) { () throws(ValueError) in try priorityCell.int64() }
        quantity = try read(columns.quantity) { () throws(ValueError) in try quantityCell.double() }
        assignedAt = try read(columns.assignedAt) { () throws(ValueError) in
            try pattern.timestamp(timeCell, zone: zone)
        }
        fromBin = reader[columns.fromBin]
        toBin = reader[columns.toBin]
    }
}

/// A cell with a wrong value.
private struct CellError: Error {
    let column: Int
    let reason: ValueError
}

/// Reads a cell with `body`, so that its error names the column.
private func read<Value>(_ column: Int, _ body: () throws(ValueError) -> Value) throws(CellError) -> Value {
    do throws(ValueError) { return try body() } catch { throw CellError(column: column, reason: error) }
}

/// The one symbol this library exports.
@_cdecl("twindrop_plugin_v1")
public func twindropPlugin(major: UInt16, minor: UInt16) -> UnsafePointer<td_plugin>? {
    unsafe exportPlugin(WMSOrders.self, major, minor)
}
