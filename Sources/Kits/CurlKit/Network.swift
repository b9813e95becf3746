import Glibc

/// An IPv4 or IPv6 address, in its bytes: four or sixteen. One that holds the other kind (`::ffff:10.0.0.1`, and those of
/// translators, `64:ff9b::10.0.0.1`) counts as what it holds.
package struct InternetAddress: Sendable, Hashable, CustomStringConvertible {
    let bytes: [UInt8]

    init(bytes: [UInt8]) {
        let embeds = bytes.count == 16 && (bytes.starts(with: Self.mapped) || bytes.starts(with: Self.translated))
        self.bytes = embeds ? Array(bytes[12...]) : bytes
    }

    /// In digits, without brackets; nil for anything else.
    package init?(_ text: String) {
        var four = in_addr()
        var six = in6_addr()
        if unsafe inet_pton(AF_INET, text, &four) == 1 {
            self.init(bytes: unsafe withUnsafeBytes(of: &four) { unsafe Array($0) })
        } else if unsafe inet_pton(AF_INET6, text, &six) == 1 {
            self.init(bytes: unsafe withUnsafeBytes(of: &six) { unsafe Array($0) })
        } else {
            return nil
        }
    }

    package var description: String {
        if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2).map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
            .joined(separator: ":")
    }

    /// Whether it is one of the public Internet: neither this machine's, nor a private network's, nor reserved for something
    /// else (RFC 6890 and the registries it names).
    package var isPublic: Bool {
        if bytes.count == 4 { return !Self.special.contains { $0.contains(self) } }
        return Self.global.contains(self) && !Self.specialOfSix.contains { $0.contains(self) }
    }

    private static let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xFF, 0xFF]
    private static let translated: [UInt8] = [0, 0x64, 0xFF, 0x9B] + Array(repeating: 0, count: 8)
    private static let special = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3",
    ].compactMap(Network.init)
    private static let global = Network("2000::/3")!
    /// Among the global ones: tunnels that lead to embedded addresses, and examples.
    private static let specialOfSix = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"].compactMap(Network.init)
}

/// A range of addresses: `10.0.0.0/8`, `fd00::/8`; without a `/`, one address.
package struct Network: Sendable, Hashable {
    private let first: [UInt8]
    private let bits: Int

    /// Nil if the text is not a range, or has bits set behind its length.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = InternetAddress(String(parts[0])) else { return nil }
        first = address.bytes
        if parts.count == 1 {
            bits = first.count * 8
        } else {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(parts[1]),
                (0...first.count * 8).contains(count)
            else { return nil }
            bits = count
        }
        for index in bits..<first.count * 8 where Self.bit(index, of: first) { return nil }
    }

    package func contains(_ address: InternetAddress) -> Bool {
        guard address.bytes.count == first.count else { return false }
        return (0..<bits).allSatisfy { Self.bit($0, of: first) == Self.bit($0, of: address.bytes) }
    }

    private static func bit(_ index: Int, of bytes: [UInt8]) -> Bool { bytes[index / 8] & (0x80 >> (index % 8)) != 0 }
}
