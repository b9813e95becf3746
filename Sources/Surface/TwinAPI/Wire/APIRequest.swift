import CodecKit

/// One complete HTTP request, independent of the server: handlers get it, and tests make it by hand.
package struct APIRequest: Sendable {
    /// In capitals, as on the request line.
    package let method: String
    /// Percent-encoded, without the query.
    package let rawPath: String
    /// Names and values decoded, in the order of the query.
    package let parameters: [(name: String, value: String)]
    /// Names in small letters; repeated fields joined by `, `.
    package let headers: [String: String]
    package var body: [UInt8]

    /// Nil if the query's percent-encoding is broken.
    ///
    /// - Parameter target: path and query, percent-encoded, as on the request line.
    package init?(method: String, target: String, headers: [String: String] = [:], body: [UInt8] = []) {
        self.method = method
        self.headers = headers
        self.body = body
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        rawPath = String(parts.first ?? "")
        var parameters: [(name: String, value: String)] = []
        if parts.count > 1 {
            for pair in parts[1].split(separator: "&") {
                let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard let name = PercentCoding.decoded(sides[0], plusIsBlank: true),
                    let value = PercentCoding.decoded(sides.count > 1 ? sides[1] : "", plusIsBlank: true)
                else { return nil }
                parameters.append((name, value))
            }
        }
        self.parameters = parameters
    }

    /// The first value of a query parameter; names match in any case of their letters.
    func parameter(_ name: String) -> String? { parameters.first { Self.isSame($0.name, name) }?.value }

    /// All values of a query parameter, in order.
    func allParameters(_ name: String) -> [String] { parameters.filter { Self.isSame($0.name, name) }.map(\.value) }

    /// - Parameter name: in small letters.
    func header(_ name: String) -> String? { headers[name] }

    private static func isSame(_ one: String, _ other: String) -> Bool { one.lowercased() == other.lowercased() }
}
