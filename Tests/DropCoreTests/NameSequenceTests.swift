import Testing

@testable import DropCore

/// Which names have a place (docs/decisions/0026-order-and-lateness.md).
@Suite struct `What in a file's name says which delivery it is` {
    private func place(_ name: String, _ sequence: String) throws -> String? {
        try #require(NameSequence(sequence)).place(of: FileName(name))
    }

    @Test(arguments: [
        ("20260228", true), ("20240229", true), ("20000229", true), ("20260230", false), ("20260229", false),
        ("19000229", false), ("20261301", false), ("20260001", false), ("20260100", false), ("00000101", false),
        ("20260431", false), ("20261231", true),
    ])
    func `is a day that exists`(day: String, exists: Bool) throws {
        #expect(try (place("i_\(day).csv", "i_{yyyy}{MM}{dd}.csv") != nil) == exists)
        #expect(try (place("i_x\(day)y.csv", "i_*{yyyy}{MM}{dd}*.csv") != nil) == exists)
    }

    @Test(arguments: [("0229", true), ("0230", false), ("1131", false)])
    func `without a year is a day that some year has`(day: String, exists: Bool) throws {
        #expect(try (place(day, "{MM}{dd}") != nil) == exists)
    }

    @Test(arguments: [("235959", true), ("240000", false), ("006000", false), ("000060", false)])
    func `is a time that exists`(time: String, exists: Bool) throws {
        #expect(try (place(time, "{HH}{mm}{ss}") != nil) == exists)
    }

    @Test func `is a whole number, however many digits it has, or none`() throws {
        let most = String(repeating: "9", count: 18)
        #expect(try place("s\(most).csv", "s{n}*.csv") == most)
        for name in ["s1\(most).csv", "s0\(most)x.csv"] {
            #expect(try place(name, "s{n}*.csv") == nil)
            #expect(try place(name, "*{n}*.csv") == nil)
        }
        #expect(try place("s12x7.csv", "s{n}*.csv")?.hasSuffix("012") == true)
        #expect(try place("s12x7.csv", "*{n}.csv")?.hasSuffix("07") == true)
        #expect(try place("s120260228.csv", "s{n}{yyyy}{MM}{dd}.csv") == "2026-02-28-" + String(repeating: "0", count: 17) + "1")
        #expect(try place("s120.csv", "s{n}0.csv")?.hasSuffix("012") == true)
    }

    @Test(arguments: [
        ("i_20261399.csv", "{MM} is 13, expected 01 to 12, and {dd} is 99, expected 01 to 31"),
        ("i_20260230.csv", "{dd} is 30, expected 01 to 28"), ("i_20240230.csv", "{dd} is 30, expected 01 to 29"),
        ("i_00000101.csv", "{yyyy} is 0000, expected 0001 to 9999"), ("i_20260101.csv", nil), ("i_2026-01-01.csv", nil),
    ])
    func `has a part named that is out of range`(name: String, defect: String?) throws {
        #expect(try #require(NameSequence("i_{yyyy}{MM}{dd}.csv")).defect(of: FileName(name)) == defect)
        #expect(try #require(NameSequence("{n}_*")).defect(of: FileName(name)) == nil)
    }

    @Test func `has a time named that is out of range`() throws {
        let sequence = try #require(NameSequence("{HH}{mm}{ss}"))
        #expect(
            sequence.defect(of: FileName("246061"))
                == "{HH} is 24, expected 00 to 23, and {mm} is 60, expected 00 to 59, and {ss} is 61, expected 00 to 59")
    }
}
