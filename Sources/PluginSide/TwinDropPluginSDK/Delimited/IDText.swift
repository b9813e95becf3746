extension ByteScratch {
    /// Appends a cell as part of an id: bytes other than letters, digits and `-._:+*!(),=@$'` become `%XX`, so that different
    /// cells stay different and every service takes the id. CodecKit's PercentCoding leaves fewer plain: it is for URLs.
    public mutating func append(escaped cell: Bytes) {
        for index in 0..<cell.count {
            let byte = cell[index]
            if Self.isPlain(byte) {
                append(byte)
            } else {
                append(UInt8(ascii: "%"))
                append(Self.hex(byte >> 4))
                append(Self.hex(byte & 15))
            }
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "+"), UInt8(ascii: "*"),
            UInt8(ascii: "!"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: "@"),
            UInt8(ascii: "$"), UInt8(ascii: "'"):
            true
        default: false
        }
    }

    private static func hex(_ digit: UInt8) -> UInt8 { digit < 10 ? 0x30 + digit : 0x37 + digit }
}
