/// Durations, sizes and shares as people write them.
package enum Quantity {
    private static let durationUnits: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]
    private static let sizeUnits: [(name: String, bytes: UInt64)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("B", 1),
    ]

    /// A whole number and one of `ms`, `s`, `m`, `h`, `d`, a blank between them allowed: `2s`, `15m`, `365 d`. Nil for
    /// anything else.
    package static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = split(text), let count = Int64(number),
            let factor = durationUnits.first(where: { $0.name == unit })?.milliseconds
        else { return nil }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : .milliseconds(milliseconds)
    }

    /// A whole number and one of `B`, `kB`, `MB`, `GB`, `TB` (powers of 1000), `KiB`, `MiB`, `GiB`, `TiB` (powers of 1024), a
    /// blank between them allowed; a number alone counts bytes. Nil for anything else.
    package static func size(_ text: String) -> UInt64? {
        guard let (number, unit) = split(text), let count = UInt64(number),
            let factor = unit.isEmpty ? 1 : sizeUnits.first(where: { $0.name == unit })?.bytes
        else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }

    /// A decimal number of 0 to 100 and `%`: `5%`, `0.1 %` as a share of 0 to 1. Nil for anything else.
    package static func share(_ text: String) -> Double? {
        guard text.utf8.last == UInt8(ascii: "%"), let (number, unit) = split(text), unit == "%", let percent = Double(number),
            percent <= 100
        else { return nil }
        return percent / 100
    }

    /// `duration` in the largest unit that leaves no rest.
    package static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        let unit = durationUnits.first { milliseconds % $0.milliseconds == 0 && milliseconds >= $0.milliseconds }
        guard let unit else { return "\(milliseconds)ms" }
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }

    /// `bytes` in the largest unit of 1024 that leaves no rest.
    package static func text(size bytes: UInt64) -> String {
        let unit = sizeUnits.prefix(4).first { bytes > 0 && bytes % $0.bytes == 0 }
        guard let unit else { return "\(bytes) B" }
        return "\(bytes / unit.bytes) \(unit.name)"
    }

    /// `share` as per cent.
    package static func text(share: Double) -> String {
        let percent = share * 100
        let tidy = (percent * 1_000_000).rounded() / 1_000_000
        return tidy == tidy.rounded() ? "\(Int64(tidy))%" : "\(tidy)%"
    }

    /// The digits (with one dot at most) that start `text`, and the rest without the blanks between; nil without a digit.
    private static func split(_ text: String) -> (number: String, unit: String)? {
        let number = text.utf8.prefix { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        guard let first = number.first, first != UInt8(ascii: "."), number.last != UInt8(ascii: ".") else { return nil }
        let unit = text.utf8.dropFirst(number.count).drop { $0 == 0x20 }
        return (String(decoding: number, as: UTF8.self), String(decoding: unit, as: UTF8.self))
    }
}
