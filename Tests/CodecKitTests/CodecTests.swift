import CodecKit
import Testing

@Suite struct `Hexadecimal digits` {
    @Test(arguments: [("", ""), ("f", "66"), ("fo", "666f"), ("foobar", "666f6f626172")])
    func `are those of RFC 4648`(plain: String, digits: String) {
        #expect(Hex.text(plain.utf8) == digits)
        #expect(Hex.bytes(digits) == Array(plain.utf8))
        #expect(Hex.bytes(digits.uppercased()) == Array(plain.utf8))
    }

    @Test(arguments: ["6", "6g", "g6", "6G", "G6", " 66", "66 ", "0x66", "+6", "６６"])
    func `are refused when they are none`(text: String) { #expect(Hex.bytes(text) == nil) }

    @Test func `of every byte read back`() {
        let all = Array(UInt8.min...UInt8.max)
        #expect(Hex.bytes(Hex.text(all)) == all)
    }

    @Test func `of a number have their leading zeros`() {
        #expect(Hex.text(UInt8(7)) == "07")
        #expect(Hex.text(UInt16(0xD83D)) == "d83d")
        #expect(Hex.text(UInt32(0xE306_9283)) == "e3069283")
        #expect(Hex.text(UInt64(1)) == "0000000000000001")
        #expect(Hex.text(UInt64.max) == "ffffffffffffffff")
    }
}

@Suite struct `Base64 for URLs` {
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
    ])
    func `is that of RFC 4648 without padding`(plain: String, text: String) {
        #expect(Base64URL.encoded(Array(plain.utf8)) == text)
        #expect(Base64URL.decoded(text) == Array(plain.utf8))
    }

    @Test func `has its own two last letters`() {
        #expect(Base64URL.encoded([0xFB, 0xEF, 0xFF]) == "--__")
        #expect(Base64URL.decoded("--__") == [0xFB, 0xEF, 0xFF])
    }

    @Test func `reads back what it wrote`() {
        for count in 0..<40 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 89 + count) }
            #expect(Base64URL.decoded(Base64URL.encoded(bytes)) == bytes)
        }
    }

    @Test(arguments: ["TWF=", "TWG", "T", "TWFuT", "++//", "TW Fu", "TWFu\n", "é"])
    func `refuses every other text`(text: String) { #expect(Base64URL.decoded(text) == nil) }
}

@Suite struct `Percent-coding` {
    @Test(arguments: [
        ("", ""), ("AZaz09-._~", "AZaz09-._~"), (" ", "%20"), ("a/b", "a%2Fb"), ("%", "%25"), ("é", "%C3%A9"), ("日", "%E6%97%A5"),
        ("+", "%2B"), (":;@&=$,!*'()", "%3A%3B%40%26%3D%24%2C%21%2A%27%28%29"),
    ])
    func `is that of RFC 3986`(plain: String, text: String) {
        #expect(PercentCoding.encoded(plain) == text)
        #expect(PercentCoding.decoded(text) == plain)
        #expect(PercentCoding.decoded(text.lowercased())?.lowercased() == plain.lowercased())
    }

    @Test func `takes a plus for a blank in forms only`() {
        #expect(PercentCoding.decoded("a+b") == "a+b")
        #expect(PercentCoding.decoded("a+b%2B", plusIsBlank: true) == "a b+")
    }

    @Test(arguments: ["%", "%4", "%4G", "%G4", "%00", "%FF", "%C3", "a%ED%A0%80"])
    func `refuses a broken escape, a NUL and what is no UTF-8`(text: String) { #expect(PercentCoding.decoded(text) == nil) }
}

@Suite struct `A number of 7 bits a byte` {
    @Test(
        arguments: [
            (0, [0]), (1, [1]), (127, [0x7F]), (128, [0x80, 1]), (300, [0xAC, 2]), (624_485, [0xE5, 0x8E, 0x26]),
            (.max, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]),
        ] as [(UInt64, [UInt8])])
    func `is written and read back`(number: UInt64, bytes: [UInt8]) throws {
        var out: [UInt8] = []
        out.append(varint: number)
        #expect(out == bytes)
        var one: [UInt8] = []
        Varint.write(number) { one.append($0) }
        #expect(one == bytes)
        var at = 0
        #expect(try Varint.read(bytes.span, at: &at, end: bytes.count) == number)
        #expect(at == bytes.count)
    }

    private func fault(_ bytes: [UInt8]) -> Varint.Fault? {
        var at = 0
        do throws(Varint.Fault) { _ = try Varint.read(bytes.span, at: &at, end: bytes.count) } catch { return error }
        return nil
    }

    @Test func `says what is wrong with it`() {
        #expect(fault([]) == .torn)
        #expect(fault([0x80]) == .torn)
        #expect(fault([0x80, 0]) == .notShortest)
        #expect(fault([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2]) == .tooLarge)
        #expect(fault([UInt8](repeating: 0x80, count: 10) + [1]) == .tooLarge)
    }

    @Test func `is not read past the end that was given`() {
        let bytes: [UInt8] = [0xAC, 2]
        var at = 0
        #expect(throws: Varint.Fault.torn) { try Varint.read(bytes.span, at: &at, end: 1) }
    }
}

@Suite struct `The checksum CRC-32C` {
    /// The test patterns of RFC 3720, appendix B.4, and the check value of the catalogue of CRC algorithms.
    @Test(
        arguments: [
            (Array("123456789".utf8), 0xE306_9283), ([], 0), ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), (Array(0..<32), 0x46DD_794E),
            (Array((0..<32).reversed()), 0x113F_DB5C),
        ] as [([UInt8], UInt32)])
    func `is that of RFC 3720`(bytes: [UInt8], sum: UInt32) { #expect(CRC32C.checksum(bytes[...]) == sum) }

    @Test func `is of a part where a part is given`() {
        let bytes = Array("0123456789".utf8)
        #expect(CRC32C.checksum(bytes[1...]) == 0xE306_9283)
    }
}
