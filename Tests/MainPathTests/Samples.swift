/// Configurations and exports the tests share. Sources take a file when it is renamed into place, so that no test waits.
enum Sample {
    /// `assets` (increments), `orders`, `fleet` and `doors`, each with its plugin.
    static let sources = """
        sources:
          assets:
            plugin: asset-inventory
            ready: {rule: rename}
          orders:
            plugin: wms-orders
            ready: {rule: rename}
          fleet:
            plugin: fleet-hierarchy
            ready: {rule: rename}
          doors:
            plugin: door-counter
            ready: {rule: rename}

        """

    /// One source `assets` with more keys, given as flow text: `mode: snapshot`.
    static func assetsSource(_ keys: String...) -> String { assetsSource(keys) }

    static func assetsSource(_ keys: [String]) -> String {
        "sources:\n  assets:\n    plugin: asset-inventory\n    ready: {rule: rename}\n" + keys.map { "    \($0)\n" }.joined()
    }

    static let assetHeader = "asset_id,name,category,site,status,last_service\n"

    static func asset(_ number: Int, status: String = "active", site: String = "HAM1", service: String = "2026-10-02") -> String {
        "FL-\(number),Forklift \(number),forklift,\(site),\(status),\(service)\n"
    }

    /// A register of assets, one a line.
    static func assets(_ numbers: ClosedRange<Int>, status: String = "active", site: String = "HAM1") -> String {
        assetHeader + numbers.map { asset($0, status: status, site: site) }.joined()
    }

    static let orderHeader = "forklift_id,battery_pct,order_id,priority,from_bin,to_bin,quantity,assigned_at\n"

    static func order(_ forklift: Int, battery: Int, order: Int?) -> String {
        guard let order else { return "FL-\(forklift),\(battery),,,,,,\n" }
        return "FL-\(forklift),\(battery),\(order),2,A-01-03,DOCK-2,12,2026-11-21T08:50:00+01:00\n"
    }

    static let fleet = """
        company_id,company_name,depot_id,depot_name,vehicle_id,vehicle_name,vehicle_type
        C1,Nordfracht,D1,Hamburg,V100,Truck 100,truck
        C1,Nordfracht,D1,Hamburg,V101,Truck 101,truck
        C1,Nordfracht,D2,Bremen,V200,Van 200,van

        """

    /// Doors, each related to the building `HQ-EAST`, which no file of theirs makes.
    static let doors = """
        H20261120HQ-EAST
        DMAIN    20261120060000000012000007+0215O
        DNORTH   20261120060000000000000000-0035C
        T000002

        """
}
