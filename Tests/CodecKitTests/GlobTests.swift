import CodecKit
import Testing

@Suite struct `A name pattern` {
    @Test(arguments: [
        ("*.csv", "orders.csv"), ("*ab", "xxaab"), ("*", ""), ("a*b*c", "a-b-b-c"), ("~*", "~lock"),
        ("orders-????.csv", "orders-2026.csv"),
        ("[a-c]x", "bx"), ("[!a-c]x", "dx"), ("[^a-c]x", "dx"), (#"\*x"#, "*x"), ("[", "["), ("*.tar.*", "x.tar.zst"),
        ("[]a]", "]"), ("[a-]", "-"), ("[c-a]", "b"), (#"a\"#, #"a\"#), ("?", "\u{7F}"), ("[!a]", "b"),
    ])
    func `matches`(pattern: String, name: String) { #expect(Glob(pattern).matches(Array(name.utf8))) }

    @Test(arguments: [
        ("*.csv", "a.CSV"), ("?", ""), ("a*b", "abc"), ("[a-c]x", "dx"), ("", "x"), ("é", "e\u{301}"), ("?", "é"), ("[!a]", "a"),
    ])
    func `does not match`(pattern: String, name: String) { #expect(!Glob(pattern).matches(Array(name.utf8))) }

    @Test func `takes no more than name times pattern steps`() {
        let name = [UInt8](repeating: UInt8(ascii: "a"), count: 255)
        let pattern = Glob(String(repeating: "*a", count: 100) + "b")
        let before = ContinuousClock.now
        for _ in 0..<100 { #expect(!pattern.matches(name)) }
        #expect(ContinuousClock.now - before < .seconds(5))
    }

    @Test(arguments: [
        ("*.csv", "a*", true), ("a*", "b*", false), ("*a", "b*", true), ("[a-c]?", "c[!x]", true), ("[!a]", "a", false),
        ("??", "?", false), ("*x*", "*y*", true), ("a*b*c", "abd", false), (#"\*"#, "a", false),
    ])
    func `overlaps another when one name fits both`(left: String, right: String, expected: Bool) throws {
        let (left, right) = (try #require(Glob(checking: left)), try #require(Glob(checking: right)))
        #expect(left.overlaps(right) == expected)
        #expect(right.overlaps(left) == expected)
    }

    @Test func `overlaps another exactly where a short name fits both`() {
        let patterns = ["", "a", "b", "?", "*", "a*", "*b", "[ab]", "[!a]", "a?", "?b", "*a*", "ab", "[!ab]*"]
        let letters = ["", "a", "b", "c"]
        let names = Set(letters.flatMap { one in letters.flatMap { two in letters.map { one + two + $0 } } })
        for left in patterns.map({ Glob($0) }) {
            for right in patterns.map({ Glob($0) }) {
                let both = names.contains { left.matches(Array($0.utf8)) && right.matches(Array($0.utf8)) }
                #expect(left.overlaps(right) == both, "\(left.text) and \(right.text)")
            }
        }
    }

    @Test(arguments: ["", "a/b", "[a", "[z-a]", "a\\", "[]", "[!]", String(repeating: "a", count: 256)])
    func `is refused where it is checked and none`(text: String) { #expect(Glob(checking: text) == nil) }

    @Test(arguments: ["*", "a.csv", "[]a]", "[a-]", #"\["#, String(repeating: "a", count: 255)])
    func `is taken where it is checked and one`(text: String) { #expect(Glob(checking: text)?.text == text) }
}
