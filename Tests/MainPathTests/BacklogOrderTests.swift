import Foundation
import Testing
import TwinModel

/// Files of one source that lie in its folder when it is looked at: whatever the folder lists first, the oldest is taken first.
@Suite(.serialized) struct `Files that wait together` {
    @Test(arguments: ["arrival", "none"])
    func `are taken in the order in which they came`(order: String) throws {
        let home = try Home(
            """
            sources:
              assets:
                plugin: asset-inventory
                order: \(order)
                ready: {rule: stable, settle: 100ms}

            """)
        #expect(try home.run("run", "--once").code == 0)
        let names = ["m", "z", "a", "t", "c", "x", "b", "k"].map { $0 + ".csv" }
        for (index, name) in names.enumerated() {
            try home.write("dropzone/assets/" + name, Sample.assets(1...(index + 1)))
            Thread.sleep(forTimeInterval: 0.03)
        }
        #expect(try home.run("run", "--once").code == 0)
        let taken = try home.list("drops").sorted { ($0["drop"]?.string ?? "") < ($1["drop"]?.string ?? "") }
        #expect(taken.compactMap { $0["file"]?.string } == names)
    }

    /// More than a scan reads at once, and more than are delivered together: 14 times 50 files, those that come first with the
    /// last names.
    @Test(arguments: ["arrival", "none", "name"])
    func `are taken in their order, however many there are`(order: String) throws {
        let home = try Home(
            """
            sources:
              assets:
                plugin: asset-inventory
                order: \(order)
                ready: {rule: stable, settle: 100ms}

            """)
        #expect(try home.run("run", "--once").code == 0)
        var names: [String] = []
        for group in 0..<14 {
            for index in 0..<50 {
                names.append(String(format: "%02d-%02d.csv", 13 - group, index))
                let number = names.count - 1
                let day = String(format: "%04d-%02d-%02d", 2000 + number / 336, number / 28 % 12 + 1, number % 28 + 1)
                try home.write("dropzone/assets/" + names[number], Sample.assetHeader + Sample.asset(1, service: day))
            }
            Thread.sleep(forTimeInterval: 0.03)
        }
        #expect(try home.run("run", "--once").code == 0)
        let taken = try home.list("drops", "--limit", "1000").sorted { ($0["drop"]?.string ?? "") < ($1["drop"]?.string ?? "") }
        #expect(taken.compactMap { $0["file"]?.string } == (order == "name" ? names.sorted() : names))
        #expect(taken.allSatisfy { $0["outcome"]?.string == "applied" })
    }
}
