import Testing

@testable import HomeReports

@Suite struct `A time that a person wrote` {
    @Test(
        arguments: [
            ("1970-01-01T00:00:01Z", 1000), ("1970-01-01T01:00:01+01:00", 1000), ("1970-01-01 00:00:01.25", 1250),
            ("1970-01-02T00:00-02:30", 86_400_000 + 9_000_000),
        ] as [(String, UInt64)])
    func `is read with its offset`(text: String, milliseconds: UInt64) {
        #expect(Times.read(text)?.first == milliseconds)
        #expect(Times.read(text)?.last == milliseconds)
    }

    @Test func `may be a whole day`() {
        #expect(Times.read("1970-01-02")?.first == 86_400_000)
        #expect(Times.read("1970-01-02")?.last == 2 * 86_400_000 - 1)
    }

    @Test(arguments: [
        "", "1970", "1970-01", "1970-02-30", "1970-01-01T", "1970-01-01T24:00", "1970-01-01T00:60", "1970-01-01T00:00:00.",
        "1970-01-01T00:00+1", "1970-01-01T00:00Zx", "1969-12-31T23:59:59Z",
    ])
    func `is refused where half of it is missing or wrong`(text: String) { #expect(Times.read(text) == nil) }

    @Test func `comes back as it is shown`() {
        let time: UInt64 = 1_795_000_000_123
        #expect(Times.read(Times.text(time))?.first == time)
    }

    @Test(
        arguments: [
            (0, "now"), (1000, "1 s ago"), (119_000, "119 s ago"), (120_000, "2 min ago"), (7_200_000, "2 h ago"),
            (172_800_000, "2 d ago"),
        ] as [(UInt64, String)])
    func `is told as a distance`(age: UInt64, text: String) {
        #expect(Times.distance(1_000_000_000, now: 1_000_000_000 + age) == text)
    }
}
