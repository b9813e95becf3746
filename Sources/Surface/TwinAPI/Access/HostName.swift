/// The `Host` and `Origin` of requests. Checking them prevents pages of other sites from using a browser on this machine (DNS
/// rebinding).
enum HostName {
    /// Whether `text` looks like a host with an optional port, and can be in a URL.
    static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
                    true
                default: false
                }
            }
    }

    /// The host without its port, in small letters; brackets of IPv6 addresses kept.
    static func name(of text: String) -> String {
        let text = text.lowercased()
        if text.hasPrefix("[") { return text.firstIndex(of: "]").map { String(text[...$0]) } ?? text }
        return String(text.prefix { $0 != ":" })
    }

    /// Whether it is an address in digits: a page of another site cannot pass for one.
    static func isAddress(_ name: String) -> Bool {
        if name.hasPrefix("[") { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Whether it names this machine alone.
    static func isLoopback(_ name: String) -> Bool {
        name == "localhost" || name == "[::1]" || name == "::1" || isAddress(name) && name.hasPrefix("127.")
    }
}
