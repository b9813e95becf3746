import Testing

@testable import Evidence

/// Cells of corrected rejects (docs/decisions/0025-amendments.md).
@Suite struct `A cell that came back` {
    private func kind(_ was: String, _ now: String) -> CellDamage.Kind? { CellDamage.kind(Array(was.utf8), Array(now.utf8)) }

    @Test(arguments: [
        ("003", "3"), ("000", "0"), ("007.50", "7.50"), ("-07,5", "-7,5"), ("0049301234", "49301234"), ("003", "3 "),
        ("00.5", "0.5"),
    ])
    func `without its leading zeros is damaged`(was: String, now: String) { #expect(kind(was, now) == .zeros) }

    @Test(arguments: [
        ("12345678901234567890", "1.23457E+19"), ("12345678901234567890", "12345678901234500000"), ("1E5", "100000"),
        ("490301234567", "4,90301E+11"),
    ])
    func `without its last digits is damaged`(was: String, now: String) { #expect(kind(was, now) == .digits) }

    @Test(arguments: [(" a", "a"), ("a", "a "), ("\ta", "a"), (" 003", "003")])
    func `with other blanks around it may be damaged`(was: String, now: String) { #expect(kind(was, now) == .blanks) }

    @Test(arguments: [
        ("1x", "1"), ("3", "003"), ("bad", "4"), ("0.5", "5"), ("00a", "a"), ("12", "1.2E1"), ("", "0"), ("10", "1"), ("0", ""),
    ])
    func `with other words in it was corrected`(was: String, now: String) { #expect(kind(was, now) == nil) }
}
