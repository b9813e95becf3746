package import CurlKit
import DropCore
import TwinModel

/// The values of `outbound`: what the daemon may do when it asks other servers.
package struct OutboundSettings: Sendable, Equatable {
    /// A PEM file of authorities that are trusted besides the system's, absolute.
    package let authorities: String?
    /// Networks that names may lead to besides the public Internet.
    package let networks: [Network]
    /// As they are written.
    let networkTexts: [String]
    package let connectTime: Duration
    package let stallTime: Duration

    /// The rules for some origins.
    ///
    /// - Parameter anyNetwork: whether their names may lead to any address, because only the configuration chooses the URL.
    package func rules(for origins: [WebOrigin], anyNetwork: Bool = false) -> TransferRules {
        var rules = TransferRules(
            origins: Set(origins), networks: anyNetwork ? nil : networks, authorities: authorities)
        rules.connectTime = connectTime
        rules.stallTime = stallTime
        return rules
    }

    var json: JSON {
        let authorities: [JSON.Member] = authorities.map { [.init("authorities", .string($0))] } ?? []
        return .object(
            authorities + [
                .init("networks", .array(networkTexts.map { .string($0) })),
                .init("connect-time", .string(Quantity.text(connectTime))),
                .init("stall-time", .string(Quantity.text(stallTime))),
            ])
    }
}

extension ConfigurationLoader {
    func readOutbound(_ section: Section) -> OutboundSettings {
        let authorities = section.text("authorities", type: "path", expected: "a file, absolute or in the home")
        let networks = section.texts("networks").filter { text, place in
            if Network(text) != nil { return true }
            section.report(
                .badValue, "networks", at: place,
                "found \(text), expected a range of addresses: 10.0.0.0/8, fd00::/8, 127.0.0.1.")
            return false
        }
        let settings = OutboundSettings(
            authorities: authorities.map { ConfigurationFiles.absolute($0, from: home) },
            networks: networks.compactMap { Network($0.text) }, networkTexts: networks.map(\.text),
            connectTime: section.duration("connect-time", standard: .seconds(10), atLeast: .milliseconds(100)),
            stallTime: section.duration("stall-time", standard: .seconds(30), atLeast: .seconds(1)))
        section.finish()
        return settings
    }
}
