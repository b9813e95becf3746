/// Numbers of bytes for people.
package enum Sizes {
    /// `999 bytes`, `1.2 kB`, `34.5 MB`: thousands, with one decimal.
    package static func text(_ bytes: UInt64) -> String {
        let units: [(UInt64, String)] = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")]
        guard let (size, name) = units.first(where: { bytes >= $0.0 }) else { return counted(bytes, "byte") }
        return "\(bytes / size).\(bytes % size / (size / 10)) \(name)"
    }

    /// `34.5 MB (34,567,890 bytes)`; small ones once.
    package static func exact(_ bytes: UInt64) -> String {
        bytes < 1000 ? text(bytes) : "\(text(bytes)) (\(ProgressLine.grouped(bytes)) bytes)"
    }
}
