import Foundation
import Testing

@testable import HomeConfiguration

@Suite struct `The configuration's document` {
    @Test func `has every key of the code, with its type and default, and no other`() throws {
        let documented = try Self.documentedKeys()
        let known = Set(Configuration.keys)
        #expect(known.subtracting(documented).sorted { $0.path < $1.path } == [])
        #expect(documented.subtracting(known).sorted { $0.path < $1.path } == [])
    }

    /// Rows of tables whose first cell is a key.
    private static func documentedKeys() throws -> Set<ConfigurationKey> {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
        var keys: Set<ConfigurationKey> = []
        for line in text.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.replacingOccurrences(of: "\\|", with: "\u{1}").split(separator: "|").map {
                $0.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: "`", with: "")
                    .replacingOccurrences(of: "\u{1}", with: "|")
            }
            try #require(cells.count == 4, "\(line)")
            keys.insert(ConfigurationKey(path: cells[0], type: cells[1], standard: cells[2]))
        }
        return keys
    }
}
