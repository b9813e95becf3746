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
}
