import Testing
import TwinModel
import ValueRules

@Suite struct `A double` {
    private func double(_ digits: String, _ exponent: Int) -> DecimalNumber.Double64 {
        DecimalNumber(digits: digits.utf8.map { $0 - 0x30 }, exponent: exponent).double
    }

    @Test(arguments: [
        ("1", 0, 1.0), ("9007199254740992", 0, 9007199254740992.0), ("10000000000000001", -17, 0.1), ("1", 23, 1e23),
        ("1000000000000000055511151231257827", -34, 0.1), ("17976931348623157", 292, Double.greatestFiniteMagnitude),
        ("5", -324, Double.leastNonzeroMagnitude), ("49", -325, Double.leastNonzeroMagnitude), ("0000", 12, 0),
        ("30000000000000004", -17, 0.30000000000000004), ("123456789012345", 290, 1.23456789012345e304),
    ])
    func `holds what comes back from it`(digits: String, exponent: Int, value: Double) {
        #expect(double(digits, exponent) == .whole(value))
    }

    @Test(arguments: [
        ("9007199254740993", 0), ("12345678901234567890", 0), ("314159265358979323846", -20), ("1", -400), ("3", -324),
        ("18446744073709551615", 0), ("33333333333333333333", -20), ("10000000000000000001", -20),
    ])
    func `loses the digits of what does not`(digits: String, exponent: Int) {
        guard case .rounded = double(digits, exponent) else {
            Issue.record("\(digits)e\(exponent) is \(double(digits, exponent))")
            return
        }
    }

    @Test func `is too small for the largest numbers`() {
        #expect(double("1", 309) == .tooLarge)
        #expect(double("2", 1_000_000) == .tooLarge)
    }
}

@Suite struct `A JSON text` {
    /// The fault is not asked for.
    private static func accepts(_ text: [UInt8]) -> Bool { (try? JSONText.check(text.span)) != nil }

    @Test(arguments: [
        #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, "1e999", #""\ud800""#, #""\udc00x""#, #""\ud800\u0041""#, "01", "1.", "-",
        "[1,]",
        "{\"a\"}", "nul", "\"\u{1}\"", "[1] x", "12345678901234567890", "0.12345678901234567890", "\"\\x\"", "", " ", "1e-999",
    ])
    func `is refused where its value would be another`(text: String) {
        #expect(!Self.accepts(Array(text.utf8)))
    }

    @Test(arguments: [
        "1", "-0", "1e5", "[[]]", #"{"a":{"a":1},"b":[1.5,null,true]}"#, #""\ud83d\ude00""#, #""\u0000""#, " {} ",
        "9223372036854775807", "-9223372036854775808", "1e22", "100000000000000000000", "0.1",
    ])
    func `is taken where it is one value`(text: String) { #expect(Self.accepts(Array(text.utf8))) }

    /// What the judge of plugins' values takes, the store can read again; and what it refuses beyond the store is digits only.
    @Test(arguments: UInt64(0)..<20)
    func `is judged as the reader of the store judges it`(seed: UInt64) throws {
        var random = Generator(state: seed &* 0x9E37_79B9 &+ 1)
        let seeds = [
            #"{"a":[1,2.5e3,-0.25,"x\n\u00e9",true,null],"b":{"c":"\ud83d\ude00","a":""}}"#, #"[[[[{"k":[]}]]]]"#,
            #"{"n":9223372036854775807,"m":-1e-7,"":0}"#,
        ]
        for round in 0..<2000 {
            var bytes = Array(seeds[Int(random.next() % 3)].utf8)
            for _ in 0...(random.next() % 3) {
                let at = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[at] = Array(#"{}[]":,\u0d8eE+-.1"#.utf8).randomElement(using: &random)!
                case 1: bytes.remove(at: at)
                default: bytes.insert(Array(#"{}[]":,\ud0189"#.utf8).randomElement(using: &random)!, at: at)
                }
                if bytes.isEmpty { bytes = [0x31] }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            var fault = ""
            do throws(JSONTextFault) { try JSONText.check(bytes.span) } catch { fault = error.message }
            let store = try? JSON(parsing: bytes)  // Its message is not asked for.
            // A number of too many digits may be found before a fault that the reader finds behind it.
            let isConsistent = fault.isEmpty ? store != nil : store == nil || fault.contains("more digits")
            #expect(isConsistent, "seed \(seed) round \(round): \(text) \(fault)")
        }
    }

    @Test func `is taken down to 32 levels`() {
        for (depth, isTaken) in [(32, true), (33, false)] {
            let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            #expect(Self.accepts(Array(text.utf8)) == isTaken)
        }
    }
}

@Suite struct `The rules of a time zone` {
    static let berlin =
        "twindrop-zone 1\n3208\n-2422054408 3600\n323830800 7200\n338950800 3600\n<S>-1:0:0<D>-2:0:0,M3.5.0/2:0:0,M10.5.0/3:0:0\n"

    @Test func `are the same after they were written`() throws {
        let zone = try #require(ZoneRules(text: Self.berlin))
        #expect(zone.text == Self.berlin)
    }

    @Test(arguments: [
        "", "twindrop-zone 2\n0\n", "twindrop-zone 1\nx\n", "twindrop-zone 1\n0\n5 0\n5 0\n", "twindrop-zone 1\n0\nQQ\n",
    ])
    func `are refused when they are none`(text: String) { #expect(ZoneRules(text: text) == nil) }

    @Test func `tell the gap, the overlap and all other times`() throws {
        let zone = try #require(ZoneRules(text: Self.berlin))
        let july: Int64 = 1_783_080_000  // 2026-07-03T12:00:00
        #expect(zone.meaning(of: july) == .one(.init(at: july - 7200, offset: 7200)))
        let gap: Int64 = 1_774_751_400  // 2026-03-29T02:30:00
        #expect(
            zone.meaning(of: gap)
                == .gap(earlier: .init(at: gap - 7200, offset: 3600), later: .init(at: gap - 3600, offset: 7200)))
        let overlap: Int64 = 1_792_895_400  // 2026-10-25T02:30:00
        #expect(
            zone.meaning(of: overlap)
                == .overlap(earlier: .init(at: overlap - 7200, offset: 7200), later: .init(at: overlap - 3600, offset: 3600)))
    }

    @Test(arguments: ["../etc/passwd", "/Europe/Berlin", "Europe//Berlin", "", "Europe/Ber lin", "+1", "a/.."])
    func `have no name that leads elsewhere`(name: String) { #expect(!ZoneRules.isName(name)) }

    @Test(arguments: [("Z", 0), ("+01:00", 60), ("-0530", -330), ("UTC", 0)] as [(String, Int32)])
    func `are not needed for an offset`(text: String, minutes: Int32) { #expect(ZoneRules.offsetMinutes(text) == minutes) }

    @Test(arguments: ["+1", "+25:00", "+01:60", "01:00", "+0a00", "+01:0", "+:0100", "z"])
    func `are not replaced by half an offset`(text: String) { #expect(ZoneRules.offsetMinutes(text) == nil) }

    /// Torn data give no rules, and no trap.
    @Test func `are read from whole data only`() {
        var bytes = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15) + [UInt8](repeating: 0xFF, count: 24)
        #expect(ZoneRules(tzif: bytes) == nil)
        for count in 0..<bytes.count { #expect(ZoneRules(tzif: Array(bytes.prefix(count))) == nil) }
        bytes.replaceSubrange(20..<44, with: [UInt8](repeating: 0, count: 24))
        #expect(ZoneRules(tzif: bytes + bytes) == nil)
    }
}

/// SplitMix64: the same numbers for the same seed.
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
