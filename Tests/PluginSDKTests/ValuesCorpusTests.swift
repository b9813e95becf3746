import Testing
import TwinDropTesting
import TwinModel

/// The mapping plugin against an independent reader in Python (`Readers/values.py`), which also makes the corpus: numbers, dates,
/// times, zones, durations, flags and JSON, each with its mutations. There is no list of allowed differences: both read a cell to
/// the same value, or both refuse it.
@Suite(.enabled(if: PythonReader.isPresent, "needs python3"))
struct `A corpus of values` {
    @Test(arguments: [1, 2, 3, UInt64.random(in: 4...1_000_000)])
    func `is read as an independent reader reads it`(seed: UInt64) throws {
        let groups = try PythonReader.values(seed: seed, cells: 250)
        #expect(groups.count > 80)
        var values = 0
        for group in groups {
            let setting = try #require(group["setting"]).text()
            let cells = try #require(group["cells"]?.elements).map { $0.string ?? "" }
            let expected = try #require(group["values"]?.elements)
            let found = try read(cells, setting)
            #expect(found.count == cells.count, "seed \(seed), \(setting)")
            for (index, (value, wanted)) in zip(found, expected).enumerated() where value.text() != wanted.text() {
                Issue.record("seed \(seed), \(setting): '\(cells[index])' is \(value.text()), to Python \(wanted.text())")
            }
            values += expected.count { $0 != .null }
        }
        #expect(values > 4000, "the corpus must not be all refusals")
    }

    /// What the plugin makes of each cell, in the form of the script: `null` where it refuses.
    private func read(_ cells: [String], _ setting: String) throws -> [JSON] {
        let property = setting.dropLast() + #","column":"v"}"#
        let settings =
            #"{"dialect":{"delimiter":"|","quoting":"none"},"twins":[{"id":"t-{@record}","properties":{"v":\#(property)}}]}"#
        let text = "k|v\n" + cells.map { "1|\($0)\n" }.joined()
        let recording = try PluginLibraries.mapping(settings: settings).transform(Array(text.utf8), name: "x.csv")
        #expect(recording.status == 0 && recording.violations.isEmpty, "\(setting): \(recording.failure ?? "")")
        return try recording.allRecords.map { record in
            guard record.rejection == nil else { return .null }
            return try json(try #require(record.operations.first?["v"]))
        }
    }

    private func json(_ value: RecordedValue) throws -> JSON {
        switch value {
        case .absent: "absent"
        case .bool(let value): ["bool", .bool(value)]
        case .int(let number): ["int", .int(number)]
        case .double(let number): ["double", .int(Int64(bitPattern: number.bitPattern))]
        case .text(let text): ["text", .string(text)]
        case .dateTime(let microseconds, let offset): ["dateTime", .int(microseconds), .int(Int64(offset))]
        case .date(let days): ["date", .int(Int64(days))]
        case .time(let microseconds): ["time", .int(microseconds)]
        case .duration(let months, let microseconds): ["duration", .int(Int64(months)), .int(microseconds)]
        case .json(let text): ["json", Self.tagged(try JSON(parsing: Array(text.utf8), depthMax: 64))]
        }
    }

    /// What a JSON text says to the reader of the store, in the form of the script: two texts of one value are equal, and a
    /// number is what it is read as.
    private static func tagged(_ json: JSON) -> JSON {
        switch json {
        case .int(let number): ["int", .int(number)]
        case .double(let number): ["double", .int(Int64(bitPattern: (number == 0 ? 0 : number).bitPattern))]
        case .array(let elements): ["array", .array(elements.map(tagged))]
        case .object(let members): ["object", .array(members.map { [.string($0.name), tagged($0.value)] })]
        case .null, .bool, .string: json
        }
    }
}

extension PythonReader {
    /// The groups of a corpus; see `Readers/values.py`.
    static func values(seed: UInt64, cells: Int) throws -> [JSON] {
        try output("values.py", "\(seed) \(cells)").split(separator: 0x0A).map { try JSON(parsing: Array($0), depthMax: 256) }
    }
}
