/// Which servers may be contacted, and for how long. No rule changes this: servers prove who they are, with TLS 1.2 or later, and
/// proxies, passwords and cookies of the environment are not used.
package struct TransferRules: Sendable, Equatable {
    /// Redirects included.
    package var origins: Set<WebOrigin>
    /// Networks that names may lead to besides the public Internet; nil: any. Origins written as an address need none.
    package var networks: [Network]?
    /// A PEM file of authorities that are trusted besides the system's, absolute; nil: none.
    package var authorities: String?
    /// For finding the address, connecting, and TLS.
    package var connectTime: Duration = .seconds(10)
    /// The longest time without a byte in either direction.
    package var stallTime: Duration = .seconds(30)
    /// The largest body that is read. Unit: bytes.
    package var bytesMax: UInt64 = 1 << 36

    /// The least speed of a connection after `stallTime`. Unit: bytes a second.
    static let slowest: Double = 1024
    static let redirectsMax = 5

    package init(origins: Set<WebOrigin>, networks: [Network]? = [], authorities: String? = nil) {
        self.origins = origins
        self.networks = networks
        self.authorities = authorities
    }

    /// Errors: `refused`.
    package func check(_ address: WebAddress) throws(TransferError) {
        guard !origins.contains(address.origin) else { return }
        throw TransferError(.refused, "\(address.origin.text) is not one of the hosts that are allowed.")
    }

    func allows(_ found: InternetAddress, of origin: WebOrigin) -> Bool {
        guard let networks, !found.isPublic, !origin.namesItsAddress else { return true }
        return networks.contains { $0.contains(found) }
    }
}
